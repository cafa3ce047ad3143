import type { Chart } from '../document/block.js';
import { significant } from '../document/figures.js';
import { cellTitles } from '../document/sweepAxes.js';
import { medianOf, valuesOf, wholeMetric } from '../record/summarizeResult.js';
import { el, join, type Markup } from '../render/markup.js';
import type { BenchResult, CellRecord } from '../schema/benchResult.js';
import {
  type Drawing,
  drawnWidth,
  type LegendEntry,
  label,
  legend,
  marker,
  tickLabel,
  verticalAxis,
  withTitle,
} from './drawing.js';
import { linearScale, type Scale } from './scale.js';

/** More cells than this would be a tangle; a sweep has its own charts. */
const MOST_CELLS = 4;
const HEIGHT = 220;
/** Pixels above and below the lines. */
const TOP = 10;
const BELOW = 40;

/** The runs in the order they were made, warm-up first: shows drift and disturbances. */
export function runOrderChart(result: BenchResult): Chart | null {
  const cells = result.cells.filter((cell) => cell.runs.length >= 2);
  if (cells.length === 0 || cells.length > MOST_CELLS) return null;
  const cellRows = cells.flatMap((cell) => {
    const values = valuesOf(wholeMetric(cell), cell, result) ?? [];
    return values.map((value, index) => [`${cell.id}, run ${index + 1}`, significant(value)]);
  });
  return {
    title: 'Runs in their order',
    description:
      'A level band without a trend is what a quiet machine shows. Warm-up runs are grey and count in no figure.',
    draw: (width) => draw(cells, cellTitles(result), width),
    table: { header: ['run', 'ms'], rows: cellRows },
  };
}

function draw(cells: readonly CellRecord[], titleOf: (cell: CellRecord) => string, width: number): Drawing {
  const [left, right, top] = [52, width - 8, TOP];
  const bottom = HEIGHT - BELOW;
  const warmups = Math.max(...cells.map((cell) => cell.warmups.length));
  const longest = Math.max(...cells.map((cell) => cell.runs.length));
  // A cold first run may be many times slower: it must not flatten the others.
  const times = cells.flatMap((cell) => cell.runs.map((run) => run.totalMs));
  const y = linearScale(times, bottom, top, 5);
  const x = (position: number) =>
    left + 8 + ((position + warmups) / Math.max(warmups + longest - 1, 1)) * (right - left - 16);
  const separator = warmups === 0 ? [] : [warmupArea(left, (x(-1) + x(0)) / 2, top, bottom)];
  const lines = cells.map((cell, series) => drawCell(cell, series, x, y));
  const entries = cells.map(
    (cell, series): LegendEntry => ({ text: titleOf(cell), shape: (px, py) => marker(series, px, py) }),
  );
  const key = cells.length === 1 ? { content: [], height: 0 } : legend(entries, left, HEIGHT - 8, right);
  return {
    height: HEIGHT + key.height,
    content: [
      ...separator,
      verticalAxis(y, left, right, tickLabel),
      label(left - 6, top, 'ms', { anchor: 'end', class: 'tick' }),
      ...lines,
      label(x(0), bottom + 18, '1', { anchor: 'middle', class: 'tick' }),
      longest < 2
        ? null
        : label(x(longest - 1), bottom + 18, String(longest), { anchor: 'middle', class: 'tick' }),
      ...key.content,
    ],
  };
}

function warmupArea(left: number, right: number, top: number, bottom: number): Markup {
  return join([
    el('rect', { class: 'area', x: left, y: top, width: right - left, height: bottom - top }),
    right - left < drawnWidth('warm-up') + 8
      ? null
      : label((left + right) / 2, bottom + 18, 'warm-up', { anchor: 'middle', class: 'tick' }),
  ]);
}

function drawCell(cell: CellRecord, series: number, x: (position: number) => number, y: Scale): Markup {
  const points = cell.runs.map((run, index) => `${x(index).toFixed(1)} ${y.at(run.totalMs).toFixed(1)}`);
  const median = medianOf('total', cell) ?? medianOf('encode', cell);
  const level = median === null ? null : y.at(median);
  return join([
    level === null
      ? null
      : el('line', {
          class: `level stroke${series}`,
          x1: x(0),
          x2: x(cell.runs.length - 1),
          y1: level,
          y2: level,
        }),
    el('path', { class: `line stroke${series}`, d: `M${points.join('L')}` }),
    ...cell.warmups.map((run, index) => drawWarmup(run.totalMs, index, x(index - cell.warmups.length), y)),
    ...cell.runs.map((run, index) => {
      const noisy = run.interference?.noisy === true;
      const reasons = noisy ? `, disturbed: ${run.interference?.reasons.join(', ')}` : '';
      const shape = noisy
        ? el('circle', { class: 'dot noisy', cx: x(index), cy: y.at(run.totalMs), r: 4 })
        : marker(series, x(index), y.at(run.totalMs), 3.5);
      return withTitle(`${cell.id}, run ${index + 1}: ${significant(run.totalMs)} ms${reasons}`, shape);
    }),
  ]);
}

/** A warm-up run; an arrow when it is slower or faster than the axis reaches. */
function drawWarmup(totalMs: number, index: number, x: number, y: Scale): Markup {
  const at = y.at(totalMs);
  const [top, bottom] = [TOP, HEIGHT - BELOW];
  const title = `warm-up ${index + 1}: ${significant(totalMs)} ms`;
  if (at >= top && at <= bottom)
    return withTitle(title, el('circle', { class: 'warmup', cx: x, cy: at, r: 3.5 }));
  const [tip, back] = at < top ? [top + 2, top + 10] : [bottom - 2, bottom - 10];
  return withTitle(title, el('path', { class: 'warmup', d: `M${x} ${tip}L${x - 5} ${back}H${x + 5}Z` }));
}
