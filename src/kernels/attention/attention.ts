import type { IntReg, VecReg } from '../../jit/ir.js';
import { emitExp } from '../vectorMath.js';
import {
  ATTENTION_KEYS,
  ATTENTION_ROW_BYTES,
  ATTENTION_ROWS,
  type AttentionTile,
  emitPairedValues,
  emitScores,
  emitWeightedValues,
} from './attentionTile.js';
import { addTileValues, emitTileScores, packQueries } from './attentionTiles.js';
import { emitWidenedQueries, emitWidenedScores } from './widenedScores.js';

/**
 * y = softmax(q·Kᵀ/√headDim)·V for the query rows of one tile, over blocks of ATTENTION_KEYS keys: scores, a step of
 * the running softmax, products with the values. Before it, the caller sets the tile's variables (all but `blockKeys`
 * and `strip`).
 */
export function emitAttention(tile: AttentionTile): void {
  if (tile.usesTiles) tile.k.withTiles(() => emitBlocks(tile));
  else emitBlocks(tile);
}

function emitBlocks(tile: AttentionTile): void {
  const { k, shape } = tile;
  gatherQueries(tile);
  clearSums(tile);
  const blocks = k.intOp('add', tile.keysLeft.get(), ATTENTION_KEYS - 1);
  k.intOp('divide', blocks, ATTENTION_KEYS, blocks);
  k.loop(blocks, () => {
    tile.blockKeys.set(k.intOp('min', tile.keysLeft.get(), ATTENTION_KEYS));
    if (tile.usesTiles) emitTileScores(tile);
    else if (tile.isWidened) emitWidenedScores(tile);
    else emitScores(tile);
    emitBlockSoftmax(tile);
    if (tile.usesTiles) addTileValues(tile);
    else addValues(tile);
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
  const rowBytes = shape.headDim * policy.aBytes;
  const row = k.intConst(0);
  const to = k.intMove(k.int(), tile.scratch);
  // Scores are computed for so many rows at once: the last is repeated.
  const rowsAtOnce = tile.isWidened ? k.lanes : 4;
  const rows = tile.usesTiles ? ATTENTION_ROWS : k.intOp('mul', tile.rowGroups(rowsAtOnce), rowsAtOnce);
  // Sums are cleared later.
  const place = tile.usesTiles ? at.values : tile.isWidened ? at.sums : at.queries;
  k.loop(rows, () => {
    const last = tile.rows.get();
    k.advance(last, -1);
    const from = k.intOp('min', row, last);
    k.intOp('mul', from, shape.qStrideBytes, from);
    k.advance(from, tile.q.get());
    for (let offset = 0; offset < rowBytes; offset += 4 * k.lanes)
      k.store(k.at(to, place + offset), k.load(k.at(from, offset)));
    k.advance(to, rowBytes);
    k.advance(row, 1);
  });
  if (tile.usesTiles) packQueries(tile, place);
  if (tile.isWidened) emitWidenedQueries(tile, place, tile.rowGroups(rowsAtOnce));
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
      k.advance(column, vectors * k.lanes * tile.policy.aBytes);
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
  k.advance(address, k.intOp('mul', column, 4 / tile.policy.aBytes));
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
      k.store(k.at(y, d * tile.policy.aBytes), value, isNarrow ? 'bf16' : 'raw');
    }
    k.advance(sum, 4 * shape.headDim);
    k.advance(total, 4);
    k.advance(y, shape.yStrideBytes);
  });
}

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
function emitSoftmax(tile: AttentionTile, isMasked: boolean): void {
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

/** `lanes` query rows of a tile on their way through the softmax. */
interface WeightColumn {
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
function emitPlainWeights(tile: AttentionTile, column: WeightColumn): void {
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
function emitPairedWeights(tile: AttentionTile, column: WeightColumn): void {
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
