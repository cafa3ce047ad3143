import { countInversions } from './countInversions.js';

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
export function theilSenSlope(values: readonly number[]): number {
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
