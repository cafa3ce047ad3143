import type { Operators } from '../operators.js';
import { dot } from './dot.js';
import { floatsOf, integersOf } from './referenceTensor.js';
import { weightOf } from './referenceWeight.js';
import { rowsOf } from './rowsOf.js';

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
