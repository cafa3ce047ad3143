import type { Operators } from '../operators.js';
import { weightOf } from './referenceWeight.js';
import { rowsOf } from './rowsOf.js';

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
