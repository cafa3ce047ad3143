import type { IntReg } from '../../jit/ir.js';
import { PAIR_STEP, PANEL_ROWS, pairPanelBytes } from '../matrix/packPairs.js';
import { OPERAND_BYTES } from '../matrix/productPolicy.js';
import { multiplyTiles, TILE_ROW_BYTES } from '../matrix/tileBlock.js';
import { ATTENTION_ROW_BYTES, ATTENTION_ROWS, type AttentionTile } from './attentionTile.js';

/*
 * Attention by products of tiles, in bf16. Scores are keys, as they lie, by queries in panels of pairs, so that a column is a
 * query row; weights, whose pairs of keys the softmax has put together, are changed to rows, and meet values in panels.
 */

/** Most pairs of keys of a block, in whole tiles. */
const PAIRS = 64;

/** Distance between query rows of weights: in bf16, and a cache line, so that not all share cache sets. */
const WEIGHT_ROW_BYTES = 2 * OPERAND_BYTES.bf16 * PAIRS + TILE_ROW_BYTES;

/** Between the panels of values, [PAIRS][16][2] bf16. */
const VALUE_PANEL_BYTES = PAIRS * TILE_ROW_BYTES;

/** Query rows in panels, from rows side by side: [2][headDim/2][16][2] bf16. */
export function packQueries(tile: AttentionTile, rows: number): void {
  const { k, shape, scratch, at } = tile;
  const rowBytes = OPERAND_BYTES.bf16 * shape.headDim;
  for (let panel = 0; panel < ATTENTION_ROWS / PANEL_ROWS; panel++) {
    const from = k.intOp('add', scratch, rows + panel * PANEL_ROWS * rowBytes);
    const to = k.intOp('add', scratch, at.queries + panel * pairPanelBytes(shape.headDim));
    k.loop(shape.headDim / PAIR_STEP, () => {
      const square = Array.from({ length: PANEL_ROWS }, (_, row) => k.load(k.at(from, row * rowBytes)));
      k.transpose(square);
      square.forEach((pairs, i) => {
        k.store(k.at(to, i * TILE_ROW_BYTES), pairs);
      });
      k.advance(from, TILE_ROW_BYTES);
      k.advance(to, PANEL_ROWS * TILE_ROW_BYTES);
    });
  }
}

/** scores[j, i] = Σ_d key[j, d]·query[i, d], 16 keys at a time; those behind the block's last are not used. */
export function emitTileScores(tile: AttentionTile): void {
  const { k, shape, scratch, at } = tile;
  const tiles = k.intOp('add', tile.blockKeys.get(), PANEL_ROWS - 1);
  k.intOp('shiftRight', tiles, Math.log2(PANEL_ROWS), tiles);
  tile.strip.set(k.intConst(0));
  k.loop(tiles, () => {
    const key = tile.strip.get();
    const left = k.intOp('mul', key, shape.keyStrideBytes);
    k.advance(left, tile.keys.get());
    const leftStride = k.intConst(shape.keyStrideBytes);
    const there = k.intOp('sub', tile.keysLeft.get(), key);
    k.if('lt', there, PANEL_ROWS, () => {
      copyKeys(tile, left, there);
      k.intOp('add', scratch, at.keys, left);
      k.intConst(OPERAND_BYTES.bf16 * shape.headDim, leftStride);
    });
    const right = k.intOp('add', scratch, at.queries);
    const scores = k.intOp('mul', key, ATTENTION_ROW_BYTES);
    k.advance(scores, scratch);
    multiplyTiles(
      k,
      {
        left,
        leftStride,
        leftTiles: 1,
        secondLeftBytes: 0,
        right,
        panelBytes: pairPanelBytes(shape.headDim),
        rightTiles: 2,
        steps: shape.headDim / PAIR_STEP,
      },
      {
        isFirst: true,
        strideBytes: ATTENTION_ROW_BYTES,
        at: (_, panel) => k.at(scores, at.weights + panel * TILE_ROW_BYTES),
      },
    );
    tile.strip.set(k.intOp('add', tile.strip.get(), PANEL_ROWS));
  });
}

/** The last keys, which nothing may follow in memory, side by side; the last one is repeated. @param from moved */
function copyKeys(tile: AttentionTile, from: IntReg, there: IntReg): void {
  const { k, shape, scratch, at } = tile;
  const to = k.intOp('add', scratch, at.keys);
  const left = k.intMove(k.int(), there);
  k.loop(PANEL_ROWS, () => {
    for (let offset = 0; offset < OPERAND_BYTES.bf16 * shape.headDim; offset += TILE_ROW_BYTES)
      k.store(k.at(to, offset), k.load(k.at(from, offset)));
    k.advance(to, OPERAND_BYTES.bf16 * shape.headDim);
    k.advance(left, -1);
    k.if('gt', left, 0, () => k.advance(from, shape.keyStrideBytes));
  });
}

