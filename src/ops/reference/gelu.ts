/**
 * Exact GELU x·Φ(x) = x/2 · erfc(−x/√2) in f64 (Hendrycks & Gimpel, arXiv:1606.08415). For any x; the error is that of
 * {@link erfc}: at most |x|·1e-15.
 */
export function gelu(x: number): number {
  if (x === -Infinity) return -0;
  return 0.5 * x * erfc(-x * Math.SQRT1_2);
}

/** Above this |x| the continued fraction is used, below it the series; both are good to 1e-15 there. */
const SERIES_LIMIT = 2.5;

/** Terms of the continued fraction: at x = 2.5 the remainder is below e^(−2·2.5·√80) ≈ 4e-20. */
const FRACTION_TERMS = 40;

/**
 * Complementary error function 1 − erf(x) in f64, for any x; absolute error ≤ 2e-15, and for x ≥ 2.5 relative
 * error ≤ 1e-13 (from rounding x² in the exponential, up to the underflow at x ≈ 26).
 *
 * Below 2.5 the series erf(x) = 2/√π · e^(−x²) · Σ 2ⁿ x^(2n+1) / (1·3·5···(2n+1)) (Abramowitz & Stegun 7.1.6), whose
 * terms all have one sign, so nothing cancels; above, the continued fraction of A&S 7.1.14.
 */
export function erfc(x: number): number {
  if (Number.isNaN(x)) return NaN;
  const size = Math.abs(x);
  if (size < SERIES_LIMIT) return 1 - Math.sign(x) * erfSeries(size);
  const tail = erfcFraction(size);
  return x > 0 ? tail : 2 - tail;
}

/** 1 / (2n + 1), because a product is much cheaper than a quotient; 60 terms are enough up to 2.5. */
const ODD_RECIPROCALS = Float64Array.from({ length: 60 }, (_, n) => 1 / (2 * n + 1));

/** erf(x) for 0 ≤ x < 2.5. */
function erfSeries(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; term > sum * 1e-17; n++) {
    term *= 2 * x * x * ODD_RECIPROCALS[n]!;
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

/** erfc(x) for x ≥ 2.5: e^(−x²)/√π · 1/(x + (1/2)/(x + (2/2)/(x + (3/2)/(x + …)))), from the innermost term out. */
function erfcFraction(x: number): number {
  let denominator = x;
  for (let n = FRACTION_TERMS; n >= 1; n--) denominator = x + n / 2 / denominator;
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / denominator;
}
