import type { VecReg } from '../jit/ir.js';
import { ATTENTION_ROW_BYTES, type AttentionTile } from './attentionTile.js';
import { emitPairedWeights, emitPlainWeights, type WeightColumn } from './attentionWeights.js';
import { emitExp } from './vectorMath.js';

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
  const address = k.intMove(k.int(), tile.scratch);
  const lastSeen = isMasked ? lastSeenKeys(tile) : null;
  k.loop(tile.rowGroups(k.lanes), () => {
    const highest = k.load(k.at(address, at.highest));
    const total = k.load(k.at(address, at.total));
    const column: WeightColumn = { address, lastSeen, highest, scale, total };
    const correction = k.vecMove(k.vec(), highest);
    raiseHighest(tile, column);
    k.store(k.at(address, at.highest), highest);
    k.sub(correction, highest, correction);
    const rescale = emitExp(k, k.mul(correction, scale, correction));
    k.store(k.at(address, at.correction), rescale);
    k.mul(total, rescale, total);
    if (tile.isPaired) emitPairedWeights(tile, column);
    else emitPlainWeights(tile, column);
    k.store(k.at(address, at.total), total);
    k.advance(address, 4 * k.lanes);
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

/** highest = max(highest, the scores of all keys each row sees). */
function raiseHighest(tile: AttentionTile, { address, lastSeen, highest }: WeightColumn): void {
  const { k, at } = tile;
  const from = k.intMove(k.int(), address);
  const key = k.vecConst(0);
  k.loop(tile.blockKeys.get(), () => {
    const score = k.load(k.at(from, at.weights));
    if (lastSeen !== null) {
      k.select('ge', lastSeen, key, score, highest, score);
      k.add(key, k.vecConst(1), key);
    }
    k.max(score, highest, highest);
    k.advance(from, ATTENTION_ROW_BYTES);
  });
}
