import { label, textWidth } from './chart.js';
import { el, type Markup } from './markup.js';

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
    const width = SHAPE_WIDTH + textWidth(text);
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

/** Colours that the style sheet has for series. */
export const SERIES_COLOURS = 8;

function polygon(x: number, y: number, radius: number, corners: number, turn: number): string {
  const points = Array.from({ length: corners }, (_, corner) => {
    const angle = turn + (2 * Math.PI * corner) / corners;
    return `${(x + radius * Math.cos(angle)).toFixed(2)} ${(y + radius * Math.sin(angle)).toFixed(2)}`;
  });
  return `M${points.join('L')}Z`;
}
