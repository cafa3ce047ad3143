import { quantileOfSorted, sortAscending } from './quantile.js';
import { checkSample } from './sample.js';

/** A run outside the fences. It stays in the sample: outliers are named, never dropped. */
export interface Outlier {
  /** Its place in the sample, from 0. */
  readonly index: number;
  readonly value: number;
  readonly side: 'low' | 'high';
  /** Beyond 3 instead of 1.5 interquartile ranges, Tukey's "far out". */
  readonly far: boolean;
}

/** Tukey's inner fences and what lies outside them. */
export interface TukeyFences {
  readonly low: number;
  readonly high: number;
  readonly outliers: readonly Outlier[];
}

/**
 * Tukey's fences (1977): 1.5 interquartile ranges below the first and above the third quartile. In normal data 0.7 %
 * of the values lie outside; small samples show somewhat more. Quartiles are those of `quantile`.
 *
 * @param values in any order, at least 4; below that the quartiles are the extremes and nothing can lie outside
 * @example
 * tukeyFences([10, 11, 10, 12, 11, 30]).outliers; // [{ index: 5, value: 30, side: 'high', far: true }]
 */
export function tukeyFences(values: readonly number[]): TukeyFences {
  checkSample(values, 4, 'Tukey fences');
  const sorted = sortAscending(values);
  const lowerQuartile = quantileOfSorted(sorted, 0.25);
  const upperQuartile = quantileOfSorted(sorted, 0.75);
  const range = upperQuartile - lowerQuartile;
  const low = lowerQuartile - 1.5 * range;
  const high = upperQuartile + 1.5 * range;
  const outliers: Outlier[] = [];
  values.forEach((value, index) => {
    if (value < low) outliers.push({ index, value, side: 'low', far: value < lowerQuartile - 3 * range });
    if (value > high) outliers.push({ index, value, side: 'high', far: value > upperQuartile + 3 * range });
  });
  return { low, high, outliers };
}
