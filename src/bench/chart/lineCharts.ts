import type { Chart } from '../document/block.js';
import { formatThreads, significant } from '../document/figures.js';
import { lineAxes, type SweepSeries, sweepSeries } from '../document/sweepAxes.js';
import { medianOf, wholeMetric } from '../record/summarizeResult.js';
import { el, join, type Markup } from '../render/markup.js';
import type { BenchResult, CellRecord } from '../schema/benchResult.js';
import {
  type Drawing,
  horizontalAxis,
  label,
  legend,
  marker,
  SERIES_COLOURS,
  tickLabel,
  verticalAxis,
  withTitle,
} from './drawing.js';
import { linearScale, logScale, type Scale } from './scale.js';

/** A plot of the run time along every numeric axis of a sweep, and the speed-up along the threads. */
export function sweepCharts(result: BenchResult): Chart[] {
  if (result.kind !== 'sweep') return [];
  return lineAxes(result).flatMap((axis): Chart[] => {
    const series = sweepSeries(result, axis);
    if (series.length === 0) return [];
    const xTitle = axis.title;
    const time = lineChart(`Time by ${xTitle}`, 'Median time of a run, with its 95 % interval.', {
      lines: series.map(timeLine),
      xTitle,
      yTitle: 'ms',
    });
    return axis.name === 'threads' ? [time, speedUpChart(series)] : [time];
  });
}

function timeLine({ title, points }: SweepSeries): Line {
  return { title, points: points.flatMap(({ x, cell }) => timePoint(x, cell)) };
}

function timePoint(x: number, cell: CellRecord): LinePoint[] {
  const summary = cell.summary?.[wholeMetric(cell)];
  if (summary === undefined) return [];
  const { median, medianInterval } = summary;
  const [low, high] = [medianInterval?.low ?? null, medianInterval?.high ?? null];
  return [{ x, y: median, low, high, title: `${cell.id}, ${significant(median)} ms` }];
}

/** How many times faster than with the fewest threads; the guide is what unlimited scaling would give. */
function speedUpChart(series: readonly SweepSeries[]): Chart {
  const lines = series.map(({ title, points }): Line => {
    const [first] = points;
    const base = first === undefined ? null : medianOf(wholeMetric(first.cell), first.cell);
    return {
      title,
      points: points.flatMap(({ x, cell }): LinePoint[] => {
        const median = medianOf(wholeMetric(cell), cell);
        if (median === null || base === null) return [];
        const speedUp = base / median;
        return [
          {
            x,
            y: speedUp,
            low: null,
            high: null,
            title: `${x} threads, ${significant(speedUp)} times faster`,
          },
        ];
      }),
    };
  });
  const threads = [...new Set(series.flatMap(({ points }) => points.map(({ x }) => x)))].sort(
    (a, b) => a - b,
  );
  const fewest = threads[0] ?? 1;
  const guide: Line = {
    title: 'ideal',
    points: threads.map((x) => ({ x, y: x / fewest, low: null, high: null, title: '' })),
  };
  return lineChart(
    'Scaling over threads',
    `How many times faster than with ${formatThreads(fewest)}; the dashed line would be ideal.`,
    { lines, xTitle: 'threads', yTitle: 'speed-up', guide },
  );
}

export interface LinePoint {
  readonly x: number;
  readonly y: number;
  /** Ends of its interval; null without one. */
  readonly low: number | null;
  readonly high: number | null;
  /** Shown when pointed at. */
  readonly title: string;
}

export interface Line {
  readonly title: string;
  readonly points: readonly LinePoint[];
}

export interface LinePlot {
  readonly lines: readonly Line[];
  readonly xTitle: string;
  readonly yTitle: string;
  /** A line to compare with, without points: what would be ideal. */
  readonly guide?: Line;
}

const HEIGHT = 300;
/** Values whose largest is so many times the smallest are drawn logarithmically, always or beside others that are. */
const FAR_APART = 20;
const CLOSE = 4;

