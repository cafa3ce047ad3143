import { QwenAsrError } from '../../error.js';
import { checkConfidence, checkSample, mean, tukeyFences } from './descriptive.js';
import { hodgesLehmann } from './hodgesLehmann.js';
import { type RankTest, signedRankTest } from './rankTests.js';
import { runsForMedianInterval } from './summarize.js';
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
  /** Time of B ÷ time of A, typical of the pairs: the Hodges–Lehmann estimate of their ratios. Above 1 B is slower. */
  readonly ratio: number;
  /** The ratios that the signed-rank test does not reject; null below 6 pairs at 95 %. */
  readonly low: number | null;
  readonly high: number | null;
  readonly confidence: number;
  /** Wilcoxon's signed-rank test for a ratio of 1, two-sided, exact up to 100 pairs. */
  readonly pValue: number;
  readonly method: RankTest['method'];
  /** From the interval alone (`decide`). */
  readonly verdict: Verdict;
  /** Total pairs that would decide with 80 % probability; `pairs` once decided; null when no number would. */
  readonly runsNeeded: number | null;
  readonly marginPercent: number;
  /** All of B's time ÷ all of A's: what a user waits for, slow runs included. */
  readonly meanRatio: number;
  /** `meanRatio` is further from `ratio` than the margin (at least 1 %): the verdict is about typical runs alone. */
  readonly meanDisagrees: boolean;
  /** Pairs, from 0, whose ratio lies outside Tukey's fences. They are named, and count like all others. */
  readonly outlyingPairs: readonly number[];
  /** Always empty: runs were set aside by versions before. Readers of version 1 of the format expect it. */
  readonly setAside: { readonly a: readonly number[]; readonly b: readonly number[] };
  /** What stands above once more, for the same readers. */
  readonly rankTest: Pick<PairedComparison, 'ratio' | 'low' | 'high' | 'pValue' | 'method'>;
}

/** The mean of a few noisy pairs strays so far, in percent, from their typical ratio. */
const LEAST_DISAGREEMENT_PERCENT = 1;

/**
 * Compares two things that were timed alternately, run by run in pairs.
 *
 * Times are compared as log ratios, so that a drift which slows both runs of a pair cancels out. Estimate, interval and
 * p-value are those of the signed ranks, over all pairs: a run that something held up counts, but hardly moves them.
 * That makes them blind to what befalls a minority of the runs, therefore the ratio of the mean times stands beside
 * them, and the verdict says when the two disagree. Nothing is assumed of the noise but that the log ratios lie
 * symmetrically around the true one.
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
  const logRatios = logB.map((value, pair) => value - logA[pair]!);
  const { estimate, interval } = hodgesLehmann(logRatios, confidence);
  const { pValue, method } = signedRankTest(logRatios);
  const ranks = { ...ratioInterval(estimate, interval), pValue, method };
  const meanRatio = mean(bMs) / mean(aMs);
  const tolerance = Math.log1p(Math.max(marginPercent, LEAST_DISAGREEMENT_PERCENT) / 100);
  const pairs = aMs.length;
  return {
    pairs,
    ...ranks,
    confidence,
    ...(interval === null
      ? { verdict: 'undecided', runsNeeded: Math.max(runsForMedianInterval(confidence), pairs + 1) }
      : decide({ estimate, ...interval, confidence, count: pairs }, marginPercent)),
    marginPercent,
    meanRatio,
    meanDisagrees: Math.abs(Math.log(meanRatio / ranks.ratio)) > tolerance,
    outlyingPairs: logRatios.length < 4 ? [] : tukeyFences(logRatios).outliers.map(({ index }) => index),
    setAside: { a: [], b: [] },
    rankTest: ranks,
  };
}

function ratioInterval(
  logEstimate: number,
  interval: { readonly low: number; readonly high: number } | null,
): Pick<PairedComparison, 'ratio' | 'low' | 'high'> {
  return {
    ratio: Math.exp(logEstimate),
    low: interval === null ? null : Math.exp(interval.low),
    high: interval === null ? null : Math.exp(interval.high),
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
