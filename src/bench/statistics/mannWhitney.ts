import { midranks, tieCorrection } from './ranks.js';
import { checkSample } from './sample.js';
import { exactTwoSided, normalTwoSided, type RankTest } from './signedRank.js';

/** Up to this many values in both samples together the exact distribution is counted, in a few milliseconds. */
const EXACT_LIMIT = 60;

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
  if (count <= EXACT_LIMIT) {
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
  return sizeA + sizeB <= EXACT_LIMIT;
}
