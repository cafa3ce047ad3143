import { QwenAsrError } from '../../error.js';
import { recordingSets } from '../analysis/summarizeResult.js';
import { type Block, type Fact, type FigureTable, noteBlock } from '../document/block.js';
import { showVerdict } from '../document/comparisonTable.js';
import { figure, formatChange, formatProbability, shownTitle, significant } from '../document/figures.js';
import { PHASES } from '../phases.js';
import { renderMarkdown } from '../render/markdown.js';
import { renderText } from '../render/text.js';
import type { BenchResult, CellRecord } from '../schema/benchResult.js';
import { findMetric } from '../schema/metrics.js';
import { mean } from '../statistics/descriptive.js';
import type { CellComparison, ComparedMetric, ResultComparison } from './compareResults.js';
import { metricRatio } from './failCondition.js';
import type { NamedResult } from './pairCells.js';

/**
 * The comparison for a terminal: a table a cell, what to know, and whether it passed.
 *
 * @param columns of the terminal; a file has no end of them
 */
export function formatComparisonText(
  comparison: ResultComparison,
  columns = Number.POSITIVE_INFINITY,
): string {
  const { a, b, notes } = comparison;
  return renderText(
    [
      { kind: 'facts', facts: [...sideFacts('A', a), ...sideFacts('B', b)] },
      ...cellBlocks(comparison),
      ...noteBlock(notes),
      ...noteBlock(verdictLines(comparison), null),
    ],
    columns,
  );
}

/** The same for a CI summary or a pull request. */
export function formatComparisonMarkdown(comparison: ResultComparison): string {
  const sides = [...sideFacts('A', comparison.a), ...sideFacts('B', comparison.b)];
  return renderMarkdown([
    { kind: 'heading', level: 2, text: 'qwen_asr_bench compare', detail: headline(comparison) },
    ...noteBlock(verdictLines(comparison)),
    ...cellBlocks(comparison),
    ...noteBlock([...sides.map(([side, text]) => `${side}: ${text}`), ...comparison.notes]),
  ]);
}

function cellBlocks({ cells, failures }: ResultComparison): Block[] {
  return cells.flatMap((cell): Block[] => [
    ...(cell.title === '' ? [] : [{ kind: 'heading' as const, level: 3 as const, text: cell.title }]),
    { kind: 'table', table: cellTable(cell) },
    ...noteBlock(facts(cell, failures), null),
  ]);
}

function headline({ failures, passed }: ResultComparison): string {
  if (failures.length > 0) return '❌ failed';
  return passed.length > 0 ? '✅ passed' : 'no condition was given';
}

/** What became of each condition. */
function verdictLines({ failures, passed }: ResultComparison): string[] {
  return [...passed.map((reason) => `passed: ${reason}`), ...failures.map((reason) => `failed: ${reason}`)];
}

/** A line for each session of a side. */
function sideFacts(side: string, sessions: readonly NamedResult[]): Fact[] {
  return sessions.map(({ name, result: { tool, createdAt } }) => {
    const commit = tool.commit === null ? '' : ` (commit ${tool.commit.slice(0, 10)})`;
    return [side, `${name}: ${tool.name} ${tool.version}${commit}, ${createdAt}`];
  });
}

function cellTable(cell: CellComparison): FigureTable {
  const rows = cell.records.filter((record) => isWorthALine(record, cell)).map((record) => row(record, cell));
  return { header: ['', 'A', 'B', 'change', '95 % interval', 'p', 'verdict'], rows };
}

function row(record: ComparedMetric, { pair }: CellComparison): string[] {
  const metric = findMetric(record.metric);
  const [before, now] = [middle(pair.sessionsA, record.metric), middle(pair.sessionsB, record.metric)];
  if (metric === undefined || before === null || now === null) return [record.metric];
  const title = shownTitle(metric);
  const sides = [figure(before, metric), figure(now, metric)];
  if (record.outcome === null) return [title, ...sides, '–', '–', '–', '–'];
  const { estimate, low, high } = metricRatio(record.metric, record.outcome);
  const interval = low === null || high === null ? '–' : `${formatChange(low)} … ${formatChange(high)}`;
  const probability = formatProbability(record.correctedPValue ?? record.outcome.pValue);
  return [title, ...sides, formatChange(estimate), interval, probability, showVerdict(record.outcome)];
}

