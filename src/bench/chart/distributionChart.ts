import type { Chart } from '../document/block.js';
import { figure as formatFigure, shownUnit, significant } from '../document/figures.js';
import { cellTitles } from '../document/sweepAxes.js';
import { valuesOf } from '../record/summarizeResult.js';
import { el, join, type Markup } from '../render/markup.js';
import type { BenchResult, CellRecord } from '../schema/benchResult.js';
import { findMetric } from '../schema/metrics.js';
import { quantile } from '../statistics/descriptive.js';
import {
  type Drawing,
  drawnWidth,
  horizontalAxis,
  label,
  rowLabel,
  tickLabel,
  withTitle,
} from './drawing.js';
import { linearScale, type Scale } from './scale.js';

/** Rows that share an axis. */
interface Panel {
  readonly metric: string;
  readonly cells: readonly CellRecord[];
  /** Values are drawn as percent of their median, because the cells' times are too far apart for one axis. */
  readonly relative: boolean;
}

const ROW = 42;
const TITLE = 22;
const AXIS = 30;
/** Length of the arrows at the ends of the axis. */
const ARROW = 8;
/** Cells whose medians are further apart than this do not share an axis in milliseconds. */
const LARGEST_RATIO = 1.5;
/** Fewer runs than this make no box: its quartiles would be interpolated between single runs. */
const FEWEST_FOR_BOX = 8;

/** Every run as a dot, with the median, its interval and the quartiles; null when no cell has two runs. */
export function distributionChart(result: BenchResult): Chart | null {
  const cells = result.cells.filter((cell) => cell.runs.length >= 2);
  const single = cells.length <= 3;
  const metrics = single ? ['total', 'encode', 'decode'] : ['total', 'encode'];
  const panels = metrics.flatMap((metric): Panel[] => {
    const having = cells.filter((cell) => valuesOf(metric, cell, result) !== null);
    if (having.length === 0) return [];
    const medians = having.map((cell) => cell.summary?.[metric]?.median ?? 0);
    const relative = Math.max(...medians) > LARGEST_RATIO * Math.min(...medians);
    return [{ metric, cells: having, relative }];
  });
  const shown = single ? panels : panels.slice(0, 1);
  if (shown.length === 0) return null;
  return {
    title: 'Distribution of the runs',
    description:
      'Every dot is a run. The line is the median, the dark bar its 95 % interval, the box the middle half of the runs; runs during which the machine was disturbed are hollow, arrows stand for runs beyond the axis.',
    draw: (width) => drawPanels(shown, result, width),
    table: {
      header: ['', 'runs', 'min', 'quarter', 'median', 'three quarters', 'max', 'unit'],
      rows: shown.flatMap((panel) => panel.cells.map((cell) => tableRow(panel, cell, result))),
    },
  };
}

function tableRow({ metric }: Panel, cell: CellRecord, result: BenchResult): string[] {
  const values = valuesOf(metric, cell, result) ?? [];
  const unit = findMetric(metric) ?? { unit: 'ms' as const };
  const points = [0, 0.25, 0.5, 0.75, 1].map((share) => formatFigure(quantile(values, share), unit));
  return [`${cell.id}, ${metric}`, String(values.length), ...points, shownUnit(unit)];
}

function drawPanels(panels: readonly Panel[], result: BenchResult, width: number): Drawing {
  const content: Markup[] = [];
  let top = 0;
  for (const panel of panels) {
    const { height, drawn } = drawPanel(panel, result, top, width);
    content.push(drawn);
    top += height;
  }
  return { height: top, content };
}

function drawPanel(panel: Panel, result: BenchResult, top: number, width: number) {
  const { metric, cells, relative } = panel;
  const named = cells.length > 1;
  const titleOf = cellTitles(result);
  const labelWidth = named ? Math.min(width * 0.3, 150) : 0;
  const [left, right] = [labelWidth + 8, width - 8];
  const rows = cells.map((cell) => {
    const values = valuesOf(metric, cell, result) ?? [];
    const median = cell.summary?.[metric]?.median ?? 1;
    return { cell, median, values, shown: relative ? values.map((value) => (100 * value) / median) : values };
  });
  const range = axisRange(rows.map(({ shown }) => shown));
  const beyond = Math.max(...rows.map((row) => drawnWidth(farLabel(row, range, 'above'))));
  const before = Math.max(...rows.map((row) => drawnWidth(farLabel(row, range, 'below'))));
  const room = (text: number) => (text === 0 ? 0 : text + ARROW + 6);
  const scale = linearScale(
    [range.low, range.high],
    left + room(before),
    right - room(beyond),
    width > 500 ? 8 : 4,
  );
  const bottom = top + TITLE + rows.length * ROW;
  const unit = relative ? '% of the median' : 'ms';
  const drawn = rows.flatMap(({ cell, median, shown, values }, index) => {
    const centre = top + TITLE + (index + 0.5) * ROW;
    const name = named ? [rowLabel(centre, titleOf(cell), labelWidth)] : [];
    const factor = relative ? 100 / median : 1;
    return [...name, drawRow({ cell, metric, shown, values, factor, range, left, right }, scale, centre)];
  });
  const axis = horizontalAxis(scale, top + TITLE, bottom, tickLabel);
  const title = label(0, top + 14, `${metric}, ${unit}`, { class: 'strong' });
  return { height: TITLE + rows.length * ROW + AXIS, drawn: join([axis, title, ...drawn]) };
}

