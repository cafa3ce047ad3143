import { significant } from '../document/figures.js';
import { el, join, type Markup } from '../render/markup.js';
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
import { FEWEST_FOR_QUARTILES, type SamplePanel, type SamplePicture, type SampleRow } from './picture.js';
import { linearScale, type Scale } from './scale.js';

const ROW = 42;
const TITLE = 22;
const AXIS = 30;
/** Length of the arrows at the ends of the axis. */
const ARROW = 8;

/** Every value as a dot over the box of its quartiles, with the median and its interval. */
export function drawSamples({ panels }: SamplePicture, width: number): Drawing {
  const content: Markup[] = [];
  let top = 0;
  for (const panel of panels) {
    const { height, drawn } = drawPanel(panel, top, width);
    content.push(drawn);
    top += height;
  }
  return { height: top, content };
}

function drawPanel({ title: metric, rows: samples, relative }: SamplePanel, top: number, width: number) {
  const named = samples.length > 1;
  const labelWidth = named ? Math.min(width * 0.3, 150) : 0;
  const [left, right] = [labelWidth + 8, width - 8];
  const rows = samples.map((sample) => {
    const factor = relative ? 100 / (sample.median ?? 1) : 1;
    return { sample, values: sample.values, factor, shown: sample.values.map((value) => value * factor) };
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
  const drawn = rows.flatMap((row, index) => {
    const centre = top + TITLE + (index + 0.5) * ROW;
    const name = named ? [rowLabel(centre, row.sample.title, labelWidth)] : [];
    return [...name, drawRow({ ...row, range, left, right }, scale, centre)];
  });
  const axis = horizontalAxis(scale, top + TITLE, bottom, tickLabel);
  const title = label(0, top + 14, `${metric}, ${unit}`, { class: 'strong' });
  return { height: TITLE + rows.length * ROW + AXIS, drawn: join([axis, title, ...drawn]) };
}

interface PlacedRow {
  readonly sample: SampleRow;
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

function drawRow(row: PlacedRow, scale: Scale, centre: number): Markup {
  const { sample, shown, factor, left, right } = row;
  // Quartiles and intervals may reach as far as the runs beyond the axis.
  const place = (value: number) => Math.min(Math.max(scale.at(value), left), right);
  const shapes: Markup[] = [];
  if (shown.length >= FEWEST_FOR_QUARTILES) {
    const [low, high] = [place(quantile(shown, 0.25)), place(quantile(shown, 0.75))];
    shapes.push(el('rect', { class: 'box', x: low, y: centre - 13, width: high - low, height: 26, rx: 3 }));
  }
  const { median, interval } = sample;
  if (interval !== null) {
    const [low, high] = [place(interval.low * factor), place(interval.high * factor)];
    shapes.push(el('rect', { class: 'interval', x: low, y: centre + 9, width: high - low, height: 4 }));
  }
  shapes.push(...shown.map((_, index) => drawRun(row, index, scale, centre)));
  if (median !== null) {
    const x = scale.at(median * factor);
    const line = el('line', { class: 'median', x1: x, x2: x, y1: centre - 16, y2: centre + 16 });
    shapes.push(withTitle(`median ${significant(median)} ms`, line));
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
function drawRun(row: PlacedRow, index: number, scale: Scale, centre: number): Markup {
  const { sample, shown, values, range, left, right } = row;
  const disturbed = sample.disturbed[index] ?? null;
  const reasons = disturbed === null ? '' : `, disturbed: ${disturbed}`;
  const name = disturbed === null ? 'dot' : 'dot noisy';
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
  { shown, values }: Pick<PlacedRow, 'shown' | 'values'>,
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
    if (values.length < FEWEST_FOR_QUARTILES) return values;
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