/** sums = sums·correction + weights·V. */
export function addTileValues(tile: AttentionTile): void {
  const { k, shape, scratch, at } = tile;
  const steps = k.intOp('add', tile.blockKeys.get(), PAIR_STEP - 1);
  k.intOp('shiftRight', steps, Math.log2(PAIR_STEP), steps);
  clearPairs(tile, steps);
  exchangeWeights(tile, steps);
  packValues(tile, steps);
  correctSums(tile);
  const column = k.intConst(0); // tiles of values
  k.loop(shape.headDim / PAIR_STEP, () => {
    const left = k.intOp('add', scratch, at.rows);
    const right = k.intOp('mul', column, VALUE_PANEL_BYTES);
    k.advance(right, scratch);
    k.advance(right, at.values);
    const sums = k.intOp('mul', column, TILE_ROW_BYTES);
    k.advance(sums, scratch);
    multiplyTiles(
      k,
      {
        left,
        leftStride: k.intConst(WEIGHT_ROW_BYTES),
        leftTiles: 2,
        secondLeftBytes: PANEL_ROWS * WEIGHT_ROW_BYTES,
        right,
        panelBytes: VALUE_PANEL_BYTES,
        rightTiles: 2,
        steps,
      },
      {
        isFirst: false,
        strideBytes: OPERAND_BYTES.f32 * shape.headDim,
        at: (i, j) =>
          k.at(sums, at.sums + i * PANEL_ROWS * OPERAND_BYTES.f32 * shape.headDim + j * TILE_ROW_BYTES),
      },
    );
    k.advance(column, 2);
  });
}

/** Pairs of weights of keys behind the block's last, to the end of its last tile: zero. */
function clearPairs(tile: AttentionTile, steps: IntReg): void {
  const { k, scratch, at } = tile;
  const pairs = k.intOp('add', tile.blockKeys.get(), 1);
  k.intOp('shiftRight', pairs, 1, pairs);
  const to = k.intOp('mul', pairs, ATTENTION_ROW_BYTES);
  k.advance(to, scratch);
  const zero = k.vecConst(0);
  k.loop(k.intOp('sub', k.intOp('mul', steps, PANEL_ROWS), pairs), () => {
    for (let offset = 0; offset < ATTENTION_ROW_BYTES; offset += TILE_ROW_BYTES)
      k.store(k.at(to, at.weights + offset), zero);
    k.advance(to, ATTENTION_ROW_BYTES);
  });
}

/** Weights from columns of pairs to a row for each query. */
function exchangeWeights(tile: AttentionTile, steps: IntReg): void {
  const { k, scratch, at } = tile;
  const from = k.intMove(k.int(), scratch);
  const to = k.intMove(k.int(), scratch);
  k.loop(steps, () => {
    for (let panel = 0; panel < ATTENTION_ROWS / PANEL_ROWS; panel++) {
      const square = Array.from({ length: PANEL_ROWS }, (_, pair) =>
        k.load(k.at(from, at.weights + pair * ATTENTION_ROW_BYTES + panel * TILE_ROW_BYTES)),
      );
      k.transpose(square);
      square.forEach((row, i) => {
        k.store(k.at(to, at.rows + (panel * PANEL_ROWS + i) * WEIGHT_ROW_BYTES), row);
      });
    }
    k.advance(from, PANEL_ROWS * ATTENTION_ROW_BYTES);
    k.advance(to, TILE_ROW_BYTES);
  });
}

/** Values of the block's keys in panels of pairs; those behind its last are zeros, whatever lies there. */
function packValues(tile: AttentionTile, steps: IntReg): void {
  const { k, shape, scratch, at } = tile;
  const from = tile.values.get();
  const to = k.intMove(k.int(), scratch);
  const left = tile.blockKeys.get();
  const packPair = (partnerBytes: number | null): void => {
    for (let panel = 0; panel < shape.headDim / PANEL_ROWS; panel++) {
      const offset = panel * PANEL_ROWS * OPERAND_BYTES.bf16;
      const even = k.shift('right', k.load(k.at(from, offset), 'bf16'), 16);
      const pair =
        partnerBytes === null ? even : k.vecOp('or', even, k.load(k.at(from, offset + partnerBytes), 'bf16'));
      k.store(k.at(to, at.values + panel * VALUE_PANEL_BYTES), pair);
    }
    k.advance(from, 2 * shape.valueStrideBytes);
    k.advance(to, TILE_ROW_BYTES);
  };
  k.loop(k.intOp('shiftRight', left, 1), () => packPair(shape.valueStrideBytes));
  k.loop(k.intOp('and', left, 1), () => packPair(null));
  const pairs = k.intOp('mul', steps, PANEL_ROWS);
  k.advance(left, 1);
  k.intOp('sub', pairs, k.intOp('shiftRight', left, 1, left), pairs);
  const zero = k.vecConst(0);
  k.loop(pairs, () => {
    for (let panel = 0; panel < shape.headDim / PANEL_ROWS; panel++)
      k.store(k.at(to, at.values + panel * VALUE_PANEL_BYTES), zero);
    k.advance(to, TILE_ROW_BYTES);
  });
}

function correctSums(tile: AttentionTile): void {
  const { k, shape, scratch, at } = tile;
  const sums = k.intMove(k.int(), scratch);
  const row = k.intMove(k.int(), scratch);
  k.loop(ATTENTION_ROWS, () => {
    const correction = k.broadcast(k.at(row, at.correction));
    for (let offset = 0; offset < OPERAND_BYTES.f32 * shape.headDim; offset += TILE_ROW_BYTES) {
      const place = k.at(sums, at.sums + offset);
      k.store(place, k.mul(correction, place));
    }
    k.advance(sums, OPERAND_BYTES.f32 * shape.headDim);
    k.advance(row, OPERAND_BYTES.f32);
  });
}
