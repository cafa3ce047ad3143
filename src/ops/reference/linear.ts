import type { Operators } from '../operators.js';
import { dot } from './dot.js';
import { gelu } from './gelu.js';
import { floatsOf } from './referenceTensor.js';
import { weightOf } from './referenceWeight.js';
import { rowsOf } from './rowsOf.js';

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
