import type { KernelBuilder } from '../jit/builder.js';
import type { IntReg, VecReg } from '../jit/ir.js';
import type { OperandDtype } from './tilePolicy.js';

/** A register tile of the product of softmax weights with values: `rows` query rows × `vectors` vectors of headDim. */
export interface WeightedValues {
  readonly rows: number;
  readonly vectors: number;
  readonly dtype: OperandDtype;
  /** Distance between the values of two keys. */
  readonly valueStrideBytes: number;
  /** Distance between the weights of two keys, and of two rows. */
  readonly weightKeyBytes: number;
  readonly weightRowBytes: number;
}

/**
 * sums[i] += Σ_j weight[j, i]·value[j], lanes along headDim: every value is loaded (and widened) once for all rows.
 *
 * Error: at most (keys + 1)·2⁻²⁴·Σ|weight·value|.
 *
 * @param sums rows · vectors registers, row by row
 * @param weight address of the weights of the first row and key; moved
 * @param value address of the first vector of the first key's value; moved
 */
export function emitWeightedValues(
  k: KernelBuilder,
  shape: WeightedValues,
  sums: readonly VecReg[],
  keys: IntReg,
  weight: IntReg,
  value: IntReg,
): void {
  const { rows, vectors } = shape;
  const isNarrow = shape.dtype === 'bf16';
  const vectorBytes = (isNarrow ? 2 : 4) * k.lanes;
  k.loop(keys, () => {
    const values = Array.from({ length: vectors }, (_, v) =>
      k.load(k.at(value, v * vectorBytes), isNarrow ? 'bf16' : 'raw'),
    );
    for (let row = 0; row < rows; row++) {
      const w = k.broadcast(k.at(weight, row * shape.weightRowBytes));
      values.forEach((x, v) => {
        k.fma(sums[row * vectors + v]!, w, x);
      });
    }
    k.advance(weight, shape.weightKeyBytes);
    k.advance(value, shape.valueStrideBytes);
  });
}