interface Row {
  readonly cell: CellRecord;
  readonly metric: string;
  /** As drawn: the values, or percent of their median. */
  readonly shown: readonly number[];
  readonly values: readonly number[];
  /** shown ÷ value */
  readonly factor: number;
  /** Runs outside stand at the ends of the axis. */
  readonly range: AxisRange;
  readonly left: number;
  readonly right: number;
}

function drawRow(row: Row, scale: Scale, centre: number): Markup {
  const { cell, metric, shown, factor, left, right } = row;
  // Quartiles and intervals may reach as far as the runs beyond the axis.
  const place = (value: number) => Math.min(Math.max(scale.at(value), left), right);
  const shapes: Markup[] = [];
  if (shown.length >= FEWEST_FOR_BOX) {
    const [low, high] = [place(quantile(shown, 0.25)), place(quantile(shown, 0.75))];
    shapes.push(el('rect', { class: 'box', x: low, y: centre - 13, width: high - low, height: 26, rx: 3 }));
  }
  const summary = cell.summary?.[metric];
  const interval = summary?.medianInterval ?? null;
  if (interval !== null) {
    const [low, high] = [place(interval.low * factor), place(interval.high * factor)];
    shapes.push(el('rect', { class: 'interval', x: low, y: centre + 9, width: high - low, height: 4 }));
  }
  shapes.push(...shown.map((_, index) => drawRun(row, index, scale, centre)));
  if (summary !== undefined) {
    const x = scale.at(summary.median * factor);
    const line = el('line', { class: 'median', x1: x, x2: x, y1: centre - 16, y2: centre + 16 });
    shapes.push(withTitle(`median ${significant(summary.median)} ms`, line));
  }
  const far = [
    label(row.right - ARROW - 4, centre + 4, farLabel(row, row.range, 'above'), {
      anchor: 'end',
      class: 'tick',
    }),
  ];
  far.push(label(row.left + ARROW + 4, centre + 4, farLabel(row, row.range, 'below'), { class: 'tick' }));
  return join([...shapes, ...far]);
}

/** A run: a dot, or an arrow at the end of the axis when it is too far away to leave room for the others. */
function drawRun(row: Row, index: number, scale: Scale, centre: number): Markup {
  const { cell, shown, values, range, left, right } = row;
  const interference = cell.runs[index]?.interference;
  const noisy = interference?.noisy === true;
  const reasons = noisy ? `, disturbed: ${interference.reasons.join(', ')}` : '';
  const name = noisy ? 'dot noisy' : 'dot';
  const place = shown[index] ?? 0;
  const y = centre + jitter(index);
  const [tip, back] = place > range.high ? [right, right - ARROW] : [left, left + ARROW];
  const shape =
    place >= range.low && place <= range.high
      ? el('circle', { class: name, cx: scale.at(place), cy: y, r: 3.5 })
      : el('path', { class: name, d: `M${tip} ${y}L${back} ${y - 5}V${y + 5}Z` });
  return withTitle(`run ${index + 1}: ${significant(values[index] ?? 0)} ms${reasons}`, shape);
}

/** What stands beside the arrows: the value of a single one, else how many there are and how far they go. */
function farLabel(
  { shown, values }: Pick<Row, 'shown' | 'values'>,
  { low, high }: AxisRange,
  side: 'above' | 'below',
): string {
  const far = values.filter((_, index) => (side === 'above' ? shown[index]! > high : shown[index]! < low));
  if (far.length === 0) return '';
  const extreme = significant(side === 'above' ? Math.max(...far) : Math.min(...far));
  return far.length === 1 ? extreme : `${far.length} to ${extreme}`;
}

interface AxisRange {
  readonly low: number;
  readonly high: number;
}

/** All values of the rows but those far out of their row (Tukey: 3 interquartile ranges), if it has enough runs. */
function axisRange(rows: readonly (readonly number[])[]): AxisRange {
  const bulk = rows.flatMap((values) => {
    if (values.length < FEWEST_FOR_BOX) return values;
    const [low, high] = [quantile(values, 0.25), quantile(values, 0.75)];
    const reach = 3 * (high - low);
    return values.filter((value) => value >= low - reach && value <= high + reach);
  });
  return { low: Math.min(...bulk), high: Math.max(...bulk) };
}

/** Spreads dots over ±10 pixels, evenly whatever their number: multiples of the golden ratio, modulo 1. */
function jitter(index: number): number {
  return 20 * ((index * 0.6180339887498949) % 1) - 10;
}
