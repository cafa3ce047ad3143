import { checkSample } from './sample.js';

/**
 * Turns a MAD into an estimate of the standard deviation of normal data: 1 / Φ⁻¹(3⁄4) = 1.4826 (Hampel 1974).
 */
export const MAD_TO_SIGMA = 1.4826022185056018;

/**
 * The quantile of definition 7 of Hyndman and Fan (1996), the default of R and NumPy: linear interpolation with
 * the smallest value at 0 and the largest at 1.
 *
 * @param values the sample, in any order; at least one
 * @param probability in [0, 1]
 * @example
 * quantile([1, 2, 3, 4], 0.25); // 1.75
 */
export function quantile(values: readonly number[], probability: number): number {
  checkSample(values, 1, 'quantile');
  return quantileOfSorted(sortAscending(values), probability);
}

/** The same for values that are already in ascending order; no checks. */
export function quantileOfSorted(sorted: readonly number[], probability: number): number {
  const position = (sorted.length - 1) * probability;
  const below = Math.floor(position);
  const low = sorted[below]!;
  const high = sorted[Math.min(below + 1, sorted.length - 1)]!;
  return low + (high - low) * (position - below);
}

/** The middle value, or the mean of the two middle values. At least one value. */
export function median(values: readonly number[]): number {
  checkSample(values, 1, 'median');
  return quantileOfSorted(sortAscending(values), 0.5);
}

/**
 * The median absolute deviation from the median, not scaled: multiply by {@link MAD_TO_SIGMA} to compare it with
 * a standard deviation. Half the runs may be wild before it breaks down (Hampel 1974).
 */
export function medianAbsoluteDeviation(values: readonly number[]): number {
  checkSample(values, 1, 'median absolute deviation');
  const centre = median(values);
  return median(values.map((value) => Math.abs(value - centre)));
}

/** A sorted copy; typed arrays sort numbers without a comparison function, several times faster. */
export function sortAscending(values: readonly number[]): number[] {
  return Array.from(Float64Array.from(values).sort());
}
