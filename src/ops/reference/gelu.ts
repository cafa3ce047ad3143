import { erfc } from './erfc.js';

/**
 * Exact GELU x·Φ(x) = x/2 · erfc(−x/√2) in f64 (Hendrycks & Gimpel, arXiv:1606.08415). For any x; the error is that of
 * {@link erfc}: at most |x|·1e-15.
 */
export function gelu(x: number): number {
  if (x === -Infinity) return -0;
  return 0.5 * x * erfc(-x * Math.SQRT1_2);
}
