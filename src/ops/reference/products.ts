import type { Operators } from '../operators.js';
import { gelu } from './gelu.js';
import { floatsOf, integersOf, nearestIndex, rowsOf } from './referenceTensor.js';
import { weightOf } from './referenceWeight.js';

/** y[M,N] = act(x[M,K]·weight[N,K]ᵀ + bias) + residual. A weight row is widened once and serves all M rows. */
export function linear(args: Parameters<Operators['linear']>[0]): void {
  const weight = weightOf(args.weight);
  const outputs = weight.shape[0]!;
  const x = rowsOf(args.x, weight.rowLength); // M × [K] f32
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
export function swiglu(args: Parameters<Operators['swiglu']>[0]): void {
  const gate = weightOf(args.gate);
  const up = weightOf(args.up);
  const outputs = gate.shape[0]!;
  const x = rowsOf(args.x, gate.rowLength); // M × [K] f32
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
export function argmaxLinear(args: Parameters<Operators['argmaxLinear']>[0]): void {
  const weight = weightOf(args.weight);
  const x = rowsOf(args.x, weight.rowLength); // M × [K] f32
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
export function embed(args: Parameters<Operators['embed']>[0]): void {
  const table = weightOf(args.table);
  const y = rowsOf(args.y, table.rowLength);
  const rows = table.shape[0]!;
  for (const [row, id] of integersOf(args.ids).entries()) table.widenRow(nearestIndex(id, rows), y[row]!);
}

/**
 * Σ a[i]·b[i] of two vectors of one length, accumulated in f64. Four partial sums, because one chain of additions would
 * wait for itself.
 */
export function dot(a: Float32Array, b: Float32Array): number {
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
