import type { Operators } from '../operators.js';
import { rowsOf } from './referenceTensor.js';
import { weightOf } from './referenceWeight.js';

/** Rows to mean 0 and (biased) variance 1, times weight plus bias (Ba et al., arXiv:1607.06450). */
export function layerNorm(args: Parameters<Operators['layerNorm']>[0]): void {
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
export function rmsNorm(args: Parameters<Operators['rmsNorm']>[0]): void {
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
