import { QwenAsrError } from '../../error.js';
import { hodgesLehmann } from './hodgesLehmann.js';
import { pairedLogRatio } from './pairedLogRatio.js';
import { checkConfidence, checkSample } from './sample.js';
import { type RankTest, signedRankTest } from './signedRank.js';
import { findSlowRuns, type SlowRuns } from './slowRuns.js';
import { studentQuantile, studentTwoSidedP } from './studentDistribution.js';
import { decide, type Verdict } from './verdict.js';

/** Settings of a comparison. */
export interface CompareOptions {
  /** 0.95 when left out. */
  readonly confidence?: number;
  /**
   * The largest difference, in percent, that does not matter: `same` means the whole interval is inside. 1 when left
   * out, about what a rerun on a quiet machine changes by itself; 0 never says `same`.
   */
  readonly marginPercent?: number;
}

/** B against A, from runs measured in pairs. */
export interface PairedComparison {
  readonly pairs: number;
  /** Time of B ÷ time of A, typical of the pairs: above 1 B is slower. */
  readonly ratio: number;
  readonly low: number;
  readonly high: number;
  readonly confidence: number;
  /** Two-sided, for a ratio of 1; below 1 − confidence exactly when the interval leaves out 1. */
  readonly pValue: number;
  readonly verdict: Verdict;
  /** Total pairs that would decide with 80 % probability; `pairs` once decided; null when no number would. */
  readonly runsNeeded: number | null;
  readonly marginPercent: number;
  /** Pairs whose run was held up and had no say in `ratio`; they stay in every other figure. */
  readonly setAside: SlowRuns;
  /** The distribution-free second opinion over all pairs, nothing set aside. */
  readonly rankTest: {
    /** Hodges–Lehmann pseudo-median of the ratios. */
    readonly ratio: number;
    /** Null below 6 pairs at 95 %. */
    readonly low: number | null;
    readonly high: number | null;
    /** Signed-rank test, exact up to 100 pairs. */
    readonly pValue: number;
    readonly method: RankTest['method'];
  };
}

/**
 * Compares two things that were timed alternately, run by run in pairs.
 *
 * Times are compared as log ratios, so that a drift which slows both runs of a pair cancels out. Runs that something
 * held up are found (`findSlowRuns`) and set aside by name, and Student's interval over the rest gives ratio,
 * p-value and verdict (`pairedLogRatio`, `decide`). Why not the signed-rank test alone: with 5 % of the runs 30 %
 * too slow, 3 % noise and 20 pairs it recognises a difference of 3 % in 61 of 100 experiments, this in 81. The price is
 * false alarms of 5.3 % instead of 5 % there, up to 8 % for noise as skewed as an exponential distribution; the
 * signed-rank test is reported beside it because it assumes the least.
 *
 * @param aMs times of A, in the order of the rounds; any unit
 * @param bMs times of B, in the same rounds; at least two pairs
 * @throws QwenAsrError `usage` for samples of different length, fewer than two pairs or times that are not positive
 * @example
 * const { ratio, low, high, verdict } = comparePaired([100, 101, 99, 102, 100, 100], [104, 105, 104, 106, 103, 104]);
 */
export function comparePaired(
  aMs: readonly number[],
  bMs: readonly number[],
  options: CompareOptions = {},
): PairedComparison {
  const { confidence = 0.95, marginPercent = 1 } = options;
  checkConfidence(confidence);
  checkMargin(marginPercent);
  if (aMs.length !== bMs.length) {
    throw new QwenAsrError(
      'usage',
      `paired comparison: expected as many runs of B as of A, found ${bMs.length} and ${aMs.length}`,
    );
  }
  const logA = logTimes(aMs, 2, 'A');
  const logB = logTimes(bMs, 2, 'B');
  const setAside = findSlowRuns(logA, logB);
  const { estimate, standardError, degreesOfFreedom } = pairedLogRatio(logA, logB, setAside);
  const halfWidth = studentQuantile((1 + confidence) / 2, degreesOfFreedom) * standardError;
  const low = estimate - halfWidth;
  const high = estimate + halfWidth;
  const logRatios = logB.map((value, pair) => value - logA[pair]!);
  const ranks = hodgesLehmann(logRatios, confidence);
  const { pValue, method } = signedRankTest(logRatios);
  return {
    pairs: aMs.length,
    ratio: Math.exp(estimate),
    low: Math.exp(low),
    high: Math.exp(high),
    confidence,
    pValue: twoSidedP(estimate, standardError, degreesOfFreedom),
    ...decide({ estimate, low, high, confidence, count: aMs.length }, marginPercent),
    marginPercent,
    setAside,
    rankTest: {
      ratio: Math.exp(ranks.estimate),
      low: ranks.interval === null ? null : Math.exp(ranks.interval.low),
      high: ranks.interval === null ? null : Math.exp(ranks.interval.high),
      pValue,
      method,
    },
  };
}

/**
 * ln of each time.
 *
 * @throws QwenAsrError `usage` for too few times or one that is not positive
 */
export function logTimes(times: readonly number[], minimum: number, side: string): number[] {
  checkSample(times, minimum, `comparison, times of ${side}`);
  const bad = times.findIndex((time) => time <= 0);
  if (bad !== -1) {
    throw new QwenAsrError(
      'usage',
      `comparison, times of ${side}: expected positive times, found ${times[bad]} at index ${bad}`,
    );
  }
  return times.map(Math.log);
}

/**
 * @throws QwenAsrError `usage` unless 0 ≤ margin < 100
 */
export function checkMargin(marginPercent: number): void {
  if (!(marginPercent >= 0 && marginPercent < 100)) {
    throw new QwenAsrError('usage', `margin: expected 0 to 100 percent, found ${marginPercent}`);
  }
}

/** Without any spread the estimate is certain: two equal sides have p = 1, two different ones p = 0. */
function twoSidedP(estimate: number, standardError: number, degreesOfFreedom: number): number {
  if (standardError === 0) return estimate === 0 ? 1 : 0;
  return studentTwoSidedP(estimate / standardError, degreesOfFreedom);
}
