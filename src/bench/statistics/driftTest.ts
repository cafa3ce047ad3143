import { checkSample, median } from './descriptive.js';
import { exactTwoSided, midranks, normalTwoSided, tieCorrection } from './rankTests.js';

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

/** The slope is narrowed down to this share of the largest one possible: far below any clock's resolution. */
const RESOLUTION = 2 ** -48;

/**
 * The slope of Theil (1950) and Sen (1968): the median of the slopes between all pairs of values, without making them
 * all. A slope s is larger than those of exactly the pairs that `values[i] − s · i` has in descending order, and
 * counting these takes n log n; bisection finds the s that half of the slopes are below. Its error is below 2⁻⁴⁸ of the
 * range of the values.
 *
 * @param values equally spaced, at least two, all finite
 * @returns in the unit of the values, per step
 */
function theilSenSlope(values: readonly number[]): number {
  const pairs = (values.length * (values.length - 1)) / 2;
  const upper = slopeAt(values, Math.floor(pairs / 2));
  return pairs % 2 === 1 ? upper : (slopeAt(values, pairs / 2 - 1) + upper) / 2;
}

/** The slope at this place in ascending order, from 0. */
function slopeAt(values: readonly number[], order: number): number {
  let range = 0;
  for (const value of values) range = Math.max(range, Math.abs(value - values[0]!));
  // No slope is steeper than from the least to the largest value in one step.
  let [low, high] = [-2 * range, 2 * range];
  const tilted = new Float64Array(values.length);
  while (high - low > RESOLUTION * range) {
    const middle = (low + high) / 2;
    for (let i = 0; i < tilted.length; i++) tilted[i] = values[i]! - middle * i;
    if (countInversions(tilted) > order) high = middle;
    else low = middle;
  }
  return (low + high) / 2;
}

/**
 * How many pairs stand in descending order, values[i] > values[j] with i < j, by merge sort (Knight 1966): time n log n.
 *
 * @param values are sorted in place
 * @example
 * countInversions(Float64Array.of(3, 1, 2)); // 2
 */
function countInversions(values: Float64Array): number {
  let source: Float64Array = values;
  let target: Float64Array = new Float64Array(values.length);
  let inversions = 0;
  for (let width = 1; width < values.length; width *= 2) {
    for (let start = 0; start < values.length; start += 2 * width) {
      inversions += merge(source, target, start, width);
    }
    [source, target] = [target, source];
  }
  if (source !== values) values.set(source);
  return inversions;
}

/** Merges two sorted stretches of at most `width` values; one that comes from the right overtakes what is left. */
function merge(source: Float64Array, target: Float64Array, start: number, width: number): number {
  const middle = Math.min(start + width, source.length);
  const end = Math.min(start + 2 * width, source.length);
  let left = start;
  let right = middle;
  let inversions = 0;
  for (let place = start; place < end; place++) {
    if (left < middle && (right >= end || source[left]! <= source[right]!)) target[place] = source[left++]!;
    else {
      target[place] = source[right++]!;
      inversions += middle - left;
    }
  }
  return inversions;
}

/** When a warm-up counts as finished. */
export interface SteadyOptions {
  /** How many of the last runs are looked at; 5 when left out, the fewest that can show a trend at all. */
  readonly window?: number;
  /** A change over the window below this percentage is no trend, however significant; 1 when left out. */
  readonly tolerancePercent?: number;
}

/**
 * A trend is taken seriously from here. Stricter than the usual 5 %, because calling a warm-up finished too early
 * spoils the measurement while one more run costs little.
 */
const SIGNIFICANCE = 0.1;

/**
 * Whether the warm-up has reached a steady state: the last runs show no trend (`testDrift`), and the very first
 * of them does not stand out as slow, as a run that compiled or filled caches does.
 *
 * @param warmupMs the warm-up runs so far, in order
 * @returns false while there are fewer runs than the window
 * @example
 * while (!isSteady(warmupMs) && warmupMs.length < 20) warmupMs.push(await runOnce());
 */
export function isSteady(warmupMs: readonly number[], options: SteadyOptions = {}): boolean {
  const { window = 5, tolerancePercent = 1 } = options;
  if (warmupMs.length < window) return false;
  const recent = warmupMs.slice(-window);
  const [first, ...rest] = recent;
  const drift = testDrift(recent, SIGNIFICANCE);
  if (drift.drifting && Math.abs(drift.totalPercent) > tolerancePercent) return false;
  const slowest = Math.max(...rest);
  return first! <= slowest || first! <= median(rest) * (1 + tolerancePercent / 100);
}
