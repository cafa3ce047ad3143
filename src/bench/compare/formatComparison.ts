import { showVerdict } from '../output/comparisonTable.js';
import { figure, formatChange, formatProbability, shownTitle, significant } from '../output/figures.js';
import { escapeMarkdown, markdownTable } from '../output/formatMarkdown.js';
import { type FigureTable, LEDGER_METRICS } from '../output/summaryTable.js';
import { textTable } from '../output/textTable.js';
import type { IndependentRecord } from '../schema/benchResult.js';
import { findMetric } from '../schema/metrics.js';
import type { CellComparison, ResultComparison } from './compareResults.js';
import { metricRatio } from './failCondition.js';

/** The comparison for a terminal: a table a cell, what to know, and whether it passed. */
export function formatComparisonText(comparison: ResultComparison): string {
  const blocks = [
    [`A  ${describeSide(comparison.a)}`, `B  ${describeSide(comparison.b)}`],
    ...comparison.cells.map((cell) => [
      ...(cell.title === '' ? [] : [cell.title, '']),
      ...textTable(cellTable(cell)),
      ...facts(cell, comparison.failures).map((fact, index) => (index === 0 ? `\n${fact}` : fact)),
    ]),
    comparison.notes.map((note) => `note: ${note}`),
    verdictLines(comparison),
  ];
  return blocks
    .filter((block) => block.length > 0)
    .map((block) => `${block.join('\n')}\n`)
    .join('\n');
}

/** The same for a CI summary or a pull request. */
export function formatComparisonMarkdown(comparison: ResultComparison): string {
  const list = (items: readonly string[]) => items.map((item) => `- ${escapeMarkdown(item)}`).join('\n');
  const blocks = [
    `### qwen\\_asr\\_bench compare: ${headline(comparison)}`,
    list(verdictLines(comparison)),
    ...comparison.cells.flatMap((cell) => [
      cell.title === '' ? '' : `**${escapeMarkdown(cell.title)}**`,
      markdownTable(cellTable(cell)),
      list(facts(cell, comparison.failures)),
    ]),
    list([`A: ${describeSide(comparison.a)}`, `B: ${describeSide(comparison.b)}`, ...comparison.notes]),
  ];
  return `${blocks.filter((block) => block !== '').join('\n\n')}\n`;
}

function headline({ failures, passed }: ResultComparison): string {
  if (failures.length > 0) return '❌ failed';
  return passed.length > 0 ? '✅ passed' : 'no condition was given';
}

/** What became of each condition. */
function verdictLines({ failures, passed }: ResultComparison): string[] {
  return [...passed.map((reason) => `passed: ${reason}`), ...failures.map((reason) => `failed: ${reason}`)];
}

function describeSide({ name, result }: ResultComparison['a']): string {
  const { tool, createdAt } = result;
  const commit = tool.commit === null ? '' : ` (commit ${tool.commit.slice(0, 10)})`;
  return `${name}: ${tool.name} ${tool.version}${commit}, ${createdAt}`;
}

function cellTable(cell: CellComparison): FigureTable {
  const rows = cell.records.filter((record) => isWorthALine(record, cell)).map((record) => row(record, cell));
  return { header: ['', 'A', 'B', 'change', '95 % interval', 'p', 'verdict'], rows };
}

function row(record: IndependentRecord, { pair }: CellComparison): string[] {
  const metric = findMetric(record.metric);
  const median = (side: 'a' | 'b') => pair[side].summary?.[record.metric]?.median;
  const [before, now] = [median('a'), median('b')];
  const ratio = metricRatio(record);
  if (metric === undefined || before === undefined || now === undefined) return [record.metric];
  const title = shownTitle(metric);
  const sides = [figure(before, metric), figure(now, metric)];
  if (ratio === null || record.outcome === null) return [title, ...sides, '–', '–', '–', '–'];
  const { estimate, low, high } = ratio;
  const interval = low === null || high === null ? '–' : `${formatChange(low)} … ${formatChange(high)}`;
  const probability = formatProbability(record.outcome.pValue);
  return [title, ...sides, formatChange(estimate), interval, probability, showVerdict(record.outcome)];
}

/** A phase below this share of the run is not worth a line of its own. */
const SMALLEST_SHARE = 0.005;

function isWorthALine({ metric }: IndependentRecord, { pair, sameAudio }: CellComparison): boolean {
  // On the same audio it changes as the total does.
  if (metric === 'rt_factor') return !sameAudio;
  if (!LEDGER_METRICS.some((name) => name === metric)) return true;
  return [pair.a, pair.b].some(({ summary }) => {
    const whole = summary?.['total']?.median ?? summary?.['encode']?.median ?? 0;
    return (summary?.[metric]?.median ?? 0) >= SMALLEST_SHARE * whole;
  });
}

/** What a failure says is not said twice. */
function facts(cell: CellComparison, failures: readonly string[]): string[] {
  const { tokens, pair } = cell;
  const [accuracyA, accuracyB] = [pair.a.accuracy, pair.b.accuracy];
  const rate = (value: number) => `${significant(100 * value)} %`;
  return [
    ...(tokens.same === true ? ['the tokens are the same'] : []),
    ...(tokens.difference === null || failures.some((failure) => failure.endsWith(tokens.difference ?? ''))
      ? []
      : [`${tokens.difference}${tokens.matters ? '' : ' (expected)'}`]),
    ...(accuracyA === null || accuracyB === null
      ? []
      : [
          `WER ${rate(accuracyA.wer)} to ${rate(accuracyB.wer)}, CER ${rate(accuracyA.cer)} to ${rate(accuracyB.cer)}`,
        ]),
  ];
}
