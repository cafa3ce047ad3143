import { QwenAsrError } from '../../error.js';
import { metricContext } from '../analysis/summarizeResult.js';
import type { CellRecord } from '../schema/benchResult.js';
import type { IndependentRecord } from '../schema/figureRecords.js';
import { METRICS, type Metric, type MetricContext, metricValues } from '../schema/metrics.js';
import {
  compareIndependent,
  DEFAULT_ALLOWANCE_PERCENT,
  type IndependentComparison,
} from '../statistics/compareIndependent.js';
import { adjustByHolm } from '../statistics/verdict.js';
import {
  type FailCondition,
  isErrorRate,
  type Judgement,
  judgeAll,
  judgeErrorRates,
} from './failCondition.js';
import { type Aspect, type NamedResult, pairSessions, type SessionPair } from './pairCells.js';
import { findTokenChange, type TokenChange } from './tokenChange.js';

export interface CompareRequest {
  readonly across: ReadonlySet<Aspect>;
  readonly failIf: readonly FailCondition[];
  /** Standard deviation from session to session, in percent, for one session a side; the default when left out. */
  readonly allowancePercent?: number;
  /** Different tokens are reported but do not fail. */
  readonly allowTokenChanges: boolean;
}

/** What came of comparing by one metric, with all that this version knows of it. */
export interface ComparedMetric extends IndependentRecord {
  readonly outcome: IndependentComparison | null;
}

/** One cell of B against its partner in A. */
export interface CellComparison {
  /** What to call it: the cell's id, or nothing when there is only one. */
  readonly title: string;
  readonly pair: SessionPair;
  /** By metric, in the order of METRICS; those that both sides tell. */
  readonly records: readonly ComparedMetric[];
  readonly tokens: TokenChange;
  readonly sameAudio: boolean;
}

/** B against A, and whether it failed. */
export interface ResultComparison {
  /** Sessions of each side, at least one. */
  readonly a: readonly NamedResult[];
  readonly b: readonly NamedResult[];
  readonly cells: readonly CellComparison[];
  /** Why the comparison failed, a line each; empty when it passed. */
  readonly failures: readonly string[];
  /** Conditions that hold, a line each. */
  readonly passed: readonly string[];
  readonly notes: readonly string[];
}

/**
 * Compares two sides cell by cell and metric by metric with `compareIndependent`, and holds them to the conditions.
 * Verdicts are corrected for the number of cells, conditions for the number of times that one is judged.
 *
 * @param a sessions of A
 * @param b sessions of B
 * @throws QwenAsrError `compare` when they must not be compared, or a condition cannot be judged; `usage` for an
 *   allowance where sessions are measured
 */
export function compareResults(
  a: readonly NamedResult[],
  b: readonly NamedResult[],
  request: CompareRequest,
): ResultComparison {
  const { pairs, notes } = pairSessions(a, b, request.across);
  const single = a.length === 1 && b.length === 1;
  if (!single && request.allowancePercent !== undefined) {
    throw new QwenAsrError(
      'usage',
      `--allowance: expected one result a side, found ${a.length} and ${b.length}, whose deviation is measured`,
    );
  }
  const cells = correctVerdicts(pairs.map((pair) => compareAcross(pair, a, b, request, pairs.length > 1)));
  const [firstB] = b;
  const rates = firstB === undefined ? [] : request.failIf.filter(isErrorRate);
  const judged = [
    ...cells.flatMap((cell) => judgeTokens(cell, request)),
    ...judgeConditions(
      request.failIf.filter((condition) => !isErrorRate(condition)),
      cells,
    ),
    ...rates.flatMap((condition) => judgeErrorRates(condition, cells, firstB!)),
  ];
  return {
    a,
    b,
    cells,
    failures: judged.filter(({ failed }) => failed).map(({ reason }) => reason),
    passed: judged.filter(({ failed }) => !failed).map(({ reason }) => reason),
    notes: [...(single ? [allowanceNote(request)] : []), ...notes],
  };
}

function allowanceNote({ allowancePercent = DEFAULT_ALLOWANCE_PERCENT }: CompareRequest): string {
  return allowancePercent === 0
    ? 'one session a side and no allowance: whatever differs between two sessions counts as a difference'
    : `one session a side: allowed for a standard deviation of ${allowancePercent} % from session to session; several a side measure it`;
}

