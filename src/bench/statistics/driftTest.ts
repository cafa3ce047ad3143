import { countInversions } from './countInversions.js';
import { median } from './quantile.js';
import { midranks, tieCorrection } from './ranks.js';
import { checkSample } from './sample.js';
import { exactTwoSided, normalTwoSided } from './signedRank.js';
import { theilSenSlope } from './theilSenSlope.js';

/** Whether the runs get slower or faster as the benchmark goes on. */
export interface Drift {
  /** Kendall's τ between run number and time, −1 … 1; positive when runs get slower. */
  readonly tau: number;
  /** Two-sided, for no trend. */
  readonly pValue: number;
  readonly method: 'exact' | 'normal';
  /** The Theil–Sen slope, in the unit of the values per run. */
  readonly slopePerRun: number;
  /** That slope over the whole sample, in percent of the median. */
  readonly totalPercent: number;
  /** pValue < significance. */
  readonly drifting: boolean;
}

/** Up to this many runs without ties the p-value is counted; the counting takes well below a millisecond. */
const EXACT_LIMIT = 50;

/**
 * The Mann–Kendall test of a monotone trend over the run index (Mann 1945; Kendall 1975), exact for up to 50 untied
 * runs, with the slope of Theil (1950) and Sen (1968), the median of the slopes between all pairs of runs. A
 * single slow run moves neither. The test takes the runs for independent: neighbours that resemble one another
 * make it call a trend somewhat too often. Time grows with n log n and memory with n.
 *
 * @param values the times in the order they were measured; at least 3
 * @param significance the p-value below which `drifting` is set; 0.05 when left out
 * @example
 * testDrift([100, 98, 97, 95, 94, 92]).drifting; // true: the runs get faster
 */
export function testDrift(values: readonly number[], significance = 0.05): Drift {
  checkSample(values, 3, 'drift test');
  const count = values.length;
  const { tieSizes } = midranks(values);
  const exact = tieSizes.length === 0 && count <= EXACT_LIMIT;
  const pairs = (count * (count - 1)) / 2;
  // Pairs are in order, in descending order, or tied.
  const tied = tieSizes.reduce((sum, size) => sum + (size * (size - 1)) / 2, 0);
  const concordance = pairs - tied - 2 * countInversions(Float64Array.from(values));
  const pValue = exact
    ? exactTwoSided(inversionDistribution(count), (pairs - concordance) / 2)
    : normalTwoSided(concordance, concordanceVariance(count, tieSizes), 1);
  const slopePerRun = theilSenSlope(values);
  const centre = median(values);
  return {
    tau: concordance / pairs,
    pValue,
    method: exact ? 'exact' : 'normal',
    slopePerRun,
    totalPercent: centre === 0 ? 0 : (100 * slopePerRun * (count - 1)) / centre,
    drifting: pValue < significance,
  };
}

/** Var S = (n(n−1)(2n+5) − Σ t(t−1)(2t+5)) / 18 (Kendall 1975); the sum over ties is 2(t³ − t) + 3t(t − 1). */
function concordanceVariance(count: number, tieSizes: readonly number[]): number {
  const term = 2 * (count ** 3 - count) + 3 * count * (count - 1);
  const ties = 2 * tieCorrection(tieSizes) + 3 * tieSizes.reduce((sum, size) => sum + size * (size - 1), 0);
  return (term - ties) / 18;
}

/** The probability of each number of inversions of a random order of `count` values (the Mahonian numbers). */
function inversionDistribution(count: number): Float64Array {
  let distribution = Float64Array.of(1);
  for (let size = 2; size <= count; size++) {
    // The size-th value overtakes 0 … size − 1 of the others, each with the same probability.
    const next = new Float64Array(distribution.length + size - 1);
    let window = 0;
    for (let inversions = 0; inversions < next.length; inversions++) {
      window += distribution[inversions] ?? 0;
      if (inversions >= size) window -= distribution[inversions - size] ?? 0;
      next[inversions] = window / size;
    }
    distribution = next;
  }
  return distribution;
}
