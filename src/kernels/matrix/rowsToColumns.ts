import type { KernelBuilder } from '../../jit/builder.js';
import type { IntReg, VecReg } from '../../jit/ir.js';
import {
  type AffineBlocks,
  BLOCK_COLUMNS,
  STEP_BYTES,
  STEP_DEPTH,
  SUM_BYTES,
} from './formats/affineBlocks.js';

/*
 * What packing a block of 16 rows begins and ends with. Rows come into scratch memory in pieces of 16 bytes, so placed that
 * a vector of any length holds pieces of every fourth row:
 *
 *   [pieces][4 rows of four][4 fours of rows] of 16 bytes
 *
 * of which 4×4 transpositions make columns: [words of 32 bits][16 rows].
 */

const PIECE_BYTES = 16;

const WORD_BYTES = 4;

/** Bytes of a word of all 16 rows. */
export const COLUMN_BYTES = BLOCK_COLUMNS * WORD_BYTES;

/** Words of a piece. */
export const PIECE_WORDS = PIECE_BYTES / WORD_BYTES;

/** Bytes of a row that are moved before the next row's: long runs read faster, and 16 of them stay in the first cache. */
const RUN_BYTES = 512;

/** Groups of a row that are moved at once. @param partBytes of one */
export function groupsAtOnce(groups: number, partBytes: number): number {
  return [8, 4, 2].find((count) => groups % count === 0 && count * partBytes <= RUN_BYTES) ?? 1;
}

/** The place of a tile's block. */
export function blockPlace(k: KernelBuilder, tile: IntReg, y: () => IntReg, blockBytes: number): IntReg {
  const place = y();
  k.advance(place, k.intOp('mul', tile, blockBytes));
  return place;
}

/** The rows of a block; those behind the last are it again. */
export function forEachRow(
  k: KernelBuilder,
  tile: IntReg,
  n: () => IntReg,
  body: (row: IntReg, column: IntReg) => void,
): void {
  const column = k.intConst(0);
  k.loop(BLOCK_COLUMNS, () => {
    const row = k.intOp('mul', tile, BLOCK_COLUMNS);
    k.advance(row, column);
    k.intOp('min', row, k.intOp('sub', n(), 1), row);
    body(row, column);
    k.advance(column, 1);
  });
}

const LINE_BYTES = 64;

/** How far ahead of short runs a row is fetched. */
const PREFETCH_BYTES = 256;

/** Brings what follows a row's run: sixteen rows side by side are too many streams for a processor to notice. */
export function prefetchNext(k: KernelBuilder, row: IntReg, runBytes: number): void {
  const ahead = Math.max(runBytes, PREFETCH_BYTES);
  for (let at = 0; at < runBytes; at += LINE_BYTES) k.prefetch(k.at(row, at + ahead), 'second');
}

/** Moves a run of a row, a multiple of 16 bytes, to its pieces' places in scratch. `from` is moved behind it. */
export function gatherPieces(
  k: KernelBuilder,
  place: {
    readonly from: IntReg;
    readonly scratch: IntReg;
    readonly column: IntReg;
    readonly runBytes: number;
  },
): void {
  const { from, scratch, column, runBytes } = place;
  const to = k.intOp('and', column, 3);
  k.intOp('shiftLeft', to, 2, to);
  k.advance(to, k.intOp('shiftRight', column, 2));
  k.intOp('shiftLeft', to, 4, to);
  k.advance(to, scratch);
  const count = runBytes / PIECE_BYTES;
  const atOnce = [8, 4, 2].find((unroll) => count % unroll === 0) ?? 1;
  k.loop(count / atOnce, () => {
    for (let i = 0; i < atOnce; i++) {
      k.storeLow(k.at(to, i * PIECE_WORDS * COLUMN_BYTES), k.loadLow(k.at(from, i * PIECE_BYTES)), 4);
    }
    k.advance(from, atOnce * PIECE_BYTES);
    k.advance(to, atOnce * PIECE_WORDS * COLUMN_BYTES);
  });
}

/** The four words of the piece at `pieces`, of as many rows from `column` on as a vector has lanes. */
export function pieceColumns(k: KernelBuilder, pieces: IntReg, column: number): readonly VecReg[] {
  const [a, b, c, d] = [0, 1, 2, 3].map((i) => k.load(k.at(pieces, i * COLUMN_BYTES + column * WORD_BYTES)));
  return k.transpose4([a!, b!, c!, d!]);
}

/** The group's values q become q − 128, and their sums, where there are such, go to their places. */
export function centreGroup(
  k: KernelBuilder,
  { groupSize, sumOffset, hasSums }: AffineBlocks,
  y: IntReg,
): void {
  const sign = k.vecBits(0x80808080);
  const bytes = k.vecBits(0x00ff00ff);
  for (let column = 0; column < BLOCK_COLUMNS; column += k.lanes) {
    const sum = hasSums ? k.vecConst(0) : null; // two of 16 bits, at most 64·255 each
    const at = k.intOp('add', y, column * STEP_DEPTH);
    k.loop(groupSize / STEP_DEPTH, () => {
      const q = k.load(k.at(at));
      k.store(k.at(at), k.vecOp('xor', q, sign));
      if (sum !== null) {
        k.vecOp('addI32', sum, k.vecOp('and', q, bytes), sum);
        k.vecOp('addI32', sum, k.vecOp('and', k.shift('right', q, 8, q), bytes, q), sum);
      }
      k.advance(at, STEP_BYTES);
    });
    if (sum === null) continue;
    k.vecOp('addI32', sum, k.shift('right', sum, 16), sum);
    k.store(k.at(y, sumOffset + column * SUM_BYTES), sum, 'low16');
  }
}
