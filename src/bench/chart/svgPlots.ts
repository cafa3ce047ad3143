import { formatRate, significant } from '../document/figures.js';
import { el, join, type Markup } from '../render/markup.js';
import {
  type Drawing,
  drawnWidth,
  horizontalAxis,
  type LegendEntry,
  label,
  legend,
  marker,
  tickLabel,
  verticalAxis,
  withTitle,
} from './drawing.js';
import {
  type Line,
  type LinePicture,
  type LinePoint,
  type RooflineMark,
  type RooflinePicture,
  type RunOrderPicture,
  type RunSeries,
  SERIES_COLOURS,
} from './picture.js';
import { isWide, linearScale, logScale, type Scale } from './scale.js';

/* Pictures with two axes, as SVG. */

const LINES_HEIGHT = 300;
/** Values whose largest is so many times the smallest are drawn logarithmically, always or beside others that are. */
const FAR_APART = 20;
const CLOSE = 4;

/** Draws lines with intervals, both axes linear from 0, or logarithmic where the values are far apart. */
export function drawLines({ lines, xTitle, yTitle, guide }: LinePicture, width: number): Drawing {
  const shown = lines.slice(0, SERIES_COLOURS);
  const [left, right, top] = [56, width - 16, 24];
  const bottom = LINES_HEIGHT - 34;
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
    LINES_HEIGHT + 8,
    right,
  );
  return {
    height: LINES_HEIGHT + 8 + (shown.length > 1 ? key.height : 0),
    content: [
      horizontalAxis(xAxis, top, bottom, tickLabel),
      verticalAxis(y, left, right, tickLabel),
      label(left - 50, 12, yTitle, { class: 'strong' }),
      label(right, bottom + 30, xTitle, { anchor: 'end', class: 'strong' }),
      guide === undefined ? null : drawGuide(guide, x, y),
      ...shown.map((line, series) => drawSeries(line, series, x, y)),
      ...(shown.length > 1 ? key.content : []),
    ],
  };
}

function drawGuide({ title, points }: Line, x: Scale, y: Scale): Markup {
  const last = points.at(-1);
  const path = el('path', { class: 'guide', d: pathThrough(points, x, y) });
  if (last === undefined) return path;
  return join([path, label(x.at(last.x) - 6, y.at(last.y) - 6, title, { anchor: 'end', class: 'tick' })]);
}

