import { QwenAsrError } from '../../error.js';
import { metricContext } from '../record/summarizeCell.js';
import type { IndependentRecord } from '../schema/benchResult.js';
import { METRICS, type Metric, metricValues } from '../schema/metrics.js';
import { compareIndependent } from '../statistics/compareIndependent.js';
import { type FailCondition, isErrorRate, type Judgement, judge, metricRatio } from './failCondition.js';
import { judgeErrorRates } from './judgeErrorRates.js';
import { type Aspect, type CellPair, type NamedResult, pairCells } from './pairCells.js';
import { findTokenChange, type TokenChange } from './tokenChange.js';

export interface CompareRequest {
  readonly across: ReadonlySet<Aspect>;
  readonly failIf: readonly FailCondition[];
  /** Different tokens are reported but do not fail. */
  readonly allowTokenChanges: boolean;
}

/** One cell of B against its partner in A. */
export interface CellComparison {
  /** What to call it: the cell's id, or nothing when there is only one. */
  readonly title: string;
  readonly pair: CellPair;
  /** By metric, in the order of METRICS; those that both sides tell. */
  readonly records: readonly IndependentRecord[];
  readonly tokens: TokenChange;
  readonly sameAudio: boolean;
}

/** B against A, and whether it failed. */
export interface ResultComparison {
  readonly a: NamedResult;
  readonly b: NamedResult;
  readonly cells: readonly CellComparison[];
  /** Why the comparison failed, a line each; empty when it passed. */
  readonly failures: readonly string[];
  /** Conditions that hold, a line each. */
  readonly passed: readonly string[];
  readonly notes: readonly string[];
}

/**
 * Compares two results cell by cell and metric by metric with `compareIndependent`, and holds them to the conditions.
 *
 * @throws QwenAsrError `compare` when they must not be compared, or a condition cannot be judged
 */
export function compareResults(a: NamedResult, b: NamedResult, request: CompareRequest): ResultComparison {
  const { pairs, notes } = pairCells(a, b, request.across);
  const cells = pairs.map((pair) => compareCells(pair, a, b, pairs.length > 1));
  const rates = request.failIf.filter(isErrorRate);
  const judged = [
    ...cells.flatMap((cell) => judgeCell(cell, request)),
    ...rates.flatMap((condition) => judgeErrorRates(condition, cells, b)),
  ];
  return {
    a,
    b,
    cells,
    failures: judged.filter(({ failed }) => failed).map(({ reason }) => reason),
    passed: judged.filter(({ failed }) => !failed).map(({ reason }) => reason),
    notes,
  };
}

function compareCells(pair: CellPair, a: NamedResult, b: NamedResult, many: boolean): CellComparison {
  const tokens = findTokenChange(pair, a, b);
  const contextA = metricContext(pair.a, a.result);
  const contextB = metricContext(pair.b, b.result);
  const records = METRICS.flatMap((metric): IndependentRecord[] => {
    const valuesA = metricValues(metric, pair.a, contextA);
    const valuesB = metricValues(metric, pair.b, contextB);
    // Ratios of nothing mean nothing.
    if (valuesA === null || valuesB === null || [...valuesA, ...valuesB].some((value) => value <= 0))
      return [];
    return [
      {
        design: 'independent',
        a: pair.a.id,
        b: pair.b.id,
        labelA: many ? `${a.name}: ${pair.a.id}` : a.name,
        labelB: many ? `${b.name}: ${pair.b.id}` : b.name,
        metric: metric.name,
        sameTokens: tokens.same,
        outcome: compareIndependent(costs(valuesA, metric), costs(valuesB, metric)),
      },
    ];
  });
  const sameAudio = contextA.audioDurationMs === contextB.audioDurationMs;
  return { title: many ? pair.b.id : '', pair, records, tokens, sameAudio };
}

/** What is the worse the higher it is. */
function costs(values: readonly number[], { better }: Metric): readonly number[] {
  return better === 'lower' ? values : values.map((value) => 1 / value);
}

function judgeCell(cell: CellComparison, { failIf, allowTokenChanges }: CompareRequest): Judgement[] {
  const prefix = cell.title === '' ? '' : `${cell.title}: `;
  const { same, matters, difference } = cell.tokens;
  const tokens =
    same === false && matters && !allowTokenChanges
      ? [{ failed: true, reason: `${prefix}${difference}` }]
      : [];
  const ofRuns = failIf.filter((condition) => !isErrorRate(condition));
  return [...tokens, ...ofRuns.map((condition) => judgeCondition(condition, cell, prefix))];
}

function judgeCondition(condition: FailCondition, cell: CellComparison, prefix: string): Judgement {
  const record = cell.records.find(({ metric }) => metric === condition.metric);
  const ratio = record === undefined ? null : metricRatio(record);
  if (ratio === null) {
    throw new QwenAsrError(
      'compare',
      `${prefix}--fail-if ${condition.text}: expected ${condition.metric} on both sides, found it missing or too small to compare`,
    );
  }
  return judge(condition, ratio, prefix);
}
