import { checkConfidence, checkSample, type Interval } from './sample.js';
import { studentQuantile } from './studentDistribution.js';

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