/** The median; of several sessions the geometric mean of their medians, whose ratio is what is compared. */
function middle(sessions: readonly CellRecord[], metric: string): number | null {
  const medians = sessions.map(({ summary }) => summary?.[metric]?.median ?? Number.NaN);
  const [only] = medians;
  const centre = medians.length === 1 ? (only ?? Number.NaN) : Math.exp(mean(medians.map(Math.log)));
  return Number.isFinite(centre) ? centre : null;
}

/** A phase below this share of the run is not worth a line of its own. */
const SMALLEST_SHARE = 0.005;

function isWorthALine({ metric }: ComparedMetric, { pair, sameAudio }: CellComparison): boolean {
  // On the same audio it changes as the total does.
  if (metric === 'rt_factor') return !sameAudio;
  if (!PHASES.some((phase) => phase.metric === metric)) return true;
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
    ...sessionFacts(cell),
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

/** What sessions of one side deviate by: the figure that the intervals rest on. */
function sessionFacts({ records }: CellComparison): string[] {
  const [first] = records;
  if (first === undefined || first.outcome === null || !first.outcome.sessionsMeasured) return [];
  const { sessionsA, sessionsB, sessionPercent } = first.outcome;
  return [
    `${sessionsA} + ${sessionsB} sessions: ${first.metric} deviates by ${sessionPercent.toFixed(1)} % from session to session`,
  ];
}

/**
 * A comparison as a document of its own, so that every format and the report can show it: the cells of both sides
 * (`A: …`, `B: …`, of several sessions `A1: …`, `A2: …`) and what came of comparing them. Machine and environment are those
 * of B's first session.
 *
 * @param commandLine the arguments that asked for it
 */
export function mergeResults(comparison: ResultComparison, commandLine: readonly string[]): BenchResult {
  const { a, b, cells, failures, notes } = comparison;
  const [[firstA], [firstB]] = [a, b];
  if (firstA === undefined || firstB === undefined) {
    throw new QwenAsrError('internal', 'merged results: expected a session on each side, found none');
  }
  const sides = [...prefixedSide(a, 'A'), ...prefixedSide(b, 'B')];
  const audio = sides.flatMap((side) => side.audio);
  const merged = sides.flatMap((side) => side.cells);
  const differs = firstA.result.machine.hash !== firstB.result.machine.hash;
  const [prefixA, prefixB] = [sessionPrefix(a, 'A', 0), sessionPrefix(b, 'B', 0)];
  return {
    ...firstB.result,
    kind: 'comparison',
    commandLine,
    complete: [...a, ...b].every(({ result }) => result.complete),
    models: sides.flatMap((side) => side.models),
    audio,
    ceilings: firstB.result.ceilings,
    cells: merged,
    comparisons: cells.flatMap(({ records }) =>
      records.map((record) => ({ ...record, a: `${prefixA}: ${record.a}`, b: `${prefixB}: ${record.b}` })),
    ),
    sets: recordingSets({ audio, cells: merged }),
    accuracy: null,
    notes: [
      `A is ${describeSide(a)}; B is ${describeSide(b)}`,
      ...(differs ? ['A was measured on another machine; the one described here is that of B'] : []),
      ...notes,
    ],
    errors: failures.map((message) => ({ cell: null, message })),
  };
}

function describeSide(sessions: readonly NamedResult[]): string {
  return sessions.map(({ name, result }) => `${name} of ${result.createdAt}`).join(', ');
}

function sessionPrefix(sessions: readonly NamedResult[], side: string, index: number): string {
  return sessions.length === 1 ? side : `${side}${index + 1}`;
}

function prefixedSide(sessions: readonly NamedResult[], side: string) {
  return sessions.map((session, index) => prefixed(session, sessionPrefix(sessions, side, index)));
}

/** The models, audio and cells of a side under names that the other side does not have. */
function prefixed({ result }: NamedResult, side: string): Pick<BenchResult, 'models' | 'audio' | 'cells'> {
  const rename = (id: string) => `${side}: ${id}`;
  const renameOr = (id: string | null) => (id === null ? null : rename(id));
  return {
    models: result.models.map((model) => ({ ...model, id: rename(model.id) })),
    audio: result.audio.map((audio) => ({ ...audio, id: rename(audio.id) })),
    cells: result.cells.map(
      (cell): CellRecord => ({
        ...cell,
        id: rename(cell.id),
        settings: {
          ...cell.settings,
          model: renameOr(cell.settings.model),
          audio: renameOr(cell.settings.audio),
        },
      }),
    ),
  };
}
