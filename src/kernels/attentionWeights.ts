import type { IntReg, VecReg } from '../jit/ir.js';
import { ATTENTION_ROW_BYTES, type AttentionTile } from './attentionTile.js';
import { emitExp } from './vectorMath.js';

/** `lanes` query rows of a tile on their way through the softmax. */
export interface WeightColumn {
  /** Scratch memory plus the place of the first row in a row of scores. */
  readonly address: IntReg;
  /** Last key of the block each row sees, as f32; null when all are seen. */
  readonly lastSeen: VecReg | null;
  /** Highest score of each row. */
  readonly highest: VecReg;
  readonly scale: VecReg;
  /** Σ weight of each row, which the block's weights are added to. */
  readonly total: VecReg;
}

/** weight_j = e^((s_j − highest)·scale) in the place of each score s_j; total += Σ_j weight_j. */
export function emitPlainWeights(tile: AttentionTile, column: WeightColumn): void {
  const { k, at } = tile;
  const from = k.intMove(k.int(), column.address);
  const key = k.vecConst(0);
  k.loop(tile.blockKeys.get(), () => {
    const weight = emitWeight(tile, column, from, 0, key);
    k.add(column.total, weight, column.total);
    k.store(k.at(from, at.weights), weight);
    k.advance(from, ATTENTION_ROW_BYTES);
  });
}

/**
 * The same in bf16, as published implementations in bf16 multiply: the weights of keys 2j and 2j + 1 become the halves
 * of one word, and row j of the scores becomes those words. An odd last key gets a partner of weight 0. The total sums
 * the rounded weights. Rounding is to nearest, ties up: relative error at most 2⁻⁸. NaN stays NaN: its low bits are 0
 * here, so that rounding does not carry.
 */
export function emitPairedWeights(tile: AttentionTile, column: WeightColumn): void {
  const { k, at } = tile;
  const from = k.intMove(k.int(), column.address);
  const to = k.intMove(k.int(), column.address);
  const key = k.vecConst(0);
  const weightOf = (offset: number): VecReg => {
    const weight = emitWeight(tile, column, from, offset, key);
    k.vecOp('addI32', weight, k.vecBits(0x8000), weight);
    k.vecOp('and', weight, k.vecBits(0xffff0000), weight);
    k.add(column.total, weight, column.total);
    return weight;
  };
  const pairs = tile.blockKeys.get();
  k.intOp('shiftRight', pairs, 1, pairs);
  k.loop(pairs, () => {
    const even = weightOf(0);
    const odd = weightOf(ATTENTION_ROW_BYTES);
    k.shift('right', even, 16, even);
    k.store(k.at(to, at.weights), k.vecOp('or', even, odd, even));
    k.advance(from, 2 * ATTENTION_ROW_BYTES);
    k.advance(to, ATTENTION_ROW_BYTES);
  });
  const rest = tile.blockKeys.get();
  k.intOp('and', rest, 1, rest);
  k.loop(rest, () => {
    const last = weightOf(0);
    k.store(k.at(to, at.weights), k.shift('right', last, 16, last));
  });
}

/** One key's weight for all rows of the column. @param key its index in the block as f32, where that matters; moved */
function emitWeight(
  tile: AttentionTile,
  { lastSeen, highest, scale }: WeightColumn,
  from: IntReg,
  offset: number,
  key: VecReg,
): VecReg {
  const { k, at } = tile;
  const exponent = k.load(k.at(from, at.weights + offset));
  k.sub(exponent, highest, exponent);
  const weight = emitExp(k, k.mul(exponent, scale, exponent));
  if (lastSeen !== null) {
    k.select('ge', lastSeen, key, weight, k.vecConst(0), weight);
    k.add(key, k.vecConst(1), key);
  }
  return weight;
}