/** Draws lines with intervals, both axes linear from 0, or logarithmic where the values are far apart. */
export function drawLines({ lines, xTitle, yTitle, guide }: LinePlot, width: number): Drawing {
  const shown = lines.slice(0, SERIES_COLOURS);
  const [left, right, top] = [56, width - 16, 24];
  const bottom = HEIGHT - 34;
  const points = [...shown, ...(guide === undefined ? [] : [guide])].flatMap((line) => line.points);
  const xs = points.map((point) => point.x);
  const ys = points.flatMap(({ y, low, high }) => [y, low ?? y, high ?? y]);
  const wide = isWide(ys, FAR_APART);
  // Where the times need a logarithm, proportional growth is only a straight line if the other axis has one too.
  const x = isWide(xs, wide ? CLOSE : FAR_APART)
    ? logScale(xs, left + 8, right - 8, 8)
    : linearScale(xs, left + 8, right - 8, 8);
  const y = wide ? logScale(ys, bottom, top, 6) : linearScale(ys, bottom, top, 6, { zero: true });
  // The values themselves say more than round numbers between them, as long as there are few.
  const distinct = [...new Set(xs)].sort((a, b) => a - b);
  const xAxis: Scale = distinct.length <= 8 ? { at: x.at, ticks: distinct } : x;
  const key = legend(
    shown.map(({ title }, series) => ({
      text: title,
      shape: (px: number, py: number) => marker(series, px, py),
    })),
    left,
    HEIGHT + 8,
    right,
  );
  return {
    height: HEIGHT + 8 + (shown.length > 1 ? key.height : 0),
    content: [
      horizontalAxis(xAxis, top, bottom, tickLabel),
      verticalAxis(y, left, right, tickLabel),
      label(left - 50, 12, yTitle, { class: 'strong' }),
      label(right, bottom + 30, xTitle, { anchor: 'end', class: 'strong' }),
      guide === undefined ? null : drawGuide(guide, x, y),
      ...shown.map((line, series) => drawLine(line, series, x, y)),
      ...(shown.length > 1 ? key.content : []),
    ],
  };
}

function isWide(values: readonly number[], ratio: number): boolean {
  const least = Math.min(...values);
  return least > 0 && Math.max(...values) / least >= ratio;
}

function drawGuide({ title, points }: Line, x: Scale, y: Scale): Markup {
  const last = points.at(-1);
  const path = el('path', { class: 'guide', d: pathThrough(points, x, y) });
  if (last === undefined) return path;
  return join([path, label(x.at(last.x) - 6, y.at(last.y) - 6, title, { anchor: 'end', class: 'tick' })]);
}

function drawLine({ title, points }: Line, series: number, x: Scale, y: Scale): Markup {
  return join([
    el('path', { class: `line stroke${series}`, d: pathThrough(points, x, y) }),
    ...points.map((point) => {
      const [px, py] = [x.at(point.x), y.at(point.y)];
      const bar =
        point.low === null || point.high === null
          ? []
          : [whisker(px, y.at(point.low), y.at(point.high), `stroke${series}`)];
      const name = title === '' ? point.title : `${title}: ${point.title}`;
      return withTitle(name, ...bar, marker(series, px, py, 4));
    }),
  ]);
}

function whisker(x: number, low: number, high: number, name: string): Markup {
  const d = `M${x} ${low}V${high}M${x - 4} ${low}h8M${x - 4} ${high}h8`;
  return el('path', { class: `whisker ${name}`, d });
}

function pathThrough(points: readonly LinePoint[], x: Scale, y: Scale): string {
  return `M${points.map((point) => `${x.at(point.x).toFixed(1)} ${y.at(point.y).toFixed(1)}`).join('L')}`;
}

/** A chart around a plot; its table has a row for each point. */
export function lineChart(title: string, description: string, plot: LinePlot): Chart {
  const more = plot.lines.length - SERIES_COLOURS;
  return {
    title,
    description: more > 0 ? `${description} ${more} more lines are in the table.` : description,
    draw: (width) => drawLines(plot, width),
    table: {
      header: ['', plot.xTitle, plot.yTitle, '95 % interval'],
      rows: plot.lines.flatMap((line) =>
        line.points.map(({ x, y, low, high }) => [
          line.title,
          tickLabel(x),
          y.toPrecision(4),
          low === null || high === null ? '–' : `${low.toPrecision(4)} … ${high.toPrecision(4)}`,
        ]),
      ),
    },
  };
}