function drawSeries({ title, points }: Line, series: number, x: Scale, y: Scale): Markup {
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

const ORDER_HEIGHT = 220;
/** Pixels above and below the lines. */
const ORDER_TOP = 10;
const ORDER_BELOW = 40;

/** Runs in their order; those of the warm-up before them, on a ground of their own. */
export function drawRunOrder({ series }: RunOrderPicture, width: number): Drawing {
  const [left, right, top] = [52, width - 8, ORDER_TOP];
  const bottom = ORDER_HEIGHT - ORDER_BELOW;
  const warmups = Math.max(...series.map(({ warmupsMs }) => warmupsMs.length));
  const longest = Math.max(...series.map(({ runs }) => runs.length));
  // A cold first run may be many times slower: it must not flatten the others.
  const times = series.flatMap(({ runs }) => runs.map(({ ms }) => ms));
  const y = linearScale(times, bottom, top, 5);
  const x = (position: number) =>
    left + 8 + ((position + warmups) / Math.max(warmups + longest - 1, 1)) * (right - left - 16);
  const separator = warmups === 0 ? [] : [warmupArea(left, (x(-1) + x(0)) / 2, top, bottom)];
  const lines = series.map((one, index) => drawRuns(one, index, x, y));
  const entries = series.map(
    ({ title }, index): LegendEntry => ({ text: title, shape: (px, py) => marker(index, px, py) }),
  );
  const key =
    series.length === 1 ? { content: [], height: 0 } : legend(entries, left, ORDER_HEIGHT - 8, right);
  return {
    height: ORDER_HEIGHT + key.height,
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

function drawRuns(
  { id, warmupsMs, runs, levelMs }: RunSeries,
  series: number,
  x: (position: number) => number,
  y: Scale,
): Markup {
  const points = runs.map(({ ms }, index) => `${x(index).toFixed(1)} ${y.at(ms).toFixed(1)}`);
  const level = levelMs === null ? null : y.at(levelMs);
  const ends = { x1: x(0), x2: x(runs.length - 1) };
  return join([
    level === null ? null : el('line', { class: `level stroke${series}`, ...ends, y1: level, y2: level }),
    el('path', { class: `line stroke${series}`, d: `M${points.join('L')}` }),
    ...warmupsMs.map((ms, index) => drawWarmup(ms, index, x(index - warmupsMs.length), y)),
    ...runs.map(({ ms, disturbed }, index) => {
      const shape =
        disturbed === null
          ? marker(series, x(index), y.at(ms), 3.5)
          : el('circle', { class: 'dot noisy', cx: x(index), cy: y.at(ms), r: 4 });
      const reasons = disturbed === null ? '' : `, disturbed: ${disturbed}`;
      return withTitle(`${id}, run ${index + 1}: ${significant(ms)} ms${reasons}`, shape);
    }),
  ]);
}

/** A warm-up run; an arrow when it is slower or faster than the axis reaches. */
function drawWarmup(totalMs: number, index: number, x: number, y: Scale): Markup {
  const at = y.at(totalMs);
  const [top, bottom] = [ORDER_TOP, ORDER_HEIGHT - ORDER_BELOW];
  const title = `warm-up ${index + 1}: ${significant(totalMs)} ms`;
  if (at >= top && at <= bottom)
    return withTitle(title, el('circle', { class: 'warmup', cx: x, cy: at, r: 3.5 }));
  const [tip, back] = at < top ? [top + 2, top + 10] : [bottom - 2, bottom - 10];
  return withTitle(title, el('path', { class: 'warmup', d: `M${x} ${tip}L${x - 5} ${back}H${x + 5}Z` }));
}

const ROOFLINE_HEIGHT = 320;

/** Both axes logarithmic: memory is a slope, arithmetic a level. */
export function drawRoofline({ points, roofs, readBytesPerSecond }: RooflinePicture, width: number): Drawing {
  const [left, right, top] = [60, width - 16, 24];
  const bottom = ROOFLINE_HEIGHT - 34;
  const highest = Math.max(...roofs.map(({ flopsPerSecond }) => flopsPerSecond));
  // From left of the leftmost point to right of the point where the slope meets the highest roof.
  const intensities = [...points.map(({ intensity }) => intensity), (2 * highest) / readBytesPerSecond];
  const x = logScale(
    [Math.min(...intensities) / 2, Math.max(...intensities) * 2],
    left,
    right,
    width > 500 ? 8 : 4,
  );
  const rates = points.map(({ flopsPerSecond }) => flopsPerSecond);
  const y = logScale([Math.min(...rates) / 2, highest * 1.3], bottom, top, 6);
  const entries = points.map((point) => ({
    text: point.title,
    shape: (px: number, py: number) => dot(point, px, py),
  }));
  const key = legend(entries, left, ROOFLINE_HEIGHT + 8, right);
  return {
    height: ROOFLINE_HEIGHT + 8 + key.height,
    content: [
      horizontalAxis(x, top, bottom, (tick) => String(tick)),
      verticalAxis(y, left, right, (tick) => formatRate(tick).replace('.0', '').trimEnd()),
      label(4, 12, 'FLOP/s', { class: 'strong' }),
      label(right, bottom + 30, 'FLOP per byte read', { anchor: 'end', class: 'strong' }),
      ...roofs.map((roof) =>
        drawRoof(roof, readBytesPerSecond, 2 * Math.max(...intensities), x, y, { left, right, bottom }),
      ),
      ...points.map((point) => drawPoint(point, x, y)),
      ...key.content,
    ],
  };
}

interface Frame {
  readonly left: number;
  readonly right: number;
  readonly bottom: number;
}

/** The slope of the memory up to the level of the arithmetic, as far as they are inside the frame. */
function drawRoof(
  { name, flopsPerSecond }: RooflinePicture['roofs'][number],
  readBytesPerSecond: number,
  high: number,
  x: Scale,
  y: Scale,
  { left, bottom, right }: Frame,
): Markup {
  const ridge = flopsPerSecond / readBytesPerSecond;
  const level = y.at(flopsPerSecond);
  // In the double logarithm the slope is a straight line: follow it down until it leaves the frame.
  const [ridgeX, decadeX] = [x.at(ridge), x.at(ridge / 10)];
  const decadeY = y.at(flopsPerSecond / 10);
  const slope = (decadeY - level) / (decadeX - ridgeX);
  const atLeft = level + slope * (left - ridgeX);
  const start = atLeft <= bottom ? [left, atLeft] : [ridgeX + (bottom - level) / slope, bottom];
  const end = Math.min(x.at(high), right);
  const d = `M${start[0]?.toFixed(1)} ${start[1]?.toFixed(1)}L${ridgeX.toFixed(1)} ${level.toFixed(1)}H${end.toFixed(1)}`;
  return join([
    el('path', { class: 'roof', d }),
    label(end - 2, level - 5, `${name} ${formatRate(flopsPerSecond)}FLOP/s`, {
      anchor: 'end',
      class: 'tick',
    }),
  ]);
}

function drawPoint(point: RooflineMark, x: Scale, y: Scale): Markup {
  const [px, py] = [x.at(point.intensity), y.at(point.flopsPerSecond)];
  const gap = el('line', {
    class: 'gap',
    x1: px,
    x2: px,
    y1: py,
    y2: y.at(point.flopsPerSecond / point.share),
  });
  return withTitle(point.detail, gap, dot(point, px, py));
}

function dot({ name }: RooflineMark, x: number, y: number): Markup {
  return el('circle', { class: `point phase-${name}`, cx: x, cy: y, r: 6 });
}
