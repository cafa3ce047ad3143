import { formatChange, significant } from '../document/figures.js';
import { el, join, type Markup } from '../render/markup.js';
import {
  type Drawing,
  drawnWidth,
  fitText,
  horizontalAxis,
  label,
  legend,
  rowLabel,
  swatch,
  tickLabel,
  verticalAxis,
  withTitle,
} from './drawing.js';
import type { Bar, BarPicture, IntervalPicture, IntervalRow, Picture } from './picture.js';
import { linearScale, logScale, type Scale } from './scale.js';
import { drawLines, drawRoofline, drawRunOrder } from './svgPlots.js';
import { drawSamples } from './svgSamples.js';

/**
 * A picture as the content of an SVG element.
 *
 * @param width in pixels; colours come from the page's style sheet
 */
export function svgPicture(picture: Picture, width: number): Drawing {
  switch (picture.kind) {
    case 'lines':
      return drawLines(picture, width);
    case 'intervals':
      return drawIntervals(picture, width);
    case 'bars':
      return picture.upright ? drawColumns(picture, width) : drawBars(picture, width);
    case 'samples':
      return drawSamples(picture, width);
    case 'runOrder':
      return drawRunOrder(picture, width);
    case 'roofline':
      return drawRoofline(picture, width);
  }
}

/* Pictures of rows and columns, as SVG. */

const INTERVAL_ROW = 40;
const HEAD = 24;
/** Pixels below an axis. */
const AXIS = 30;
/** Below this many pixels the verdict goes under the name instead of beside the line. */
const NARROW = 500;

/** Ratios around a line at 1, on a band of what does not matter. */
function drawIntervals({ groups }: IntervalPicture, width: number): Drawing {
  const rows = groups.flatMap((group) => group.rows);
  const narrow = width < NARROW;
  const labelWidth = narrow ? 110 : 200;
  const verdictWidth = narrow ? 0 : 120;
  const [left, right] = [labelWidth + 12, width - verdictWidth - 12];
  const margin = 1 + Math.max(...rows.map(({ marginPercent }) => marginPercent)) / 100;
  const ends = rows.flatMap(({ ratio, low, high }) => [ratio, low ?? ratio, high ?? ratio]);
  const scale = logScale([...ends, 1 / margin, margin], left, right, narrow ? 3 : 6);
  const bottom = HEAD + groups.reduce((sum, group) => sum + group.rows.length * INTERVAL_ROW + HEAD, 0);
  const band = { x: scale.at(1 / margin), width: scale.at(margin) - scale.at(1 / margin) };
  const content: (Markup | null)[] = [
    el('rect', { class: 'area', ...band, y: HEAD, height: bottom - HEAD }),
    horizontalAxis(scale, HEAD, bottom, (tick) => formatChange(tick)),
    el('line', { class: 'axis', x1: scale.at(1), x2: scale.at(1), y1: HEAD, y2: bottom }),
    label(scale.at(1) - 8, 14, '← B better', { anchor: 'end', class: 'tick' }),
    label(scale.at(1) + 8, 14, 'B worse →', { class: 'tick' }),
  ];
  let top = HEAD;
  for (const { title, rows: members } of groups) {
    // The lines of the axis would strike the title out.
    content.push(el('rect', { class: 'blank', x: 0, y: top, width, height: HEAD }));
    content.push(label(0, top + 16, fitText(title, width), { class: 'strong' }));
    top += HEAD;
    for (const row of members) {
      content.push(drawInterval(row, scale, top + INTERVAL_ROW / 2, narrow, right + 12));
      top += INTERVAL_ROW;
    }
  }
  return { height: bottom + 26, content };
}

function drawInterval(
  { name, ratio, low, high, verdict, advice, mean }: IntervalRow,
  scale: Scale,
  y: number,
  narrow: boolean,
  verdictX: number,
): Markup {
  const x = scale.at(ratio);
  const shown = `${formatChange(ratio)} ${verdict}`;
  const square = { x: x - 5, y: y - 5, width: 10, height: 10 };
  const shapes = [
    ...(low === null || high === null
      ? []
      : [
          el('line', { class: `ci verdict-${verdict}`, x1: scale.at(low), x2: scale.at(high), y1: y, y2: y }),
        ]),
    el('rect', { class: `estimate verdict-${verdict}`, ...square }),
  ];
  const interval = low === null || high === null ? '' : ` (${formatChange(low)} … ${formatChange(high)})`;
  return join([
    label(0, narrow ? y - 2 : y + 4, narrow && mean !== '' ? `${name}, ${mean}` : name),
    narrow
      ? label(0, y + 13, fitText(shown, 112), { class: 'tick' })
      : label(verdictX, y + 4, fitText(shown, 120)),
    narrow || mean === '' ? null : label(verdictX, y + 17, mean, { class: 'tick' }),
    withTitle(`${name}: ${formatChange(ratio)}${interval}, ${advice}`, ...shapes),
  ]);
}

