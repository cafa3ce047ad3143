import type { Chart, FigureTable } from '../document/block.js';
import { ledgerTable } from '../document/cellTables.js';
import { significant } from '../document/figures.js';
import { cellTitles } from '../document/sweepAxes.js';
import { PHASES, type Phase } from '../phases.js';
import { medianOf } from '../record/summarizeResult.js';
import { el, type Markup } from '../render/markup.js';
import type { BenchResult, CellRecord } from '../schema/benchResult.js';
import {
  type Drawing,
  drawnWidth,
  horizontalAxis,
  label,
  legend,
  rowLabel,
  swatch,
  tickLabel,
  withTitle,
} from './drawing.js';
import { linearScale, type Scale } from './scale.js';

interface Segment {
  readonly phase: Phase;
  readonly ms: number;
}

interface Bar {
  readonly cell: CellRecord;
  readonly segments: readonly Segment[];
}

const ROW = 34;
const AXIS = 30;
/** More bars than this are no picture; the table has them all. */
const MOST_BARS = 40;

/** Where the time goes: the median of each phase, one bar a cell; null when no cell tells its phases. */
export function phaseChart(result: BenchResult): Chart | null {
  const bars = result.cells.flatMap((cell): Bar[] => {
    const segments = PHASES.flatMap((phase): Segment[] => {
      const ms = medianOf(phase.metric, cell);
      return ms === null ? [] : [{ phase, ms }];
    });
    return segments.length < 2 ? [] : [{ cell, segments }];
  });
  if (bars.length === 0) return null;
  const phases = PHASES.filter((phase) =>
    bars.some(({ segments }) => segments.some((segment) => segment.phase === phase)),
  );
  const left = bars.length > MOST_BARS ? ` The first ${MOST_BARS} of ${bars.length} cells.` : '';
  return {
    title: 'Where the time goes',
    description: `Median milliseconds of each phase: the encoder's in blue, the decoder's in orange.${left}`,
    draw: (width) => draw(bars.slice(0, MOST_BARS), phases, cellTitles(result), width),
    table: tableOf(bars, phases),
  };
}

/** Of a single cell all that is known of its phases, of several their times. */
function tableOf(bars: readonly Bar[], phases: readonly Phase[]): FigureTable {
  const [first, ...others] = bars;
  if (first !== undefined && others.length === 0) return ledgerTable(first.cell);
  return {
    header: ['', ...phases.map(({ metric }) => metric)],
    rows: bars.map(({ cell, segments }) => [
      cell.id,
      ...phases.map((phase) => {
        const found = segments.find((segment) => segment.phase === phase);
        return found === undefined ? '–' : significant(found.ms);
      }),
    ]),
  };
}

function draw(
  bars: readonly Bar[],
  phases: readonly Phase[],
  titleOf: (cell: CellRecord) => string,
  width: number,
): Drawing {
  const named = bars.length > 1;
  const labelWidth = named ? Math.min(width * 0.3, 150) : 0;
  const [left, right] = [labelWidth + (named ? 8 : 4), width - 12];
  const sums = bars.map(({ segments }) => segments.reduce((sum, { ms }) => sum + ms, 0));
  const scale = linearScale(sums, left, right, width > 500 ? 8 : 4, { zero: true });
  const entries = phases.map(({ metric, title }) => ({ text: title, shape: swatch(`phase-${metric}`) }));
  const key = legend(entries, 0, 0, width);
  const top = key.height + 8;
  const bottom = top + bars.length * ROW;
  return {
    height: bottom + AXIS,
    content: [
      ...key.content,
      horizontalAxis(scale, top, bottom, tickLabel),
      label(right, bottom + 27, 'ms', { anchor: 'end', class: 'tick' }),
      ...bars.flatMap((bar, index) => [
        ...(named ? [rowLabel(top + (index + 0.5) * ROW, titleOf(bar.cell), labelWidth)] : []),
        ...drawBar(bar, scale, top + index * ROW),
      ]),
    ],
  };
}

function drawBar({ cell, segments }: Bar, scale: Scale, top: number): Markup[] {
  const total = medianOf('total', cell) ?? medianOf('encode', cell) ?? Number.NaN;
  let start = 0;
  return segments.map(({ phase: { metric, title }, ms }) => {
    const [from, to] = [scale.at(start), scale.at(start + ms)];
    start += ms;
    const share = `${((100 * ms) / total).toFixed(1)} %`;
    const box = { x: from, y: top + 5, width: Math.max(to - from - 1, 0.5), height: ROW - 10 };
    const shapes = [el('rect', { class: `phase-${metric}`, ...box })];
    const text = significant(ms);
    if (to - from > drawnWidth(text) + 6) {
      const middle = (from + to) / 2;
      shapes.push(
        label(middle, top + ROW / 2 + 4, text, { anchor: 'middle', class: `on-phase on-${metric}` }),
      );
    }
    return withTitle(`${cell.id}, ${title}: ${text} ms, ${share}`, ...shapes);
  });
}
