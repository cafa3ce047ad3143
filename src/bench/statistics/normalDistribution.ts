import { erfc } from './specialFunctions.js';

/** Φ(z), the probability that a standard normal variable is at most z. Relative error about 10⁻¹⁵. */
export function normalCdf(z: number): number {
  return 0.5 * erfc(-z / Math.SQRT2);
}

/**
 * z with Φ(z) = probability, for 0 < probability < 1; ±∞ at 0 and 1. Starts from the rational approximation of
 * Hastings (1955; Abramowitz and Stegun 26.2.23, error below 4.5·10⁻⁴) and takes two steps of Halley's method,
 * each of which triples the correct digits: error about 10⁻¹⁵ in the body, 10⁻¹² relative in the far tails.
 */
export function normalQuantile(probability: number): number {
  if (probability > 0.5) return -normalQuantile(1 - probability);
  if (probability <= 0) return Number.NEGATIVE_INFINITY;
  let z = hastings(probability);
  for (let step = 0; step < 2; step++) {
    const density = Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);
    const newton = (normalCdf(z) - probability) / density;
    z -= newton / (1 + (z * newton) / 2);
  }
  return z;
}

/** The lower-tail quantile for probability ≤ ½. */
function hastings(probability: number): number {
  const t = Math.sqrt(-2 * Math.log(probability));
  const numerator = 2.515517 + t * (0.802853 + t * 0.010328);
  const denominator = 1 + t * (1.432788 + t * (0.189269 + t * 0.001308));
  return numerator / denominator - t;
}