function compareAcross(
  pair: SessionPair,
  a: readonly NamedResult[],
  b: readonly NamedResult[],
  { allowancePercent }: CompareRequest,
  many: boolean,
): CellComparison {
  const tokens = findTokenChange({ a: allRuns(pair.sessionsA), b: allRuns(pair.sessionsB) }, a[0]!, b[0]!);
  const contextA = metricContext(pair.a, a[0]!.result);
  const contextB = metricContext(pair.b, b[0]!.result);
  const label = (side: readonly NamedResult[], { id }: CellRecord) =>
    many ? `${sideName(side)}: ${id}` : sideName(side);
  const records = METRICS.flatMap((metric): ComparedMetric[] => {
    const valuesA = sessionCosts(metric, pair.sessionsA, contextA);
    const valuesB = sessionCosts(metric, pair.sessionsB, contextB);
    if (valuesA === null || valuesB === null) return [];
    return [
      {
        design: 'independent',
        a: pair.a.id,
        b: pair.b.id,
        labelA: label(a, pair.a),
        labelB: label(b, pair.b),
        metric: metric.name,
        sameTokens: tokens.same,
        outcome: compareIndependent(
          valuesA,
          valuesB,
          allowancePercent === undefined ? {} : { allowancePercent },
        ),
      },
    ];
  });
  const sameAudio = contextA.audioDurationMs === contextB.audioDurationMs;
  return { title: many ? pair.b.id : '', pair, records, tokens, sameAudio };
}

/** The cell as if its sessions had been one. */
function allRuns(sessions: readonly CellRecord[]): CellRecord {
  return { ...sessions[0]!, runs: sessions.flatMap(({ runs }) => runs) };
}

/** What the runs of each session cost: the worse the higher. Null when not every run tells, or one tells nothing. */
function sessionCosts(
  metric: Metric,
  sessions: readonly CellRecord[],
  context: MetricContext,
): (readonly number[])[] | null {
  const costs = sessions.map((cell) => metricValues(metric, cell, context));
  // Ratios of nothing mean nothing.
  if (!costs.every((values) => values?.every((value) => value > 0))) return null;
  return costs.map((values) =>
    metric.better === 'lower' ? (values ?? []) : (values ?? []).map((value) => 1 / value),
  );
}

/** Of many cells that did not change, some look as if they had: Holm's correction over the cells of each metric. */
function correctVerdicts(cells: readonly CellComparison[]): CellComparison[] {
  if (cells.length < 2) return [...cells];
  const corrected = new Map<ComparedMetric, ComparedMetric>();
  for (const { name } of METRICS) {
    const records = cells.flatMap((cell) => cell.records.filter(({ metric }) => metric === name));
    const pValues = adjustByHolm(records.map(({ outcome }) => outcome?.pValue ?? 1));
    records.forEach((record, index) => {
      corrected.set(record, withCorrection(record, pValues[index]!));
    });
  }
  return cells.map((cell) => ({
    ...cell,
    records: cell.records.map((record) => corrected.get(record) ?? record),
  }));
}

function withCorrection(record: ComparedMetric, correctedPValue: number): ComparedMetric {
  const { outcome } = record;
  const claims = outcome?.verdict === 'faster' || outcome?.verdict === 'slower';
  if (outcome === null || !claims || correctedPValue <= 1 - outcome.confidence) {
    return { ...record, correctedPValue };
  }
  const open = { verdict: 'undecided', runsNeeded: null, sessionsNeeded: null } as const;
  return { ...record, correctedPValue, outcome: { ...outcome, ...open } };
}

function judgeTokens(cell: CellComparison, { allowTokenChanges }: CompareRequest): Judgement[] {
  const { same, matters, difference } = cell.tokens;
  if (same !== false || !matters || allowTokenChanges) return [];
  return [{ failed: true, reason: `${cellPrefix(cell)}${difference}` }];
}

/** Each condition on each cell, all of them one family. */
function judgeConditions(
  conditions: readonly FailCondition[],
  cells: readonly CellComparison[],
): Judgement[] {
  const questions = cells.flatMap((cell) =>
    conditions.map((condition) => ({
      condition,
      prefix: cellPrefix(cell),
      outcome: outcomeOf(condition, cell),
    })),
  );
  return judgeAll(questions);
}

function outcomeOf(condition: FailCondition, cell: CellComparison): IndependentComparison {
  const record = cell.records.find(({ metric }) => metric === condition.metric);
  if (record?.outcome != null) return record.outcome;
  throw new QwenAsrError(
    'compare',
    `${cellPrefix(cell)}--fail-if ${condition.text}: expected ${condition.metric} on both sides, found it missing or too small to compare`,
  );
}

function cellPrefix({ title }: CellComparison): string {
  return title === '' ? '' : `${title}: `;
}

/** What to call a side: its result, or the first of its sessions and how many more there are. */
function sideName(sessions: readonly NamedResult[]): string {
  const name = sessions[0]?.name ?? '';
  return sessions.length < 2 ? name : `${name} and ${sessions.length - 1} more`;
}
