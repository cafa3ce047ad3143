import type { KernelBuilder } from '../../jit/builder.js';
import type { Address, IntReg, VecReg } from '../../jit/ir.js';
import { type ArgumentUses, defineKernel, type Kernel, type KernelParams } from '../kernel.js';
import { type AffineBlocks, BLOCK_COLUMNS, STEP_BYTES, STEP_DEPTH } from './formats/affineBlocks.js';
import {
  blockPlace,
  COLUMN_BYTES,
  centreGroup,
  forEachRow,
  gatherPieces,
  groupsAtOnce,
  PIECE_WORDS,
  pieceColumns,
  prefetchNext,
} from './rowsToColumns.js';

/** Weights as checkpoints store them: [n, depth] rows. */
export interface PackRowsSpec {
  readonly depth: number;
  readonly dtype: 'bf16' | 'f16' | 'f32';
  readonly blocks: AffineBlocks;
}

/** x: n rows from a multiple of 16 on; y: their blocks. */
const PACK_ROWS_ARGUMENTS = { x: 'reads', y: 'writes', n: 'number' } as const satisfies ArgumentUses;

const DTYPE_BYTES = { bf16: 2, f16: 2, f32: 4 } as const;

/** Least scale: of a group of equal values, whose q are all 0. */
export const LEAST_SCALE = 1e-7;

/**
 * Quantises rows and packs them: scale, bias and q are, bit for bit, those of `quantizeRows` in ops/affineGroups.ts. One
 * tile a block of 16 rows; behind the last row follow copies of it.
 */
export function packRows(spec: PackRowsSpec): Kernel<typeof PACK_ROWS_ARGUMENTS> {
  const { depth, dtype, blocks } = spec;
  return defineKernel({
    name: `packRows.${depth}.${dtype}.${blocks.name}`,
    args: PACK_ROWS_ARGUMENTS,
    tiles: ({ y }) => y.byteLength / blocks.blockBytes(depth),
    emit: (k, params) => emitPackRows(k, spec, params),
  });
}

function emitPackRows(
  k: KernelBuilder,
  { depth, dtype, blocks }: PackRowsSpec,
  { args, tile, scratch }: KernelParams<typeof PACK_ROWS_ARGUMENTS>,
): void {
  const { groupSize, groupBytes } = blocks;
  const groupPart = DTYPE_BYTES[dtype] * groupSize; // bytes of a row
  const atOnce = groupsAtOnce(depth / groupSize, groupPart);
  const runBytes = atOnce * groupPart;
  const y = blockPlace(k, tile, args.y, blocks.blockBytes(depth));
  const offset = k.intConst(0); // of the run in a row
  k.loop(depth / groupSize / atOnce, () => {
    forEachRow(k, tile, args.n, (row, column) => {
      const from = args.x();
      k.advance(from, k.intOp('mul', row, DTYPE_BYTES[dtype] * depth));
      k.advance(from, offset);
      prefetchNext(k, from, runBytes);
      gatherPieces(k, { from, scratch, column, runBytes });
    });
    const values = k.intMove(k.int(), scratch);
    k.loop(atOnce, () => {
      for (let column = 0; column < BLOCK_COLUMNS; column += k.lanes) {
        emitQuantizedColumns(k, { dtype, blocks }, { values, y, column });
      }
      if (blocks.isCentred) centreGroup(k, blocks, y);
      k.advance(values, BLOCK_COLUMNS * groupPart);
      k.advance(y, groupBytes);
    });
    k.advance(offset, runBytes);
  });
}

/** Behind the pieces of a run, from any of them: where f16 are widened. */
const WIDENING_PLACE = 2 ** 15;

/** The values of a word of every row, the first one first. `word` may be overwritten. */
function valuesOf(k: KernelBuilder, dtype: PackRowsSpec['dtype'], word: VecReg, values: IntReg): VecReg[] {
  if (dtype === 'f32') return [word];
  if (dtype === 'bf16') return [k.shift('left', word, 16), k.vecOp('and', word, k.vecBits(0xffff0000), word)];
  const place = k.at(values, WIDENING_PLACE);
  return [0, 16].map((bit) => {
    k.store(place, k.shift('right', word, bit), 'low16');
    return k.load(place, 'f16');
  });
}

