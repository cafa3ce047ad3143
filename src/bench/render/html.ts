import { svgPicture } from '../chart/svgPicture.js';
import type { Chart } from '../document/block.js';
import {
  type Block,
  type FigureTable,
  type Note,
  type TableBlock,
  type Tile,
  wordColumns,
} from '../document/block.js';
import { pageOutline, rawSection } from '../document/sections.js';
import type { BenchResult } from '../schema/benchResult.js';
import { reportStyle } from './htmlStyle.js';
import { type Child, el, embedJson, join, Markup } from './markup.js';

/** A result and what to call it. */
export interface ReportPart {
  readonly name: string;
  readonly result: BenchResult;
}

/** The page may run its own script and style and load nothing at all. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'";

/** Hands out the embedded data as a file. */
const SCRIPT = `
for (const button of document.querySelectorAll('[data-download]')) {
  button.addEventListener('click', () => {
    const data = document.getElementById('data').textContent;
    const parts = JSON.parse(data);
    const content = JSON.stringify(parts.length === 1 ? parts[0] : parts, null, 2);
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([content], { type: 'application/json' }));
    link.download = 'qwen-asr-bench.json';
    link.click();
    URL.revokeObjectURL(link.href);
  });
}`;

/**
 * Results as one HTML file that needs nothing else: no network, no fonts, no libraries. Charts are SVG and have their
 * data as tables; the results themselves are embedded.
 */
export function formatHtml(parts: readonly ReportPart[]): string {
  const title = `qwen_asr_bench: ${parts.map(({ name }) => name).join(', ')}`;
  const head = el(
    'head',
    {},
    el('meta', { charset: 'utf-8' }),
    el('meta', { 'http-equiv': 'Content-Security-Policy', content: POLICY }),
    el('meta', { name: 'viewport', content: 'width=device-width, initial-scale=1' }),
    el('meta', { name: 'color-scheme', content: 'light dark' }),
    el('title', {}, title),
    el('style', {}, new Markup(reportStyle())),
  );
  const body = el(
    'body',
    {},
    el('main', {}, ...parts.flatMap((part, index) => section(part, index))),
    el('script', { type: 'application/json', id: 'data' }, embedJson(parts.map(({ result }) => result))),
    el('script', {}, new Markup(SCRIPT)),
  );
  return `<!DOCTYPE html>\n${el('html', { lang: 'en' }, head, body).source}\n`;
}

function section({ name, result }: ReportPart, index: number): Child[] {
  const date = result.createdAt.replace('T', ' ').replace(/(\.\d+)?Z$/, ' UTC');
  const { machine, tool } = result;
  const head = `${tool.name} ${tool.version}, ${date}, ${machine.cpuModel ?? machine.architecture}`;
  return [
    el(index === 0 ? 'h1' : 'h2', { class: 'part' }, `${TITLES[result.kind]}: ${name}`),
    el('p', { class: 'lead' }, head),
    renderHtml(pageOutline(result)),
    el(
      'section',
      { class: 'screen' },
      el('h2', {}, 'Raw data'),
      el('p', {}, el('button', { type: 'button', 'data-download': true }, 'Download as JSON')),
      renderHtml(rawSection(result)),
    ),
  ];
}

const TITLES: Readonly<Record<BenchResult['kind'], string>> = {
  benchmark: 'Benchmark',
  sweep: 'Sweep',
  comparison: 'Comparison',
  ceilings: 'Ceilings',
};

/** Blocks one after the other; those of one fold are one element that opens. */
function renderHtml(blocks: readonly Block[]): Markup {
  const parts: Markup[] = [];
  for (let start = 0; start < blocks.length; ) {
    const { fold } = blocks[start]!;
    let end = start + 1;
    while (fold !== undefined && blocks[end]?.fold === fold) end++;
    const elements = blocks.slice(start, end).map(elementOf);
    parts.push(
      ...(fold === undefined ? elements : [el('details', {}, el('summary', {}, fold), ...elements)]),
    );
    start = end;
  }
  return join(parts);
}

function elementOf(block: Block): Markup {
  switch (block.kind) {
    case 'heading':
      return el(`h${block.level}`, {}, [block.text, block.detail].filter(Boolean).join(': '));
    case 'table':
      return titledTable(block);
    case 'notes':
      return noteList(block.notes);
    case 'facts':
      return el(
        'dl',
        { class: 'facts' },
        ...block.facts.flatMap(([label, text]) => [
          el('dt', {}, label),
          el('dd', label === 'command' || label === 'variables' ? { class: 'mono' } : {}, text),
        ]),
      );
    case 'tiles':
      return el('dl', { class: `tiles by-${tileColumns(block.tiles.length)}` }, ...block.tiles.map(tile));
    case 'chart':
      return chartFigure(block.chart);
  }
}

function titledTable({ table, title, about }: TableBlock): Markup {
  if (title === undefined) return htmlTable(table);
  const head = el('h3', {}, `${title[0]?.toUpperCase()}${title.slice(1)}`);
  if (about === undefined) return join([head, htmlTable(table)]);
  return el('figure', {}, el('figcaption', {}, head, el('p', {}, about)), htmlTable(table));
}

/** What was recognised is a quotation, a sentence without a label a lead, the others are items. */
function noteList(notes: readonly Note[]): Markup {
  const [first] = notes;
  if (first?.label === 'text') return el('blockquote', {}, first.text);
  if (first?.label === null) return el('p', { class: 'lead' }, first.text);
  const items = notes.map(({ label, text }) => el('li', label === 'error' ? { class: 'bad' } : {}, text));
  return el('ul', { class: 'notes' }, ...items);
}

/** Rows of three to five tiles, the last one as full as can be, the shorter the better. */
function tileColumns(count: number): number {
  const missing = (columns: number) => (columns - (count % columns)) % columns;
  return [4, 5, 3].sort((a, b) => missing(a) - missing(b))[0] ?? 4;
}

function tile({ title, value, unit, range }: Tile): Markup {
  const figures: Child[] = [el('span', { class: 'value' }, value), ' ', el('span', { class: 'unit' }, unit)];
  if (range !== '') figures.push(el('span', { class: 'range' }, range));
  return el('div', { class: 'tile' }, el('dt', {}, title), el('dd', {}, ...figures));
}

/** Pixels of the two drawings of each chart: one for desktops and paper, one for phones. */
const WIDTHS = { wide: 720, narrow: 340 } as const;

/** A chart with its title, both drawings (the style sheet shows one) and its data as a table. */
function chartFigure(chart: Chart): Markup {
  const drawings = (['wide', 'narrow'] as const).map((size) => {
    const width = WIDTHS[size];
    const { height, content } = svgPicture(chart.picture, width);
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
function htmlTable(table: FigureTable): Markup {
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
          text,
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
