import { distributionChart } from '../chart/distributionChart.js';
import type { Chart } from '../chart/drawing.js';
import { forestChart } from '../chart/forestChart.js';
import { sweepCharts } from '../chart/lineCharts.js';
import { phaseChart } from '../chart/phaseChart.js';
import { rooflineChart } from '../chart/rooflineChart.js';
import { runOrderChart } from '../chart/runOrderChart.js';
import { accuracyTable } from '../document/accuracyTable.js';
import { type FigureTable, wordColumns } from '../document/block.js';
import { rawTable, summaryTable } from '../document/cellTables.js';
import { comparisonNotes } from '../document/comparisonTable.js';
import { cellNotes, describeDocument, describeSettings } from '../document/describe.js';
import { figure as formatFigure, shownUnit, significant } from '../document/figures.js';
import { ceilingDoubts, ceilingsTable } from '../document/rooflineTable.js';
import { overheadTable, setTable, sweepTable, threadAdvice } from '../document/sweepTables.js';
import type { BenchResult, CellRecord } from '../schema/benchResult.js';
import { findMetric } from '../schema/metrics.js';
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
  return [
    el(index === 0 ? 'h1' : 'h2', { class: 'part' }, `${TITLES[result.kind]}: ${name}`),
    el(
      'p',
      { class: 'lead' },
      `${tool.name} ${tool.version}, ${date}, ${machine.cpuModel ?? machine.architecture}`,
    ),
    reportSections(result),
  ];
}

const TITLES: Readonly<Record<BenchResult['kind'], string>> = {
  benchmark: 'Benchmark',
  sweep: 'Sweep',
  comparison: 'Comparison',
  ceilings: 'Ceilings',
};

/** The figures that a single benchmark is remembered by. */
const TILES = [
  'total',
  'rt_factor',
  'encode',
  'decode',
  'per_layer',
  'first_token',
  'tokens_per_second',
  'memory',
];

/** Everything the report says about one result. */
export function reportSections(result: BenchResult): Markup {
  const [only] = result.cells;
  const single = result.cells.length === 1 && only !== undefined;
  const charts: (Chart | null)[] = [
    forestChart(result),
    ...sweepCharts(result),
    phaseChart(result),
    distributionChart(result),
    runOrderChart(result),
    rooflineChart(result),
  ];
  return join([
    ...failures(result),
    ...(single ? [cellHead(only, result)] : []),
    ...(result.kind === 'sweep' ? [sweepHead(result)] : []),
    ...charts.map((chart) => (chart === null ? null : figure(chart))),
    notes(comparisonNotes(result.comparisons)),
    ...overhead(result),
    ...(single ? [] : [cellsTable(result)]),
    ...ceilings(result),
    surroundings(result),
    rawRuns(result),
  ]);
}

function failures({ errors, complete }: BenchResult): Markup[] {
  const items = [
    ...errors.map(({ cell, message }) => (cell === null ? message : `${cell}: ${message}`)),
    ...(complete ? [] : ['The measurement was ended early; what was finished is here.']),
  ];
  return items.length === 0
    ? []
    : [el('ul', { class: 'notes' }, ...items.map((item) => el('li', { class: 'bad' }, item)))];
}

function cellHead(cell: CellRecord, result: BenchResult): Markup {
  const text = cell.runs[0]?.text;
  return join([
    el('p', { class: 'lead' }, `${describeSettings(cell, result)}, ${cell.runs.length} runs`),
    tiles(cell),
    text === null || text === undefined ? null : el('blockquote', {}, text === '' ? '(no text)' : text),
    notes(cellNotes(cell, result)),
  ]);
}

function sweepHead(result: BenchResult): Markup {
  const sets = setTable(result);
  const together = sets === null ? [] : [el('h3', {}, 'All recordings together'), htmlTable(sets)];
  const rates = accuracyTable(result);
  const accuracy = rates === null ? [] : [el('h3', {}, 'Accuracy'), htmlTable(rates)];
  return join([notes(threadAdvice(result)), htmlTable(sweepTable(result)), ...together, ...accuracy]);
}

