import type { OperatorArgs, Tensor } from '../operators.js';
import { floatsOf, integersOf, nearestIndex, rowsOf } from './referenceTensor.js';
import { type ReferenceWeight, weightOf } from './referenceWeight.js';

/** y[M,N] = act(x[M,K]·weight[N,K]ᵀ + bias) + residual. A weight row is widened once and serves all M rows. */
export function linear(args: OperatorArgs<'linear'>): void {
  const weight = weightOf(args.weight);
  const outputs = weight.shape[0]!;
  const x = inputsOf(args.x, weight); // M × [K] f32
  const y = floatsOf(args.y); // [M, N] f32
  const bias = args.bias && weightOf(args.bias).widenAll(); // [N] f32
  const residual = args.residual && floatsOf(args.residual); // [M, N] f32
  const weightRow = new Float32Array(weight.rowLength);
  for (let n = 0; n < outputs; n++) {
    weight.widenRow(n, weightRow);
    const shift = bias === undefined ? 0 : bias[n]!;
    for (let m = 0; m < x.length; m++) {
      const sum = dot(x[m]!, weightRow) + shift;
      const activated = args.activation === 'gelu' ? gelu(sum) : sum;
      const at = m * outputs + n;
      y[at] = residual === undefined ? activated : activated + residual[at]!;
    }
  }
}

/** y[M,N] = silu(x·gateᵀ) ⊙ (x·upᵀ), silu(a) = a / (1 + e^(−a)) (Shazeer, arXiv:2002.05202). */
export function swiglu(args: OperatorArgs<'swiglu'>): void {
  const gate = weightOf(args.gate);
  const up = weightOf(args.up);
  const outputs = gate.shape[0]!;
  const x = inputsOf(args.x, gate); // M × [K] f32
  const y = floatsOf(args.y); // [M, N] f32
  const gateRow = new Float32Array(gate.rowLength);
  const upRow = new Float32Array(up.rowLength);
  for (let n = 0; n < outputs; n++) {
    gate.widenRow(n, gateRow);
    up.widenRow(n, upRow);
    for (let m = 0; m < x.length; m++) {
      const g = dot(x[m]!, gateRow);
      y[m * outputs + n] = (g / (1 + Math.exp(-g))) * dot(x[m]!, upRow);
    }
  }
}

/**
 * Greedy choice over logits = x·weightᵀ (rounded to f32, as if stored): the lowest index of the highest logit, that
 * logit, and ln Σ exp(logit), kept as one running sum relative to the highest logit so far. A NaN logit wins for good.
 */
export function argmaxLinear(args: OperatorArgs<'argmaxLinear'>): void {
  const weight = weightOf(args.weight);
  const x = inputsOf(args.x, weight); // M × [K] f32
  const ids = integersOf(args.ids).fill(0); // [M] i32
  const best = floatsOf(args.best).fill(-Infinity); // [M] f32
  const sums = new Float64Array(x.length); // Σ exp(logit − best)
  const weightRow = new Float32Array(weight.rowLength);
  for (let n = 0; n < weight.shape[0]!; n++) {
    weight.widenRow(n, weightRow);
    for (let m = 0; m < x.length; m++) {
      const logit = Math.fround(dot(x[m]!, weightRow));
      const highest = best[m]!;
      if (logit > highest || (Number.isNaN(logit) && !Number.isNaN(highest))) {
        sums[m] = sums[m]! * Math.exp(highest - logit) + 1;
        best[m] = logit;
        ids[m] = n;
      } else {
        sums[m]! += Math.exp(logit - highest);
      }
    }
  }
  const logSumExp = floatsOf(args.logSumExp); // [M] f32
  for (let m = 0; m < x.length; m++) logSumExp[m] = best[m]! + Math.log(sums[m]!);
}

/** y[i] = table[ids[i]], widened; an id outside the table counts as its nearest. ids [M] i32, table [V, H], y [M, H] f32. */
export function embed(args: OperatorArgs<'embed'>): void {
  const table = weightOf(args.table);
  const y = rowsOf(args.y, table.rowLength);
  const rows = table.shape[0]!;
  for (const [row, id] of integersOf(args.ids).entries()) table.widenRow(nearestIndex(id, rows), y[row]!);
}

/** Largest magnitude of an activation that is multiplied with integers. */
const MOST_ACTIVATION = 127;

/** Rows that a weight is multiplied with, M × [K] f32; rounded by row and group where the weight is one of integers. */
function inputsOf(x: Tensor, { rowLength, groupSize }: ReferenceWeight): Float32Array[] {
  const rows = rowsOf(x, rowLength);
  return groupSize === null ? rows : rows.map((row) => roundGroups(row, groupSize));
}

/** Every value as the nearest of scale·(−127 … 127), the scale such that the largest of its group fits. */
export function roundGroups(row: Float32Array, groupSize: number): Float32Array {
  const rounded = new Float32Array(row.length);
  for (let start = 0; start < row.length; start += groupSize) {
    const group = row.subarray(start, start + groupSize);
    const scale = group.reduce((most, value) => Math.max(most, Math.abs(value)), 0) / MOST_ACTIVATION;
    if (scale === 0) continue;
    for (const [i, value] of group.entries()) rounded[start + i] = Math.round(value / scale) * scale;
  }
  return rounded;
}

