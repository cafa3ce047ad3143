import type { IntReg } from '../../jit/ir.js';
import { OPERAND_BYTES } from '../matrix/productPolicy.js';
import { ATTENTION_ROW_BYTES, ATTENTION_ROWS, type AttentionTile } from './attentionTile.js';

/**
 * Keys of a strip: with two vectors of query rows 18 sums, two of queries and one key in 32 registers, and a divisor of
 * ATTENTION_KEYS.
 */
export const WIDENED_KEYS = 9;

/** Bytes of a strip's keys in f32. */
export function widenedKeyBytes(headDim: number): number {
  return WIDENED_KEYS * OPERAND_BYTES.f32 * headDim;
}

/**
 * Query rows in bf16 as [headDim, ATTENTION_ROWS] f32, lanes along the rows: what lies at `from` in scratch memory side by
 * side, ATTENTION_ROWS of them or at least as many whole vectors as the tile has rows for.
 */
export function emitWidenedQueries(
  { k, shape, scratch, at }: AttentionTile,
  from: number,
  groups: IntReg,
): void {
  const { lanes } = k.capabilities;
  const rowBytes = OPERAND_BYTES.bf16 * shape.headDim;
  const upper = k.vecBits(0xffff0000);
  const row = k.intOp('add', scratch, from);
  const to = k.intOp('add', scratch, at.queries);
  k.loop(groups, () => {
    for (let d = 0; d < shape.headDim; d += 2 * lanes) {
      const rows = Array.from({ length: lanes }, (_, i) =>
        k.load(k.at(row, i * rowBytes + OPERAND_BYTES.bf16 * d)),
      );
      k.transpose(rows);
      rows.forEach((pair, i) => {
        const place = (second: number) => k.at(to, (d + 2 * i + second) * ATTENTION_ROW_BYTES);
        k.store(place(0), k.shift('left', pair, 16));
        k.store(place(1), k.vecOp('and', pair, upper, pair));
      });
    }
    k.advance(row, lanes * rowBytes);
    k.advance(to, OPERAND_BYTES.f32 * lanes);
  });
}

/**
 * scores[j, i] = Σ_d key[j, d]·query[i, d] where pairs of bf16 are multiplied slower than f32: strips of keys are widened once
 * for all query rows, whose lanes lie beside each other, so that no sums are folded. Causal tiles leave out vectors of
 * query rows that see no key of a strip.
 *
 * Error: at most (headDim + 8)·2⁻²⁴·Σ|key·query|.
 */
export function emitWidenedScores(tile: AttentionTile): void {
  const { k, shape, scratch } = tile;
  const { lanes } = k.capabilities;
  const strips = k.intOp('add', tile.blockKeys.get(), WIDENED_KEYS - 1);
  k.intOp('divide', strips, WIDENED_KEYS, strips);
  tile.strip.set(k.intConst(0));
  k.loop(strips, () => {
    widenKeys(tile);
    const score = k.intOp('mul', tile.strip.get(), ATTENTION_ROW_BYTES);
    k.advance(score, scratch);
    const half = ATTENTION_ROWS / 2;
    k.if(
      'le',
      tile.rows.get(),
      half,
      () => multiply(tile, score, 0, half / lanes),
      () => {
        if (!shape.isCausal) return multiply(tile, score, 0, ATTENTION_ROWS / lanes);
        const unseen = k.intOp('sub', tile.strip.get(), tile.diagonal.get());
        k.if(
          'ge',
          unseen,
          half,
          () => multiply(tile, score, half / lanes, ATTENTION_ROWS / lanes),
          () => multiply(tile, score, 0, ATTENTION_ROWS / lanes),
        );
      },
    );
    tile.strip.set(k.intOp('add', tile.strip.get(), WIDENED_KEYS));
  });
}

/** The strip's keys in f32 to scratch memory; past the block's end its last key is repeated, and those scores are not used. */
function widenKeys({ k, shape, scratch, at, strip, blockKeys, keys }: AttentionTile): void {
  const last = blockKeys.get();
  k.advance(last, -1);
  for (let j = 0; j < WIDENED_KEYS; j++) {
    const key = strip.get();
    k.advance(key, j);
    k.intOp('min', key, last, key);
    k.intOp('mul', key, shape.keyStrideBytes, key);
    k.advance(key, keys.get());
    for (let d = 0; d < shape.headDim; d += k.lanes) {
      const place = k.at(scratch, at.keys + OPERAND_BYTES.f32 * (j * shape.headDim + d));
      k.store(place, k.load(k.at(key, OPERAND_BYTES.bf16 * d), 'bf16'));
    }
  }
}

/** Scores of the strip for the vectors `first` to before `end` of query rows. */
function multiply({ k, shape, scratch, at }: AttentionTile, score: IntReg, first: number, end: number): void {
  const { lanes } = k.capabilities;
  const vectors = Array.from({ length: end - first }, (_, i) => OPERAND_BYTES.f32 * lanes * (first + i));
  const sums = Array.from({ length: WIDENED_KEYS }, () => vectors.map(() => k.vecConst(0)));
  const query = k.intOp('add', scratch, at.queries);
  const key = k.intOp('add', scratch, at.keys);
  k.loop(shape.headDim / lanes, () => {
    for (let d = 0; d < lanes; d++) {
      const queries = vectors.map((offset) => k.load(k.at(query, d * ATTENTION_ROW_BYTES + offset)));
      sums.forEach((ofKey, j) => {
        const element = k.broadcast(k.at(key, OPERAND_BYTES.f32 * (j * shape.headDim + d)));
        ofKey.forEach((sum, v) => {
          k.fma(sum, element, queries[v]!);
        });
      });
    }
    k.advance(query, lanes * ATTENTION_ROW_BYTES);
    k.advance(key, OPERAND_BYTES.f32 * lanes);
  });
  sums.forEach((ofKey, j) => {
    ofKey.forEach((sum, v) => {
      k.store(k.at(score, at.weights + j * ATTENTION_ROW_BYTES + vectors[v]!), sum);
    });
  });
}
