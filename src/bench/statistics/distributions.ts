import { erfc } from '../../ops/reference/products.js';

/** Lanczos coefficients for g = 7, n = 9 (Godfrey 2001): relative error of Γ below 2·10⁻¹⁵ for real x > 0. */
const LANCZOS = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
];

/** Where continued fractions and series stop: the last factor or term is nothing beside the result. */
const NEGLIGIBLE = 1e-16;
/** Keeps a denominator of Lentz's method away from zero. */
const TINY = 1e-300;

/** ln Γ(x) for x > 0, by Lanczos' approximation and the reflection formula below ½. */
export function logGamma(x: number): number {
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x);
  let sum = LANCZOS[0]!;
  for (let i = 1; i < LANCZOS.length; i++) sum += LANCZOS[i]! / (x - 1 + i);
  const t = x + 6.5;
  return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(t) - t + Math.log(sum);
}

/**
 * The regularised incomplete beta function I_x(a, b) for a, b > 0 and 0 ≤ x ≤ 1: the continued fraction of
 * DLMF 8.17.22, evaluated by Lentz's method (1976) on the side where it converges fast.
 */
export function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const logFront = a * Math.log(x) + b * Math.log1p(-x) + logGamma(a + b) - logGamma(a) - logGamma(b);
  const front = Math.exp(logFront);
  return x < (a + 1) / (a + b + 2)
    ? (front * betaFraction(x, a, b)) / a
    : 1 - (front * betaFraction(1 - x, b, a)) / b;
}

function betaFraction(x: number, a: number, b: number): number {
  let c = 1;
  let d = 1 / awayFromZero(1 - ((a + b) * x) / (a + 1));
  let fraction = d;
  for (let m = 1; m <= 10_000; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / awayFromZero(1 + even * d);
    c = awayFromZero(1 + even / c);
    fraction *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / awayFromZero(1 + odd * d);
    c = awayFromZero(1 + odd / c);
    fraction *= d * c;
    if (Math.abs(d * c - 1) < NEGLIGIBLE * 10) break;
  }
  return fraction;
}

function awayFromZero(value: number): number {
  return Math.abs(value) < TINY ? TINY : value;
}

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

/**
 * P(X ≤ successes) for X the number of successes in `trials` independent trials of probability `p`: the
 * regularised incomplete beta function, which holds its digits for any number of trials.
 */
export function binomialCdf(successes: number, trials: number, p: number): number {
  if (successes < 0) return 0;
  if (successes >= trials) return 1;
  return incompleteBeta(1 - p, trials - successes, successes + 1);
}
