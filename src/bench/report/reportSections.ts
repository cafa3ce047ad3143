import { accuracyTable } from '../output/accuracyTable.js';
import { comparisonNotes } from '../output/comparisonTable.js';
import { cellNotes, describeDocument, describeSettings } from '../output/describe.js';
import { figure as formatFigure, shownUnit, significant } from '../output/figures.js';
import { ceilingDoubts, ceilingsTable } from '../output/rooflineTable.js';
import { setTable } from '../output/setTable.js';
import { summaryTable } from '../output/summaryTable.js';
import { sweepTable, threadAdvice } from '../output/sweepTable.js';
import type { BenchResult, CellRecord } from '../schema/benchResult.js';
import { findMetric } from '../schema/metrics.js';
import { type Chart, figure, htmlTable } from './chart.js';
import { distributionChart } from './distributionChart.js';
import { forestChart } from './forestChart.js';
import { type Child, el, join, type Markup } from './markup.js';
import { overheadTable } from './overheadTable.js';
import { phaseChart } from './phaseChart.js';
import { rawTable } from './rawTable.js';
import { rooflineChart } from './rooflineChart.js';
import { runOrderChart } from './runOrderChart.js';
import { sweepCharts } from './sweepCharts.js';

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
