import type { IntReg } from '../jit/ir.js';
import { emitScores } from './attentionScores.js';
import { emitSoftmax } from './attentionSoftmax.js';
import { ATTENTION_KEYS, ATTENTION_ROW_BYTES, ATTENTION_ROWS, type AttentionTile } from './attentionTile.js';
import { emitPairedValues, emitWeightedValues } from './attentionValues.js';

/**
 * y = softmax(q·Kᵀ/√headDim)·V for the query rows of one tile, over blocks of ATTENTION_KEYS keys: scores, a step of
 * the running softmax, products with the values. Before it, the caller sets the tile's variables (all but `blockKeys`
 * and `strip`).
 */
export function emitAttention(tile: AttentionTile): void {
  const { k, shape } = tile;
  gatherQueries(tile);
  clearSums(tile);
  const blocks = k.intOp('add', tile.keysLeft.get(), ATTENTION_KEYS - 1);
  k.intOp('divide', blocks, ATTENTION_KEYS, blocks);
  k.loop(blocks, () => {
    tile.blockKeys.set(k.intOp('min', tile.keysLeft.get(), ATTENTION_KEYS));
    emitScores(tile);
    emitBlockSoftmax(tile);
    addValues(tile);
    tile.keys.set(k.intOp('add', tile.keys.get(), ATTENTION_KEYS * shape.keyStrideBytes));
    tile.values.set(k.intOp('add', tile.values.get(), ATTENTION_KEYS * shape.valueStrideBytes));
    tile.keysLeft.set(k.intOp('sub', tile.keysLeft.get(), ATTENTION_KEYS));
    if (shape.isCausal) tile.diagonal.set(k.intOp('sub', tile.diagonal.get(), ATTENTION_KEYS));
  });
  storeOutput(tile);
}

/** Copies the query rows next to one another: where they lie, large powers of two apart, they would share cache sets. */
function gatherQueries(tile: AttentionTile): void {
  const { k, shape, policy, at } = tile;
  const rowBytes = shape.headDim * policy.bBytes;
  const row = k.intConst(0);
  const to = k.intMove(k.int(), tile.scratch);
  const rows = k.intOp('mul', tile.rowGroups(4), 4); // scores are computed for four rows at once: the last is repeated
  k.loop(rows, () => {
    const last = tile.rows.get();
    k.advance(last, -1);
    const from = k.intOp('min', row, last);
    k.intOp('mul', from, shape.qStrideBytes, from);
    k.advance(from, tile.q.get());
    for (let offset = 0; offset < rowBytes; offset += 4 * k.lanes)
      k.store(k.at(to, at.queries + offset), k.load(k.at(from, offset)));
    k.advance(to, rowBytes);
    k.advance(row, 1);
  });
}

function clearSums(tile: AttentionTile): void {
  const { k, shape, scratch, at } = tile;
  const zero = k.vecConst(0);
  const to = k.intMove(k.int(), scratch);
  k.loop((ATTENTION_ROWS * shape.headDim) / k.lanes, () => {
    k.store(k.at(to, at.sums), zero);
    k.advance(to, 4 * k.lanes);
  });
  const none = k.vecConst(-Infinity);
  for (let row = 0; row < ATTENTION_ROWS; row += k.lanes) {
    k.store(k.at(scratch, at.total + 4 * row), zero);
    k.store(k.at(scratch, at.highest + 4 * row), none);
  }
}

/** Only blocks that reach past the first row's own position need masks. */
function emitBlockSoftmax(tile: AttentionTile): void {
  const { k } = tile;
  if (!tile.shape.isCausal) return emitSoftmax(tile, false);
  const unseen = k.intOp('sub', tile.blockKeys.get(), tile.diagonal.get());
  k.if(
    'le',
    unseen,
    1,
    () => emitSoftmax(tile, false),
    () => emitSoftmax(tile, true),
  );
}