/**
 * Σ a[i]·b[i] of two vectors of one length, accumulated in f64. Four partial sums, because one chain of additions would
 * wait for itself.
 */
function dot(a: Float32Array, b: Float32Array): number {
  let sum0 = 0;
  let sum1 = 0;
  let sum2 = 0;
  let sum3 = 0;
  const length = a.length;
  const whole = length - (length % 4);
  for (let i = 0; i < whole; i += 4) {
    sum0 += a[i]! * b[i]!;
    sum1 += a[i + 1]! * b[i + 1]!;
    sum2 += a[i + 2]! * b[i + 2]!;
    sum3 += a[i + 3]! * b[i + 3]!;
  }
  for (let i = whole; i < length; i++) sum0 += a[i]! * b[i]!;
  return sum0 + sum1 + (sum2 + sum3);
}

/**
 * Exact GELU x·Φ(x) = x/2 · erfc(−x/√2) in f64 (Hendrycks & Gimpel, arXiv:1606.08415). For any x; the error is that of
 * {@link erfc}: at most |x|·1e-15.
 */
export function gelu(x: number): number {
  if (x === -Infinity) return -0;
  return 0.5 * x * erfc(-x * Math.SQRT1_2);
}

/** Above this |x| the continued fraction is used, below it the series; both are good to 1e-15 there. */
const SERIES_LIMIT = 2;

/** Terms of the continued fraction: at x = 2 the remainder is below e^(−2·2·√120) ≈ 1e-19. */
const FRACTION_TERMS = 60;

/**
 * Complementary error function 1 − erf(x) in f64, for any x; absolute error ≤ 2e-15, and for x ≥ 2 relative
 * error ≤ 1e-13 (from rounding x² in the exponential, up to the underflow at x ≈ 26).
 *
 * Below 2 the series erf(x) = 2/√π · e^(−x²) · Σ 2ⁿ x^(2n+1) / (1·3·5···(2n+1)) (Abramowitz & Stegun 7.1.6), whose
 * terms all have one sign, so nothing cancels; above, the continued fraction of A&S 7.1.14.
 */
export function erfc(x: number): number {
  if (Number.isNaN(x)) return NaN;
  const size = Math.abs(x);
  if (size < SERIES_LIMIT) return 1 - Math.sign(x) * erfSeries(size);
  const tail = erfcFraction(size);
  return x > 0 ? tail : 2 - tail;
}

/** 1 / (2n + 1), because a product is much cheaper than a quotient; 60 terms are more than enough up to 2. */
const ODD_RECIPROCALS = Float64Array.from({ length: 60 }, (_, n) => 1 / (2 * n + 1));

/** erf(x) for 0 ≤ x < 2. */
function erfSeries(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; term > sum * 1e-17; n++) {
    term *= 2 * x * x * ODD_RECIPROCALS[n]!;
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

/** erfc(x) for x ≥ 2: e^(−x²)/√π · 1/(x + (1/2)/(x + (2/2)/(x + (3/2)/(x + …)))), from the innermost term out. */
function erfcFraction(x: number): number {
  let denominator = x;
  for (let n = FRACTION_TERMS; n >= 1; n--) denominator = x + n / 2 / denominator;
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / denominator;
}

/** Rows to mean 0 and (biased) variance 1, times weight plus bias (Ba et al., arXiv:1607.06450). */
export function layerNorm(args: OperatorArgs<'layerNorm'>): void {
  const weight = weightOf(args.weight).widenAll(); // [D] f32
  const bias = weightOf(args.bias).widenAll(); // [D] f32
  const size = weight.length;
  const y = rowsOf(args.y, size);
  for (const [row, x] of rowsOf(args.x, size).entries()) {
    let sum = 0;
    for (const value of x) sum += value;
    const mean = sum / size;
    let squares = 0;
    for (const value of x) squares += (value - mean) ** 2;
    const scale = 1 / Math.sqrt(squares / size + args.epsilon);
    const out = y[row]!;
    for (let i = 0; i < size; i++) out[i] = (x[i]! - mean) * scale * weight[i]! + bias[i]!;
  }
}

/** y = x / √(mean(x²) + ε) ⊙ weight, row by row. */
export function rmsNorm(args: OperatorArgs<'rmsNorm'>): void {
  const weight = weightOf(args.weight).widenAll(); // [D] f32
  const y = rowsOf(args.y, weight.length);
  for (const [row, x] of rowsOf(args.x, weight.length).entries()) {
    normalizeRms(x, weight, args.epsilon, y[row]!);
  }
}

/** One vector of {@link rmsNorm} (Zhang & Sennrich, arXiv:1910.07467); `out` may be `x`. All [D] f32. */
export function normalizeRms(
  x: Float32Array,
  weight: Float32Array,
  epsilon: number,
  out: Float32Array,
): void {
  let squares = 0;
  for (const value of x) squares += value * value;
  const scale = 1 / Math.sqrt(squares / x.length + epsilon);
  for (let i = 0; i < x.length; i++) out[i] = x[i]! * scale * weight[i]!;
}
