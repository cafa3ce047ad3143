import { checkSample } from './descriptive.js';
import { normalCdf, normalQuantile } from './distributions.js';

/** The ranks of a sample, with ties sharing the mean of the ranks they cover. */
export interface Ranks {
  /** Twice the midrank of each value, which is a whole number even for ties. */
  readonly doubled: Int32Array;
  /** The size of every group of equal values that has more than one member. */
  readonly tieSizes: readonly number[];
}

/**
 * Midranks (Kruskal 1952). They are returned doubled so that exact distributions can be counted over integers.
 *
 * @example
 * midranks([10, 20, 20]).doubled; // [2, 5, 5]
 */
export function midranks(values: readonly number[]): Ranks {
  const order = Array.from(values.keys()).sort((i, j) => values[i]! - values[j]!);
  const doubled = new Int32Array(values.length);
  const tieSizes: number[] = [];
  for (let start = 0; start < order.length; ) {
    let end = start + 1;
    while (end < order.length && values[order[end]!] === values[order[start]!]) end++;
    for (let place = start; place < end; place++) doubled[order[place]!] = start + 1 + end;
    if (end - start > 1) tieSizes.push(end - start);
    start = end;
  }
  return { doubled, tieSizes };
}

/** Σ (t³ − t) over the groups of ties: what ties take from the variance of a rank sum. */
export function tieCorrection(tieSizes: readonly number[]): number {
  return tieSizes.reduce((sum, size) => sum + size ** 3 - size, 0);
}

/** The outcome of a rank test. */
export interface RankTest {
  /** The test statistic: the rank sum of the positive differences, or U of the first sample. */
  readonly statistic: number;
  /** Two-sided. */
  readonly pValue: number;
  /** `exact` counts every arrangement of the ranks at hand, ties included; `normal` is the approximation. */
  readonly method: 'exact' | 'normal';
}

/** Up to here the exact distribution is counted; it takes about a millisecond there. */
const EXACT_PAIRS = 100;

/**
 * Wilcoxon's signed-rank test (1945) of the hypothesis that the differences are symmetric about 0. Zero differences
 * are left out, as Wilcoxon did. Up to 100 differences the p-value is exact: every assignment of signs to the ranks
 * is counted, with the midranks as they are, so ties are no approximation. Beyond that the normal distribution
 * with tie and continuity corrections serves; its error is then below 0.001.
 *
 * @param differences one a pair, in any unit
 * @example
 * signedRankTest([1, 2, 3, 4, 5, 6]).pValue; // 2 / 2⁶ = 0.03125
 */
export function signedRankTest(differences: readonly number[]): RankTest {
  checkSample(differences, 1, 'signed-rank test');
  const nonZero = differences.filter((difference) => difference !== 0);
  const { doubled, tieSizes } = midranks(nonZero.map(Math.abs));
  let statistic = 0;
  nonZero.forEach((difference, index) => {
    if (difference > 0) statistic += doubled[index]! / 2;
  });
  if (nonZero.length <= EXACT_PAIRS) {
    const pValue = exactTwoSided(signedRankDistribution(doubled), 2 * statistic);
    return { statistic, pValue, method: 'exact' };
  }
  const count = nonZero.length;
  const centre = (count * (count + 1)) / 4;
  const variance = (count * (count + 1) * (2 * count + 1)) / 24 - tieCorrection(tieSizes) / 48;
  return { statistic, pValue: normalTwoSided(statistic - centre, variance, 0.5), method: 'normal' };
}

/**
 * How many of the smallest Walsh averages lie below the interval of the Hodges–Lehmann estimate: the largest k with
 * P(W ≤ k) ≤ tail for the untied statistic, or −1 when even W = 0 is too likely.
 */
export function signedRankCritical(count: number, tail: number): number {
  if (count > EXACT_PAIRS) {
    const sigma = Math.sqrt((count * (count + 1) * (2 * count + 1)) / 24);
    return Math.floor((count * (count + 1)) / 4 - 0.5 + normalQuantile(tail) * sigma);
  }
  const distribution = signedRankDistribution(Int32Array.from({ length: count }, (_, i) => 2 * (i + 1)));
  let cumulative = 0;
  let critical = -1;
  for (let doubled = 0; doubled < distribution.length; doubled += 2) {
    cumulative += distribution[doubled]!;
    if (cumulative > tail) break;
    critical = doubled / 2;
  }
  return critical;
}