/** sums = sums·correction + weights·V, a register tile of rows and columns at a time. */
function addValues(tile: AttentionTile): void {
  const { k, shape, at } = tile;
  const { rows, vectors } = valuesTile(tile);
  const rowBytes = 4 * shape.headDim;
  const product = {
    rows,
    vectors,
    dtype: shape.dtype,
    valueStrideBytes: shape.valueStrideBytes,
    weightKeyBytes: ATTENTION_ROW_BYTES,
    weightRowBytes: 4,
  };
  const row = k.intConst(0);
  k.loop(tile.rowGroups(rows), () => {
    const column = k.intConst(0); // in bytes of a value
    k.loop(shape.headDim / (vectors * k.lanes), () => {
      const sum = sumsAddress(tile, row, column);
      const weight = k.intOp('mul', row, 4);
      k.advance(weight, tile.scratch);
      const sums = Array.from({ length: rows * vectors }, () => k.vec());
      for (let r = 0; r < rows; r++) {
        const correction = k.broadcast(k.at(weight, at.correction + 4 * r));
        for (let v = 0; v < vectors; v++)
          k.mul(correction, k.at(sum, r * rowBytes + 4 * v * k.lanes), sums[r * vectors + v]);
      }
      k.advance(weight, at.weights);
      const value = k.intOp('add', tile.values.get(), column);
      const emitProduct = tile.isPaired ? emitPairedValues : emitWeightedValues;
      emitProduct(k, product, sums, seenKeys(tile, row, rows), { weight, value });
      sums.forEach((x, n) => {
        k.store(k.at(sum, Math.floor(n / vectors) * rowBytes + 4 * (n % vectors) * k.lanes), x);
      });
      k.advance(column, vectors * k.lanes * tile.policy.bBytes);
    });
    k.advance(row, rows);
  });
}

/** The register tile of the values: 8 × 2 or 4 × 2 sums, with the values, one weight and room for addresses. */
function valuesTile(tile: AttentionTile): { rows: number; vectors: number } {
  return { rows: tile.k.capabilities.vecRegisters >= 30 ? 8 : 4, vectors: 2 };
}

/** Address of sums[row, column]; `column` counts bytes of a value. */
function sumsAddress(tile: AttentionTile, row: IntReg, column: IntReg): IntReg {
  const { k, shape } = tile;
  const address = k.intOp('mul', row, 4 * shape.headDim);
  k.advance(address, k.intOp('mul', column, 4 / tile.policy.bBytes));
  k.advance(address, tile.scratch);
  k.advance(address, tile.at.sums);
  return address;
}

/**
 * How many keys of the block the last of `count` rows from `row` on sees. Pairs of keys are rounded up: the second's
 * weight is 0.
 */
function seenKeys(tile: AttentionTile, row: IntReg, count: number): IntReg {
  const { k } = tile;
  if (!tile.shape.isCausal) return tile.blockKeys.get();
  const keys = k.intOp('add', row, count);
  k.intOp('min', keys, tile.rows.get(), keys);
  k.advance(keys, tile.diagonal.get());
  if (tile.isPaired) k.intOp('and', k.intOp('add', keys, 1, keys), -2, keys);
  return k.intOp('min', keys, tile.blockKeys.get(), keys);
}

/** y = sums / total. */
function storeOutput(tile: AttentionTile): void {
  const { k, shape, at } = tile;
  const sum = k.intMove(k.int(), tile.scratch);
  const total = k.intMove(k.int(), tile.scratch);
  const y = tile.y.get();
  const isNarrow = shape.dtype === 'bf16';
  k.loop(tile.rows.get(), () => {
    const one = k.vecConst(1);
    const inverse = k.div(one, k.broadcast(k.at(total, at.total)), one);
    for (let d = 0; d < shape.headDim; d += k.lanes) {
      const value = k.mul(inverse, k.at(sum, at.sums + 4 * d));
      k.store(k.at(y, d * tile.policy.bBytes), value, isNarrow ? 'bf16' : 'raw');
    }
    k.advance(sum, 4 * shape.headDim);
    k.advance(total, 4);
    k.advance(y, shape.yStrideBytes);
  });
}
