import { QwenAsrError } from '../../error.js';
import { studentQuantile } from './distributions.js';

/**
 * The check at the edge of every statistic: enough values, and all of them finite. Statistics of NaN would be
 * NaN without a word, and a median of nothing would be undefined.
 *
 * @param values the sample, in any unit
 * @param minimum the fewest values the statistic is defined for
 * @param statistic its name, for the message
 * @throws QwenAsrError `usage` when there are too few values or one is not finite
 */
export function checkSample(values: readonly number[], minimum: number, statistic: string): void {
  if (values.length < minimum) {
    const noun = minimum === 1 ? 'value' : 'values';
    throw new QwenAsrError(
      'usage',
      `${statistic}: expected at least ${minimum} ${noun}, found ${values.length}`,
    );
  }
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad !== -1) {
    throw new QwenAsrError(
      'usage',
      `${statistic}: expected finite numbers, found ${values[bad]} at index ${bad}`,
    );
  }
}

/** An interval that covers the true value with at least, or about, the probability `confidence`. */
export interface Interval {
  readonly low: number;
  readonly high: number;
  /** In (0, 1), for example 0.95. */
  readonly confidence: number;
}

/**
 * @throws QwenAsrError `usage` unless `confidence` lies strictly between 0.5 and 1
 */
export function checkConfidence(confidence: number): void {
  if (!(confidence > 0.5 && confidence < 1)) {
    throw new QwenAsrError('usage', `confidence: expected a number between 0.5 and 1, found ${confidence}`);
  }
}

/** The fewest values with an interval of the mean: of two it would be some nine times as wide as they lie apart. */
export const FEWEST_FOR_MEAN_INTERVAL = 3;

/**
 * Student's confidence interval of the mean (Gosset 1908): mean ± t · s/√n with n − 1 degrees of freedom. It covers the
 * true mean as often as it says for normal data of any number. For log-normal data with a coefficient of variation up
 * to 30 % a 95 % interval covers it with at least 93 %. Of rare slow runs it cannot know enough: where one run in twenty
 * is held up by 30 %, that is 80 to 90 % up to 50 runs.
 *
 * @param values at least {@link FEWEST_FOR_MEAN_INTERVAL}
 * @example
 * const { low, high } = meanInterval([10, 11, 12], 0.95);
 */
export function meanInterval(values: readonly number[], confidence = 0.95): Interval {
  checkSample(values, FEWEST_FOR_MEAN_INTERVAL, 'confidence interval of the mean');
  checkConfidence(confidence);
  const t = studentQuantile((1 + confidence) / 2, values.length - 1);
  const halfWidth = (t * standardDeviation(values)) / Math.sqrt(values.length);
  const centre = mean(values);
  return { low: centre - halfWidth, high: centre + halfWidth, confidence };
}

/** The arithmetic mean, summed with Neumaier's compensation (1974) so that long samples lose no digits. */
export function mean(values: readonly number[]): number {
  checkSample(values, 1, 'mean');
  return compensatedSum(values) / values.length;
}

/** The sample variance with n − 1 in the denominator, in two passes. At least two values. */
export function variance(values: readonly number[]): number {
  checkSample(values, 2, 'variance');
  const centre = mean(values);
  return compensatedSum(values.map((value) => (value - centre) ** 2)) / (values.length - 1);
}

/** The square root of {@link variance}. */
export function standardDeviation(values: readonly number[]): number {
  return Math.sqrt(variance(values));
}

function compensatedSum(values: readonly number[]): number {
  let sum = 0;
  let lost = 0;
  for (const value of values) {
    const next = sum + value;
    lost += Math.abs(sum) >= Math.abs(value) ? sum - next + value : value - next + sum;
    sum = next;
  }
  return sum + lost;
}

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
