import { normalQuantile } from './normalDistribution.js';
import { incompleteBeta } from './specialFunctions.js';

/**
 * The probability that a variable of Student's t distribution is at most t.
 *
 * @param degreesOfFreedom above 0; need not be whole
 */
export function studentCdf(t: number, degreesOfFreedom: number): number {
  const tail = 0.5 * incompleteBeta(degreesOfFreedom / (degreesOfFreedom + t * t), degreesOfFreedom / 2, 0.5);
  return t > 0 ? 1 - tail : tail;
}

/** The probability of a value at least as far from 0 as t, on either side. */
export function studentTwoSidedP(t: number, degreesOfFreedom: number): number {
  return incompleteBeta(degreesOfFreedom / (degreesOfFreedom + t * t), degreesOfFreedom / 2, 0.5);
}

/**
 * t with P(T ≤ t) = probability, for 0 < probability < 1: bisection on the distribution function, started from
 * the normal quantile. The result is exact to about 12 digits, and kept, because a simulation asks for the same few
 * again and again.
 */
export function studentQuantile(probability: number, degreesOfFreedom: number): number {
  if (probability < 0.5) return -studentQuantile(1 - probability, degreesOfFreedom);
  if (probability === 0.5) return 0;
  const key = `${probability}/${degreesOfFreedom}`;
  const known = quantiles.get(key);
  if (known !== undefined) return known;
  const quantile = bisect(probability, degreesOfFreedom);
  if (quantiles.size >= 1000) quantiles.clear(); // a bound, so that no caller can grow it for ever
  quantiles.set(key, quantile);
  return quantile;
}

const quantiles = new Map<string, number>();

function bisect(probability: number, degreesOfFreedom: number): number {
  let low = 0;
  let high = normalQuantile(probability) + 1;
  while (studentCdf(high, degreesOfFreedom) < probability) {
    low = high;
    high *= 2;
  }
  for (let step = 0; step < 60 && high - low > 1e-13 * high; step++) {
    const middle = (low + high) / 2;
    if (studentCdf(middle, degreesOfFreedom) < probability) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
