import { type CompareOptions, checkMargin, logTimes } from './comparePaired.js';
import { hodgesLehmannShift } from './hodgesLehmann.js';
import { mannWhitneyTest } from './mannWhitney.js';
import { checkConfidence } from './sample.js';
import type { RankTest } from './signedRank.js';
import { decide, type Verdict } from './verdict.js';

/** B against A, from runs that were not measured together. */
export interface IndependentComparison {
  readonly runsA: number;
  readonly runsB: number;
  /** Typical time of B ÷ time of A (Hodges–Lehmann shift of the log times). */
  readonly ratio: number;
  /** Null when there are too few runs for an interval: 4 + 4 are the fewest for 95 %. */
  readonly low: number | null;
  readonly high: number | null;
  readonly confidence: number;
  /** Mann–Whitney test, two-sided; exact up to 60 runs together. */
  readonly pValue: number;
  readonly method: RankTest['method'];
  readonly verdict: Verdict;
  /** Runs of the smaller side that would decide with 80 % probability; null when no number would. */
  readonly runsNeeded: number | null;
  readonly marginPercent: number;
}

/** The fewest runs a side with an interval at 95 %: P(U = 0) = 1 / C(8, 4) = 1.4 %, two-sided 2.9 %. */
const FEWEST_RUNS = 4;

/**
 * Compares two sets of runs that were measured apart, for example a saved baseline and today's. Nothing is assumed
 * about the shape of the times, but a drift of the machine between the two sets counts as a difference: whenever
 * both can be run, run them in pairs and use `comparePaired`.
 *
 * @param aMs times of A, in any unit and order
 * @param bMs times of B, in the same unit
 * @throws QwenAsrError `usage` for an empty sample or times that are not positive
 * @example
 * compareIndependent([100, 101, 99, 102, 100], [104, 106, 105, 104, 107]).verdict; // 'slower'
 */
export function compareIndependent(
  aMs: readonly number[],
  bMs: readonly number[],
  options: CompareOptions = {},
): IndependentComparison {
  const { confidence = 0.95, marginPercent = 1 } = options;
  checkConfidence(confidence);
  checkMargin(marginPercent);
  const logA = logTimes(aMs, 1, 'A');
  const logB = logTimes(bMs, 1, 'B');
  const { estimate, interval } = hodgesLehmannShift(logA, logB, confidence);
  const { pValue, method } = mannWhitneyTest(logA, logB);
  const count = Math.min(aMs.length, bMs.length);
  const decision =
    interval === null
      ? { verdict: 'undecided' as const, runsNeeded: Math.max(FEWEST_RUNS, count + 1) }
      : decide({ estimate, ...interval, confidence, count }, marginPercent);
  return {
    runsA: aMs.length,
    runsB: bMs.length,
    ratio: Math.exp(estimate),
    low: interval === null ? null : Math.exp(interval.low),
    high: interval === null ? null : Math.exp(interval.high),
    confidence,
    pValue,
    method,
    ...decision,
    marginPercent,
  };
}