const BAR_ROW = 34;

/** A stacked bar for each whole, its largest parts with their figures. */
function drawBars({ bars }: BarPicture, width: number): Drawing {
  const named = bars.length > 1;
  const labelWidth = named ? Math.min(width * 0.3, 150) : 0;
  const [left, right] = [labelWidth + (named ? 8 : 4), width - 12];
  const scale = linearScale(bars.map(sumOf), left, right, width > 500 ? 8 : 4, { zero: true });
  const key = partLegend(bars, width);
  const top = key.height + 8;
  const bottom = top + bars.length * BAR_ROW;
  return {
    height: bottom + AXIS,
    content: [
      ...key.content,
      horizontalAxis(scale, top, bottom, tickLabel),
      label(right, bottom + 27, 'ms', { anchor: 'end', class: 'tick' }),
      ...bars.flatMap((bar, index) => [
        ...(named ? [rowLabel(top + (index + 0.5) * BAR_ROW, bar.title, labelWidth)] : []),
        ...drawBar(bar, scale, top + index * BAR_ROW),
      ]),
    ],
  };
}

function drawBar({ id, totalMs, parts }: Bar, scale: Scale, top: number): Markup[] {
  let start = 0;
  return parts.map((part) => {
    const [from, to] = [scale.at(start), scale.at(start + part.ms)];
    start += part.ms;
    const box = { x: from, y: top + 5, width: Math.max(to - from - 1, 0.5), height: BAR_ROW - 10 };
    const shapes = [el('rect', { class: `phase-${part.name}`, ...box })];
    const text = significant(part.ms);
    if (to - from > drawnWidth(text) + 6) {
      const ink = { anchor: 'middle', class: `on-phase on-${part.name}` } as const;
      shapes.push(label((from + to) / 2, top + BAR_ROW / 2 + 4, text, ink));
    }
    return withTitle(`${id}, ${part.title}: ${text} ms, ${shareOf(part.ms, totalMs)}`, ...shapes);
  });
}

const COLUMNS_HEIGHT = 190;
/** More numbers than these would touch. */
const MOST_NUMBERS = 15;

/** The same upright, a column for each whole under its number. */
function drawColumns({ bars }: BarPicture, width: number): Drawing {
  const [left, right] = [56, width - 8];
  const key = partLegend(bars, width);
  const [top, bottom] = [key.height + 14, key.height + COLUMNS_HEIGHT - 24];
  const scale = linearScale(bars.map(sumOf), bottom, top, 4, { zero: true });
  const slot = (right - left) / bars.length;
  const thickness = Math.min(0.7 * slot, 48);
  const step = Math.ceil(bars.length / MOST_NUMBERS);
  return {
    height: key.height + COLUMNS_HEIGHT,
    content: [
      ...key.content,
      verticalAxis(scale, left, right, tickLabel),
      label(left - 6, top - 4, 'ms', { anchor: 'end', class: 'tick' }),
      ...bars.flatMap(({ title, totalMs, parts }, index) => {
        const middle = left + (index + 0.5) * slot;
        let start = 0;
        const shapes = parts.map((part) => {
          const [from, to] = [scale.at(start), scale.at(start + part.ms)];
          start += part.ms;
          const box = {
            x: middle - thickness / 2,
            y: to,
            width: thickness,
            height: Math.max(from - to, 0.5),
          };
          return el('rect', { class: `phase-${part.name}`, ...box });
        });
        const number = label(middle, bottom + 16, String(index + 1), { anchor: 'middle', class: 'tick' });
        const column = withTitle(`${title}: ${significant(totalMs)} ms`, ...shapes);
        return index % step === 0 ? [column, number] : [column];
      }),
    ],
  };
}

/** The parts of all bars once, in their order. */
function partLegend(bars: readonly Bar[], width: number) {
  const titles = new Map(bars.flatMap(({ parts }) => parts.map(({ name, title }) => [name, title])));
  const entries = [...titles].map(([name, text]) => ({ text, shape: swatch(`phase-${name}`) }));
  return legend(entries, 0, 0, width);
}

function sumOf({ parts }: Bar): number {
  return parts.reduce((sum, { ms }) => sum + ms, 0);
}

function shareOf(ms: number, totalMs: number): string {
  return `${((100 * ms) / totalMs).toFixed(1)} %`;
}