/** A group of `lanes` columns: their q, scales and biases (bf16) at their places in the block at `y`. */
function emitQuantizedColumns(
  k: KernelBuilder,
  { dtype, blocks }: Pick<PackRowsSpec, 'dtype' | 'blocks'>,
  { values, y, column }: { readonly values: IntReg; readonly y: IntReg; readonly column: number },
): void {
  const { groupSize, bits, stepsAtOnce, valueBytes, scaleBytes } = blocks;
  const ends = emitEnds(k, dtype, (groupSize * DTYPE_BYTES[dtype]) / 16, { values, column });
  const place = (offset: number): Address => k.at(y, valueBytes + (offset + column) * scaleBytes);
  const { far, inverse } = emitScales(k, ends, 2 ** bits - 1, place);
  const [zero, top] = [k.vecConst(0), k.vecConst(2 ** bits - 1)];
  const to = k.intMove(k.int(), y);
  const from = k.intMove(k.int(), values);
  const count = STEP_DEPTH * stepsAtOnce; // values that lie together
  const words = (count * DTYPE_BYTES[dtype]) / 4;
  k.loop(groupSize / count, () => {
    const packed = k.vecConst(0);
    for (let word = 0; word < words; word++) {
      const found = valuesOf(k, dtype, k.load(k.at(from, word * COLUMN_BYTES + 4 * column)), values);
      found.forEach((q, i) => {
        k.mul(k.sub(q, far, q), inverse, q);
        k.unary('toI32', k.min(k.max(q, zero, q), top, q), q);
        const value = word * found.length + i; // byte by byte; of nibbles the second step is above the first
        const bit = 8 * (value % STEP_DEPTH) + 4 * Math.floor(value / STEP_DEPTH);
        k.vecOp('or', packed, k.shift('left', q, bit, q), packed);
      });
    }
    k.store(k.at(to, column * STEP_DEPTH), packed);
    k.advance(from, words * COLUMN_BYTES);
    k.advance(to, STEP_BYTES);
  });
}

/** Makes columns of a group's pieces, in place, and finds the smallest and the largest value of each. */
function emitEnds(
  k: KernelBuilder,
  dtype: PackRowsSpec['dtype'],
  pieces: number,
  { values, column }: { readonly values: IntReg; readonly column: number },
): { readonly low: VecReg; readonly high: VecReg } {
  const [low, high] = [k.vecConst(Number.POSITIVE_INFINITY), k.vecConst(Number.NEGATIVE_INFINITY)];
  const from = k.intMove(k.int(), values);
  k.loop(pieces, () => {
    for (const [i, word] of pieceColumns(k, from, column).entries()) {
      k.store(k.at(from, i * COLUMN_BYTES + 4 * column), word);
      const [first, second] = valuesOf(k, dtype, word, values) as [VecReg, VecReg?];
      // The two of a word first, so that only every other operation waits for the one before.
      const most = second === undefined ? first : k.max(first, second);
      const least = second === undefined ? first : k.min(first, second, first);
      k.max(most, high, high);
      k.min(least, low, low);
    }
    k.advance(from, PIECE_WORDS * COLUMN_BYTES);
  });
  return { low, high };
}

/** Scales and biases of groups with these ends, stored. @returns the bias as it is stored, and 1 / the scale */
function emitScales(
  k: KernelBuilder,
  { low, high }: { readonly low: VecReg; readonly high: VecReg },
  most: number,
  place: (offset: number) => Address,
): { readonly far: VecReg; readonly inverse: VecReg } {
  // The end that is farther from zero becomes the bias.
  const magnitude = k.vecBits(0x7fffffff);
  const [lowSize, highSize] = [k.vecOp('and', low, magnitude), k.vecOp('and', high, magnitude)];
  const far = k.select('gt', lowSize, highSize, low, high);
  const near = k.select('gt', lowSize, highSize, high, low, high);
  const scale = k.div(k.sub(near, far, near), k.vecConst(most), near);
  const least = k.vecConst(LEAST_SCALE);
  k.select('ge', k.vecOp('and', scale, magnitude), least, scale, least, scale);
  // Rounded to bf16 before the values are: q is the nearest under the scale and bias that are stored.
  k.store(place(0), scale, 'bf16');
  k.load(place(0), 'bf16', scale);
  k.store(place(BLOCK_COLUMNS), far, 'bf16');
  k.load(place(BLOCK_COLUMNS), 'bf16', far);
  return { far, inverse: k.div(k.vecConst(1), scale, scale) };
}
