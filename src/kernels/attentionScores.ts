import type { IntReg } from '../jit/ir.js';
import { ATTENTION_ROW_BYTES, type AttentionTile } from './attentionTile.js';
import { dotTile } from './dotTile.js';

/**
 * scores[j, i] = Σ_d key[j, d]·query[i, d] for the keys of the block: strips of `tileRows` keys against all query rows,
 * four at a time. Causal tiles leave out query rows that see no key of a strip.
 *
 * Error: at most (headDim + 8)·2⁻²⁴·Σ|key·query|.
 */
export function emitScores(tile: AttentionTile): void {
  const { k, shape, policy, scratch, at } = tile;
  const queryBytes = shape.headDim * policy.bBytes;
  const strips = k.intOp('add', tile.blockKeys.get(), policy.tileRows - 1);
  k.intOp('divide', strips, policy.tileRows, strips);
  tile.strip.set(k.intConst(0));
  k.loop(strips, () => {
    const keys = keyPointers(tile);
    const group = firstRowGroup(tile); // of four query rows
    const query = k.intOp('mul', group, 4 * queryBytes);
    k.advance(query, scratch);
    k.advance(query, at.queries);
    const score = k.intOp('mul', tile.strip.get(), ATTENTION_ROW_BYTES);
    k.advance(score, k.intOp('mul', group, 16));
    k.advance(score, scratch);
    const groups = k.intOp('sub', tile.rowGroups(4), group, group);
    k.loop(groups, () => {
      const products = dotTile(k, policy, {
        a: keys,
        b: query,
        bStrideBytes: queryBytes,
        depth: shape.headDim,
        aOffsetBytes: 0,
      });
      products.forEach((product, j) => {
        k.storeLow(k.at(score, at.weights + j * ATTENTION_ROW_BYTES), product, 4);
      });
      k.advance(query, 4 * queryBytes);
      k.advance(score, 16);
    });
    tile.strip.set(k.intOp('add', tile.strip.get(), policy.tileRows));
  });
}

/** Addresses of the strip's keys; past the block's end its last key is repeated, and those scores are not used. */
function keyPointers(tile: AttentionTile): IntReg[] {
  const { k, shape, policy } = tile;
  return Array.from({ length: policy.tileRows }, (_, j) => {
    const pointer = tile.strip.get();
    k.advance(pointer, j);
    const last = tile.blockKeys.get();
    k.advance(last, -1);
    k.intOp('min', pointer, last, pointer);
    k.intOp('mul', pointer, shape.keyStrideBytes, pointer);
    k.advance(pointer, tile.keys.get());
    return pointer;
  });
}

/** The first four query rows of which one sees a key of the strip. */
function firstRowGroup(tile: AttentionTile): IntReg {
  const { k } = tile;
  if (!tile.shape.isCausal) return k.intConst(0);
  const row = tile.strip.get();
  k.intOp('sub', row, tile.diagonal.get(), row);
  k.intOp('max', row, 0, row);
  return k.intOp('shiftRight', row, 2, row);
}
