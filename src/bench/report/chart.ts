import type { FigureTable } from '../output/summaryTable.js';
import { wordColumns } from '../output/wordColumns.js';
import { type Child, el, join, type Markup } from './markup.js';
import type { Scale } from './scale.js';

/** A picture of data that is a table too. */
export interface Chart {
  readonly title: string;
  /** What to see in it, in a sentence or two; shown below the title and read to people who cannot see it. */
  readonly description: string;
  /** Draws it so many pixels wide. Colours come from the page's style sheet. */
  readonly draw: (width: number) => Drawing;
  /** The same data in words and figures. */
  readonly table: FigureTable;
}

export interface Drawing {
  readonly height: number;
  readonly content: readonly (Markup | null)[];
}

/** Pixels of the two drawings of each chart: one for desktops and paper, one for phones. */
const WIDTHS = { wide: 720, narrow: 340 } as const;

/** A chart with its title, both drawings (the style sheet shows one) and its data as a table. */
export function figure(chart: Chart): Markup {
  const drawings = (['wide', 'narrow'] as const).map((size) => {
    const width = WIDTHS[size];
    const { height, content } = chart.draw(width);
    const attributes = { class: size, viewBox: `0 0 ${width} ${Math.ceil(height)}`, role: 'img' };
    const label = `${chart.title}. ${chart.description}`;
    return el('svg', { ...attributes, 'aria-label': label }, ...content);
  });
  return el(
    'figure',
    {},
    el('figcaption', {}, el('h3', {}, chart.title), el('p', {}, chart.description)),
    ...drawings,
    el('details', {}, el('summary', {}, 'Data as a table'), htmlTable(chart.table)),
  );
}

/** A table that scrolls sideways on small screens. */
export function htmlTable(table: FigureTable): Markup {
  const { header, rows } = table;
  const words = wordColumns(table);
  const line = (name: string, cells: readonly string[]) =>
    el(
      'tr',
      {},
      ...cells.map((text, column) =>
        el(
          column === 0 && name === 'td' ? 'th' : name,
          {
            scope: name === 'th' ? 'col' : column === 0 ? 'row' : null,
            class: column > 0 && words[column] ? 'words' : null,
          },
          ...(name === 'th' ? breakable(text) : [text]),
        ),
      ),
    );
  const head = el('thead', {}, line('th', header));
  const body = el('tbody', {}, ...rows.map((row) => line('td', row)));
  return el(
    'div',
    { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Table' },
    el('table', {}, head, body),
  );
}

/** Names of metrics may be broken behind their underscores. */
function breakable(text: string): Child[] {
  return text.split(/(?<=_)/).flatMap((part, index) => (index === 0 ? [part] : [el('wbr', {}), part]));
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
      if (x - textWidth(text) / 2 < free) return [line];
      free = x + textWidth(text) / 2 + 4;
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
export function textWidth(text: string): number {
  return text.length * CHARACTER_PX;
}

/** The name of a row, centred on it: in two lines when one is too short. */
export function rowLabel(y: number, text: string, width: number): Markup {
  if (textWidth(text) <= width) return label(0, y + 4, text);
  const breaks = [...text.matchAll(/[ ,]+/g)].map(({ index, 0: gap }) => index + gap.trimEnd().length);
  // Where both lines have about the same length.
  const middle = breaks.sort((a, b) => Math.abs(a - text.length / 2) - Math.abs(b - text.length / 2))[0];
  if (middle === undefined) return label(0, y + 4, fitText(text, width));
  const lines = [text.slice(0, middle), text.slice(middle).trim()];
  return join(lines.map((line, index) => label(0, y - 3 + 14 * index, fitText(line, width))));
}
