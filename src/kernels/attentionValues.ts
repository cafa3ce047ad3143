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
  /** Distance between the weights of two keys (or pairs of keys), and of two rows. */
  readonly weightKeyBytes: number;
  readonly weightRowBytes: number;
}

/** Where a product starts; the registers are moved. */
export interface WeightedValuesAt {
  /** Weights of the first row and key. */
  readonly weight: IntReg;
  /** First vector of the first key's value. */
  readonly value: IntReg;
}

/**
 * sums[i] += Σ_j weight[j, i]·value[j] over `keys` keys, lanes along headDim: every value is loaded (and widened) once
 * for all rows.
 *
 * Error: at most (keys + 1)·2⁻²⁴·Σ|weight·value|.
 *
 * @param sums rows · vectors registers, row by row
 */
export function emitWeightedValues(
  k: KernelBuilder,
  shape: WeightedValues,
  sums: readonly VecReg[],
  keys: IntReg,
  { weight, value }: WeightedValuesAt,
): void {
  const isNarrow = shape.dtype === 'bf16';
  const vectorBytes = (isNarrow ? 2 : 4) * k.lanes;
  k.loop(keys, () => {
    const values = Array.from({ length: shape.vectors }, (_, v) =>
      k.load(k.at(value, v * vectorBytes), isNarrow ? 'bf16' : 'raw'),
    );
    forEachSum(k, shape, sums, weight, values, (sum, w, x) => {
      k.fma(sum, w, x);
    });
    k.advance(weight, shape.weightKeyBytes);
    k.advance(value, shape.valueStrideBytes);
  });
}

/**
 * The same for weights and values in bf16, two keys at a time: `weight` points to words of two weights, and the values
 * of both keys are put together in the same way. Where the number of keys is odd, the last word's second weight must
 * be 0, and the last value is its own partner, so that nothing past it is read.
 *
 * Error: at most (keys + 1)·2⁻²⁴·Σ|weight·value|.
 *
 * @param keys overwritten
 */
export function emitPairedValues(
  k: KernelBuilder,
  shape: WeightedValues,
  sums: readonly VecReg[],
  keys: IntReg,
  { weight, value }: WeightedValuesAt,
): void {
  const addPair = (partnerBytes: number): void => {
    const values = Array.from({ length: shape.vectors }, (_, v) => {
      const even = k.load(k.at(value, 2 * v * k.lanes), 'bf16');
      const odd = k.load(k.at(value, 2 * v * k.lanes + partnerBytes), 'bf16');
      return k.vecOp('or', k.shift('right', even, 16, even), odd, even);
    });
    forEachSum(k, shape, sums, weight, values, (sum, w, x) => {
      k.dotPairs(sum, w, x);
    });
  };
  const rest = k.intOp('and', keys, 1);
  const pairs = k.intOp('shiftRight', keys, 1, keys);
  k.loop(pairs, () => {
    addPair(shape.valueStrideBytes);
    k.advance(weight, shape.weightKeyBytes);
    k.advance(value, 2 * shape.valueStrideBytes);
  });
  k.loop(rest, () => addPair(0));
}

/** Runs `add` for every sum of the register tile, with its row's weight in every lane and its vector of the value. */
function forEachSum(
  k: KernelBuilder,
  shape: WeightedValues,
  sums: readonly VecReg[],
  weight: IntReg,
  values: readonly VecReg[],
  add: (sum: VecReg, weight: VecReg, value: VecReg) => void,
): void {
  for (let row = 0; row < shape.rows; row++) {
    const w = k.broadcast(k.at(weight, row * shape.weightRowBytes));
    values.forEach((value, v) => {
      add(sums[row * shape.vectors + v]!, w, value);
    });
  }
}
