import { normalQuantile } from './distributions.js';

/** What a comparison of B against A says about B. */
export type Verdict = 'faster' | 'slower' | 'same' | 'undecided';

/** An estimated log ratio, ln(B / A), with its interval. */
export interface LogRatio {
  readonly estimate: number;
  readonly low: number;
  readonly high: number;
  readonly confidence: number;
  /** Runs, pairs of runs or sessions behind it. */
  readonly count: number;
  /** Told by the width of a normal interval when left out. */
  readonly standardError?: number;
}

/** The verdict, and how many runs it takes to reach one. */
export interface Decision {
  readonly verdict: Verdict;
  /** Total runs (pairs, sessions) that would probably decide; the present count once decided; null when none would. */
  readonly runsNeeded: number | null;
}

/** The chance of a decision at `runsNeeded` runs, when the estimate is the truth. */
const POWER = 0.8;
/** More runs than this are no advice. */
const MOST_RUNS = 1_000_000;

/**
 * Turns an interval into a verdict.
 *
 * - `same`: the whole interval lies within ±margin, so that any difference is too small to matter. This is a test
 *   of equivalence (Schuirmann 1987), here at half the usual error because the interval is two-sided. It comes
 *   first: a difference that is certain but inside the margin is still called the same.
 * - `faster`, `slower`: the interval lies wholly below or above ratio 1.
 * - `undecided`: neither; `runsNeeded` says how many runs would decide with 80 % probability if the estimate is
 *   right, whichever of the two ways needs fewer. An interval shrinks with the square root of the runs.
 *
 * @param marginPercent the largest difference that does not matter, in percent; 0 never calls two things the same
 * @example
 * decide({ estimate: 0.03, low: 0.01, high: 0.05, confidence: 0.95, count: 20 }, 1).verdict; // 'slower'
 */
export function decide(ratio: LogRatio, marginPercent: number): Decision {
  const margin = Math.log1p(marginPercent / 100);
  const decided = (verdict: Verdict): Decision => ({ verdict, runsNeeded: ratio.count });
  if (ratio.low > -margin && ratio.high < margin) return decided('same');
  if (ratio.high < 0) return decided('faster');
  if (ratio.low > 0) return decided('slower');
  return { verdict: 'undecided', runsNeeded: runsToDecide(ratio, margin) };
}

function runsToDecide(ratio: LogRatio, margin: number): number | null {
  const z = normalQuantile((1 + ratio.confidence) / 2);
  const standardError = ratio.standardError ?? (ratio.high - ratio.low) / 2 / z;
  const distance = Math.abs(ratio.estimate);
  const toTellApart = runsFor(ratio.count, standardError, distance / (z + normalQuantile(POWER)));
  // Near ratio 1 the interval can leave the margin on either side, so each may only happen with half the risk.
  const toEquate = runsFor(
    ratio.count,
    standardError,
    (margin - distance) / (z + normalQuantile((1 + POWER) / 2)),
  );
  const fewest = Math.max(Math.min(toTellApart, toEquate), ratio.count + 1);
  return fewest <= MOST_RUNS ? fewest : null;
}

/** Runs that bring the standard error down to a target. */
function runsFor(count: number, standardError: number, target: number): number {
  return target > 0 ? Math.ceil(count * (standardError / target) ** 2) : Number.POSITIVE_INFINITY;
}

/**
 * Holm's correction (1979) of several p-values: below a level α it leaves at most α of probability that any of the
 * hypotheses which are true is rejected, however they depend on each other.
 *
 * @returns the corrected p-values in the given order, each at least the original
 * @example
 * adjustByHolm([0.01, 0.04, 0.03]); // [0.03, 0.06, 0.06]
 */
export function adjustByHolm(pValues: readonly number[]): number[] {
  const ascending = Array.from(pValues.keys()).sort((i, j) => pValues[i]! - pValues[j]!);
  const adjusted = new Array<number>(pValues.length);
  let largest = 0;
  ascending.forEach((index, rank) => {
    largest = Math.max(largest, Math.min(1, (pValues.length - rank) * pValues[index]!));
    adjusted[index] = largest;
  });
  return adjusted;
}