function tiles(cell: CellRecord): Markup {
  const shown = TILES.flatMap((name) => {
    const metric = findMetric(name);
    const summary = cell.summary?.[name];
    if (metric === undefined || summary === undefined) return [];
    const { median, medianInterval, min, max } = summary;
    const [low, high] = medianInterval === null ? [min, max] : [medianInterval.low, medianInterval.high];
    const range = `${formatFigure(low, metric)} … ${formatFigure(high, metric)}${medianInterval === null ? ' (all runs)' : ''}`;
    return [tile(metric.title, formatFigure(median, metric), shownUnit(metric), low === high ? '' : range)];
  });
  const { accuracy } = cell;
  if (accuracy !== null) {
    const counts = `S ${accuracy.substitutions}, I ${accuracy.insertions}, D ${accuracy.deletions}`;
    shown.push(
      tile('word error rate', significant(100 * accuracy.wer), '%', counts),
      tile('character error rate', significant(100 * accuracy.cer), '%', ''),
    );
  }
  return el('dl', { class: `tiles by-${tileColumns(shown.length)}` }, ...shown);
}

/** Rows of three to five tiles, the last one as full as can be, the shorter the better. */
function tileColumns(count: number): number {
  const missing = (columns: number) => (columns - (count % columns)) % columns;
  return [4, 5, 3].sort((a, b) => missing(a) - missing(b))[0] ?? 4;
}

function tile(title: string, value: string, unit: string, range: string): Markup {
  const figures: Child[] = [el('span', { class: 'value' }, value), ' ', el('span', { class: 'unit' }, unit)];
  if (range !== '') figures.push(el('span', { class: 'range' }, range));
  return el('div', { class: 'tile' }, el('dt', {}, title), el('dd', {}, ...figures));
}

function overhead(result: BenchResult): Markup[] {
  const table = overheadTable(result);
  if (table === null) return [];
  const title = el('h3', {}, 'What a run costs');
  const explanation =
    'Fitted over the mean of each length: time = fixed + a · seconds of audio + b · tokens, each with its 95 % interval.';
  return [el('figure', {}, el('figcaption', {}, title, el('p', {}, explanation)), htmlTable(table))];
}

function cellsTable(result: BenchResult): Markup {
  const blocks = result.cells.map((cell) =>
    el(
      'details',
      {},
      el('summary', {}, `${cell.id}: ${describeSettings(cell, result)}`),
      htmlTable(summaryTable(cell)),
      notes(cellNotes(cell, result)),
    ),
  );
  return join([el('h2', {}, 'Cells'), ...blocks]);
}

function ceilings(result: BenchResult): Markup[] {
  if (result.ceilings.length === 0) return [];
  return [
    el('h2', {}, 'What the machine reaches by itself'),
    htmlTable(ceilingsTable(result.ceilings)),
    join([notes(ceilingDoubts(result.ceilings))]),
  ];
}

function surroundings(result: BenchResult): Markup {
  const facts = describeDocument(result).flatMap(([label, text]) => [
    el('dt', {}, label),
    el('dd', label === 'command' || label === 'variables' ? { class: 'mono' } : {}, text),
  ]);
  return join([el('h2', {}, 'Environment'), el('dl', { class: 'facts' }, ...facts), notes(result.notes)]);
}

function rawRuns(result: BenchResult): Markup {
  const table = rawTable(result);
  const count = `All ${table.rows.length} runs`;
  return el(
    'section',
    { class: 'screen' },
    el('h2', {}, 'Raw data'),
    el('p', {}, el('button', { type: 'button', 'data-download': true }, 'Download as JSON')),
    el('details', {}, el('summary', {}, count), htmlTable(table)),
  );
}

function notes(items: readonly string[]): Markup | null {
  return items.length === 0 ? null : el('ul', { class: 'notes' }, ...items.map((item) => el('li', {}, item)));
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
