import { el, join, type Markup } from '../render/markup.js';
import { SERIES_COLOURS } from './picture.js';
import type { Scale } from './scale.js';

export interface Drawing {
  readonly height: number;
  readonly content: readonly (Markup | null)[];
}

/** Text in a drawing. */
export function label(
  x: number,
  y: number,
  text: string,
  options: { readonly anchor?: 'start' | 'middle' | 'end'; readonly class?: string } = {},
): Markup {
  return el('text', { x, y, 'text-anchor': options.anchor ?? 'start', class: options.class ?? null }, text);
}

/** Something that says what it is when pointed at. */
export function withTitle(title: string, ...shapes: readonly Markup[]): Markup {
  return el('g', {}, el('title', {}, title), ...shapes);
}

/** Vertical lines at the ticks of a horizontal axis, with their labels below as far as these do not touch. */
export function horizontalAxis(
  scale: Scale,
  top: number,
  bottom: number,
  show: (value: number) => string,
): Markup {
  let free = Number.NEGATIVE_INFINITY;
  return join(
    scale.ticks.flatMap((tick) => {
      const x = scale.at(tick);
      const text = show(tick);
      const line = el('line', { class: 'grid', x1: x, x2: x, y1: top, y2: bottom });
      if (x - drawnWidth(text) / 2 < free) return [line];
      free = x + drawnWidth(text) / 2 + 4;
      return [line, label(x, bottom + 14, text, { anchor: 'middle', class: 'tick' })];
    }),
  );
}

/** Horizontal lines at the ticks of a vertical axis, with their labels to the left. */
export function verticalAxis(
  scale: Scale,
  left: number,
  right: number,
  show: (value: number) => string,
): Markup {
  return join(
    scale.ticks.flatMap((tick) => {
      const y = scale.at(tick);
      return [
        el('line', { class: 'grid', x1: left, x2: right, y1: y, y2: y }),
        label(left - 6, y + 4, show(tick), { anchor: 'end', class: 'tick' }),
      ];
    }),
  );
}

/** A number on an axis, without digits that say nothing. */
export function tickLabel(value: number): string {
  if (Math.abs(value) >= 10_000) return `${Number((value / 1000).toPrecision(4))} k`;
  return String(Number(value.toPrecision(6)));
}

/** Average width of a character of the labels, 12 px sans-serif; an estimate that decides what fits. */
const CHARACTER_PX = 6.6;

/** A text shortened to so many pixels. */
export function fitText(text: string, width: number): string {
  const room = Math.floor(width / CHARACTER_PX);
  return text.length <= room ? text : `${text.slice(0, Math.max(room - 1, 1))}…`;
}

/** Pixels that a text takes, about. */
export function drawnWidth(text: string): number {
  return text.length * CHARACTER_PX;
}

/** The name of a row, centred on it: in two lines when one is too short. */
export function rowLabel(y: number, text: string, width: number): Markup {
  if (drawnWidth(text) <= width) return label(0, y + 4, text);
  const breaks = [...text.matchAll(/[ ,]+/g)].map(({ index, 0: gap }) => index + gap.trimEnd().length);
  // Where both lines have about the same length.
  const middle = breaks.sort((a, b) => Math.abs(a - text.length / 2) - Math.abs(b - text.length / 2))[0];
  if (middle === undefined) return label(0, y + 4, fitText(text, width));
  const lines = [text.slice(0, middle), text.slice(middle).trim()];
  return join(lines.map((line, index) => label(0, y - 3 + 14 * index, fitText(line, width))));
}

/** One entry: a shape in its colours and what it stands for. */
export interface LegendEntry {
  readonly text: string;
  /** Draws the shape around a point. */
  readonly shape: (x: number, y: number) => Markup;
}

const ROW_HEIGHT = 20;
const SHAPE_WIDTH = 16;
const GAP = 14;

/** Entries one after the other, in as many rows as they need. */
export function legend(
  entries: readonly LegendEntry[],
  left: number,
  top: number,
  right: number,
): { readonly content: Markup[]; readonly height: number } {
  let x = left;
  let y = top + ROW_HEIGHT / 2;
  const content = entries.flatMap(({ text, shape }) => {
    const width = SHAPE_WIDTH + drawnWidth(text);
    if (x > left && x + width > right) {
      x = left;
      y += ROW_HEIGHT;
    }
    const drawn = [shape(x + 6, y), label(x + SHAPE_WIDTH, y + 4, text)];
    x += width + GAP;
    return drawn;
  });
  return { content, height: y + ROW_HEIGHT / 2 - top };
}

/** A filled square of a class. */
export function swatch(name: string): LegendEntry['shape'] {
  return (x, y) => el('rect', { class: name, x: x - 6, y: y - 6, width: 12, height: 12, rx: 2 });
}

/** Markers of the series of a chart: shape and colour both tell them apart. */
export function marker(series: number, x: number, y: number, radius = 4): Markup {
  const name = `series${series % SERIES_COLOURS}`;
  const side = radius * 0.9;
  switch (series % 4) {
    case 0:
      return el('circle', { class: name, cx: x, cy: y, r: radius });
    case 1:
      return el('rect', { class: name, x: x - side, y: y - side, width: 2 * side, height: 2 * side });
    case 2:
      return el('path', { class: name, d: polygon(x, y, radius * 1.25, 4, 0) });
    default:
      return el('path', { class: name, d: polygon(x, y, radius * 1.25, 3, -Math.PI / 2) });
  }
}

function polygon(x: number, y: number, radius: number, corners: number, turn: number): string {
  const points = Array.from({ length: corners }, (_, corner) => {
    const angle = turn + (2 * Math.PI * corner) / corners;
    return `${(x + radius * Math.cos(angle)).toFixed(2)} ${(y + radius * Math.sin(angle)).toFixed(2)}`;
  });
  return `M${points.join('L')}Z`;
}
