import type { Operators } from '../operators.js';
import { dot } from './dot.js';
import { floatsOf } from './referenceTensor.js';
import { weightOf } from './referenceWeight.js';
import { rowsOf } from './rowsOf.js';

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
