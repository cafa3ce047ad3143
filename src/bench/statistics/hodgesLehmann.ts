import { countsExactly, rankSumDistribution } from './mannWhitney.js';
import { normalQuantile } from './normalDistribution.js';
import { checkConfidence, checkSample } from './sample.js';
import { selectPairSum } from './selectPairSum.js';
import { signedRankCritical } from './signedRank.js';

/** A location estimate with the interval that the rank test does not reject. */
export interface RankEstimate {
  readonly estimate: number;
  /** Null when the sample is too small for the confidence: one sample needs 6 values for 95 %. */
  readonly interval: { readonly low: number; readonly high: number } | null;
  readonly confidence: number;
}

/**
 * The Hodges–Lehmann estimate of one sample (1963), its pseudo-median: the median of all means of two values, a
 * value with itself included. Its interval holds every shift that the signed-rank test does not reject (Tukey
 * 1949). For normal data it is 95 % as efficient as the mean, and a few wild values hardly move it. Nothing grows with
 * the number of pairs (`selectPairSum`).
 *
 * @param values differences or log ratios of pairs; at least one
 * @example
 * hodgesLehmann([1, 2, 3, 4, 5, 6]); // estimate 3.5, interval 1 … 6
 */
export function hodgesLehmann(values: readonly number[], confidence = 0.95): RankEstimate {
  checkSample(values, 1, 'Hodges–Lehmann estimate');
  checkConfidence(confidence);
  const sorted = Float64Array.from(values).sort();
  return rankEstimate(
    (order) => selectPairSum(sorted, sorted, order, 'upper') / 2,
    (values.length * (values.length + 1)) / 2,
    signedRankCritical(values.length, (1 - confidence) / 2),
    confidence,
  );
}

/**
 * The Hodges–Lehmann shift of two independent samples (1963): the median of all differences b − a, with the interval
 * of the shifts that the Mann–Whitney test does not reject.
 *
 * @param a at least one value
 * @param b at least one value
 * @example
 * hodgesLehmannShift([1, 2, 3], [11, 12, 13]).estimate; // 10
 */
export function hodgesLehmannShift(
  a: readonly number[],
  b: readonly number[],
  confidence = 0.95,
): RankEstimate {
  checkSample(a, 1, 'Hodges–Lehmann shift, first sample');
  checkSample(b, 1, 'Hodges–Lehmann shift, second sample');
  checkConfidence(confidence);
  const negated = Float64Array.from(a, (value) => -value).sort();
  const sorted = Float64Array.from(b).sort();
  return rankEstimate(
    (order) => selectPairSum(negated, sorted, order, 'all'),
    a.length * b.length,
    rankSumCritical(a.length, b.length, (1 - confidence) / 2),
    confidence,
  );
}

/**
 * The middle of the pairs, and the interval that leaves `critical` + 1 of them out at either end.
 *
 * @param pairAt the pair at a place in ascending order, from 0
 */
function rankEstimate(
  pairAt: (order: number) => number,
  pairs: number,
  critical: number,
  confidence: number,
): RankEstimate {
  const upper = pairAt(Math.floor(pairs / 2));
  const estimate = pairs % 2 === 1 ? upper : (pairAt(pairs / 2 - 1) + upper) / 2;
  const interval = critical < 0 ? null : { low: pairAt(critical), high: pairAt(pairs - 1 - critical) };
  return { estimate, interval, confidence };
}

/** The largest k with P(U ≤ k) ≤ tail, −1 when there is none. */
function rankSumCritical(sizeA: number, sizeB: number, tail: number): number {
  const pairs = sizeA * sizeB;
  if (!countsExactly(sizeA, sizeB)) {
    const sigma = Math.sqrt((pairs * (sizeA + sizeB + 1)) / 12);
    return Math.floor(pairs / 2 - 0.5 + normalQuantile(tail) * sigma);
  }
  const ranks = Int32Array.from({ length: sizeA + sizeB }, (_, i) => 2 * (i + 1));
  const distribution = rankSumDistribution(ranks, sizeA);
  const smallestDoubledSum = sizeA * (sizeA + 1);
  let cumulative = 0;
  let critical = -1;
  for (let u = 0; u <= pairs; u++) {
    cumulative += distribution[smallestDoubledSum + 2 * u]!;
    if (cumulative > tail) break;
    critical = u;
  }
  return critical;
}
