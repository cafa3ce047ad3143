import { normalCdf, normalQuantile } from './normalDistribution.js';
import { midranks, tieCorrection } from './ranks.js';
import { checkSample } from './sample.js';

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
const EXACT_LIMIT = 100;

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
  if (nonZero.length <= EXACT_LIMIT) {
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
  if (count > EXACT_LIMIT) {
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
