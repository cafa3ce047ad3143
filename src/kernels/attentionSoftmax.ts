import type { IntReg, VecReg } from '../jit/ir.js';
import { ATTENTION_ROWS, type AttentionTile } from './attentionTile.js';
import { emitExp } from './vectorMath.js';

/** Distance between the weights of two keys. */
const KEY_BYTES = 4 * ATTENTION_ROWS;

/**
 * One step of the running softmax (Milakov & Gimelshein, arXiv:1805.02867) over the block's scores s, lanes running
 * along the query rows:
 *
 *   highest' = max(highest, max_j s_j)           correction = e^((highest − highest')/√headDim)
 *   weight_j = e^((s_j − highest')/√headDim)     total' = total·correction + Σ_j weight_j
 *
 * Weights replace the scores; keys a row does not see get weight 0. A NaN score makes its weight and the total NaN.
 *
 * @param isMasked some row of the tile does not see some key of the block
 */
export function emitSoftmax(tile: AttentionTile, isMasked: boolean): void {
  const { k, at } = tile;
  const scale = k.vecConst(1 / Math.sqrt(tile.shape.headDim));
  const column = k.intMove(k.int(), tile.scratch); // + an offset of `at`: the part of the first `lanes` query rows
  const lastSeen = isMasked ? lastSeenKeys(tile) : null;
  k.loop(tile.rowGroups(k.lanes), () => {
    const highest = k.load(k.at(column, at.highest));
    const correction = k.vecMove(k.vec(), highest);
    forEachKey(tile, column, lastSeen, (weight, hideUnseen) => {
      const score = k.load(k.at(weight, at.weights));
      hideUnseen(score, highest);
      k.max(score, highest, highest);
    });
    k.store(k.at(column, at.highest), highest);
    k.sub(correction, highest, correction);
    k.mul(correction, scale, correction);
    const rescale = emitExp(k, correction);
    k.store(k.at(column, at.correction), rescale);

    const total = k.load(k.at(column, at.total));
    k.mul(total, rescale, total);
    const zero = k.vecConst(0);
    forEachKey(tile, column, lastSeen, (weight, hideUnseen) => {
      const exponent = k.load(k.at(weight, at.weights));
      k.sub(exponent, highest, exponent);
      k.mul(exponent, scale, exponent);
      const value = emitExp(k, exponent);
      hideUnseen(value, zero);
      k.add(total, value, total);
      k.store(k.at(weight, at.weights), value);
    });
    k.store(k.at(column, at.total), total);
    k.advance(column, 4 * k.lanes);
    if (lastSeen !== null) k.add(lastSeen, k.vecConst(k.lanes), lastSeen);
  });
}

/** The last key of the block that each of the first `lanes` rows sees, as f32 (exact: indices stay below 2²⁴). */
function lastSeenKeys(tile: AttentionTile): VecReg {
  const { k } = tile;
  const first = k.broadcastInt(tile.diagonal.get());
  k.unary('fromI32', first, first);
  return k.add(first, k.vecConst(Array.from({ length: k.lanes }, (_, row) => row)), first);
}

/**
 * Runs `body` for the keys of the block. `weight` + `at.weights` is where one's weights lie; `hideUnseen(x, other)`
 * replaces x by other in rows that do not see it.
 */
function forEachKey(
  tile: AttentionTile,
  column: IntReg,
  lastSeen: VecReg | null,
  body: (weight: IntReg, hideUnseen: (x: VecReg, other: VecReg) => void) => void,
): void {
  const { k } = tile;
  const weight = k.intMove(k.int(), column);
  const key = lastSeen === null ? null : k.vecConst(0);
  const one = lastSeen === null ? null : k.vecConst(1);
  k.loop(tile.blockKeys.get(), () => {
    body(weight, (x, other) => {
      if (lastSeen !== null && key !== null) k.select('ge', lastSeen, key, x, other, x);
    });
    k.advance(weight, KEY_BYTES);
    if (key !== null && one !== null) k.add(key, one, key);
  });
}