/** The null distribution of twice the positive rank sum: each rank is added or not, with probability ½. */
function signedRankDistribution(doubledRanks: Int32Array): Float64Array {
  const total = doubledRanks.reduce((sum, rank) => sum + rank, 0);
  const probability = new Float64Array(total + 1);
  probability[0] = 1;
  let reached = 0;
  for (const rank of doubledRanks) {
    reached += rank;
    for (let sum = reached; sum >= 0; sum--) {
      probability[sum] = (probability[sum]! + (sum >= rank ? probability[sum - rank]! : 0)) / 2;
    }
  }
  return probability;
}

/** Twice the smaller tail of a distribution over integers, its own value included. */
export function exactTwoSided(distribution: Float64Array, observed: number): number {
  let below = 0;
  let above = 0;
  distribution.forEach((probability, value) => {
    if (value <= observed) below += probability;
    if (value >= observed) above += probability;
  });
  return Math.min(1, 2 * Math.min(below, above));
}

/** The normal approximation of a two-sided p-value with a continuity correction in the statistic's unit. */
export function normalTwoSided(deviation: number, variance: number, continuity: number): number {
  if (variance <= 0) return 1;
  const z = Math.max(0, Math.abs(deviation) - continuity) / Math.sqrt(variance);
  return 2 * normalCdf(-z);
}

/** Up to this many values in both samples together the exact distribution is counted, in a few milliseconds. */
const EXACT_VALUES = 60;

/**
 * The Mann–Whitney U test (1947; Wilcoxon's rank-sum test) of the hypothesis that two independent samples come from
 * one distribution. Up to 60 values together the p-value is exact: every way to choose the first sample's ranks
 * from the pooled midranks is counted, so ties are no approximation. Beyond that the normal distribution with tie
 * and continuity corrections serves; its error is then below 0.002 unless one sample has fewer than five values.
 *
 * @returns `statistic` is U of `a`: the number of pairs with a > b, equal pairs counting half
 * @example
 * mannWhitneyTest([1, 2, 3], [4, 5, 6]); // { statistic: 0, pValue: 0.1, method: 'exact' }
 */
export function mannWhitneyTest(a: readonly number[], b: readonly number[]): RankTest {
  checkSample(a, 1, 'Mann–Whitney test, first sample');
  checkSample(b, 1, 'Mann–Whitney test, second sample');
  const { doubled, tieSizes } = midranks([...a, ...b]);
  const doubledSum = doubled.subarray(0, a.length).reduce((sum, rank) => sum + rank, 0);
  const statistic = doubledSum / 2 - (a.length * (a.length + 1)) / 2;
  const count = a.length + b.length;
  if (count <= EXACT_VALUES) {
    const pValue = exactTwoSided(rankSumDistribution(doubled, a.length), doubledSum);
    return { statistic, pValue, method: 'exact' };
  }
  const pairs = a.length * b.length;
  const variance = (pairs / 12) * (count + 1 - tieCorrection(tieSizes) / (count * (count - 1)));
  return { statistic, pValue: normalTwoSided(statistic - pairs / 2, variance, 0.5), method: 'normal' };
}

/**
 * The null distribution of the (doubled) rank sum of `size` values drawn from these ranks: every subset of that
 * size is equally likely.
 *
 * @returns the probability of each doubled rank sum, from 0
 */
export function rankSumDistribution(doubledRanks: Int32Array, size: number): Float64Array {
  const total = doubledRanks.reduce((sum, rank) => sum + rank, 0);
  // ways[k · width + s]: how many subsets of k ranks have the sum s.
  const width = total + 1;
  const ways = new Float64Array((size + 1) * width);
  ways[0] = 1;
  let subsets = 1;
  doubledRanks.forEach((rank, index) => {
    for (let chosen = Math.min(size, index + 1); chosen >= 1; chosen--) {
      const row = chosen * width;
      const smaller = row - width;
      for (let sum = rank; sum < width; sum++) ways[row + sum]! += ways[smaller + sum - rank]!;
    }
  });
  for (let k = 1; k <= size; k++) subsets *= (doubledRanks.length - size + k) / k;
  return ways.subarray(size * width).map((count) => count / subsets);
}

/** Whether {@link mannWhitneyTest} and the interval of the shift count exactly for samples of these sizes. */
export function countsExactly(sizeA: number, sizeB: number): boolean {
  return sizeA + sizeB <= EXACT_VALUES;
}
