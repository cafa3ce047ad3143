import type { KernelBuilder } from '../../jit/builder.js';
import type { Address, IntReg, VecReg } from '../../jit/ir.js';
import { type ArgumentUses, defineKernel, type Kernel, type KernelParams } from '../kernel.js';
import {
  type AffineBlocks,
  BLOCK_COLUMNS,
  STEP_BYTES,
  STEP_DEPTH,
  SUM_BYTES,
} from './formats/affineBlocks.js';

/** Weights as checkpoints store them: [n, depth] rows. */
export interface PackRowsSpec {
  readonly depth: number;
  readonly dtype: 'bf16' | 'f16' | 'f32';
  readonly blocks: AffineBlocks;
}

/** x: n rows from a multiple of 16 on; y: their blocks. */
const PACK_ROWS_ARGUMENTS = { x: 'reads', y: 'writes', n: 'number' } as const satisfies ArgumentUses;

const LINE_BYTES = 64;

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
  const y = blockPlace(k, tile, args.y, blocks.blockBytes(depth));
  const offset = k.intConst(0); // of the group in a row
  k.loop(depth / groupSize, () => {
    forEachRow(k, tile, args.n, (row, column) => {
      const x = args.x();
      k.advance(x, k.intOp('mul', row, DTYPE_BYTES[dtype] * depth));
      k.advance(x, offset);
      const count = (DTYPE_BYTES[dtype] * groupSize) / MOVED_BYTES[dtype];
      prefetchAhead(k, x, DTYPE_BYTES[dtype] * groupSize);
      moveToColumn(k, { from: x, to: scratch, column, elementBytes: MOVED_BYTES[dtype], count });
    });
    for (let column = 0; column < BLOCK_COLUMNS; column += k.lanes) {
      emitQuantizedColumns(k, { dtype, blocks }, { values: scratch, y, column });
    }
    if (blocks.isCentred) centreGroup(k, blocks, y);
    k.advance(offset, DTYPE_BYTES[dtype] * groupSize);
    k.advance(y, groupBytes);
  });
}

/**
 * What is moved at a time from rows to columns, so that a vector holds a value of every row: of bf16 two values, which
 * shifts take apart.
 */
const MOVED_BYTES = { bf16: 4, f16: 2, f32: 4 } as const;

/** Values `at` and `at + 1` of the group, in `lanes` columns. */
type ColumnPair = (from: IntReg, at: number) => readonly [VecReg, VecReg];

function columnPairs(k: KernelBuilder, dtype: PackRowsSpec['dtype'], column: number): ColumnPair {
  const place = (from: IntReg, moved: number): Address =>
    k.at(from, (moved * BLOCK_COLUMNS + column) * MOVED_BYTES[dtype]);
  if (dtype !== 'bf16') {
    const type = dtype === 'f32' ? 'raw' : dtype;
    return (from, at) => [k.load(place(from, at), type), k.load(place(from, at + 1), type)];
  }
  const upper = k.vecBits(0xffff0000);
  return (from, at) => {
    const both = k.load(place(from, at / 2));
    return [k.shift('left', both, 16), k.vecOp('and', both, upper, both)];
  };
}

/** A group of `lanes` columns: their q, scales and biases (bf16) at their places in the block at `y`. */
function emitQuantizedColumns(
  k: KernelBuilder,
  { dtype, blocks }: Pick<PackRowsSpec, 'dtype' | 'blocks'>,
  { values, y, column }: { readonly values: IntReg; readonly y: IntReg; readonly column: number },
): void {
  const { groupSize, bits, stepsAtOnce, valueBytes, scaleBytes } = blocks;
  const pair = columnPairs(k, dtype, column);
  const count = STEP_DEPTH * stepsAtOnce; // values that lie together
  const countBytes = count * BLOCK_COLUMNS * DTYPE_BYTES[dtype];
  const from = k.intMove(k.int(), values);
  const [high, low] = [...pair(from, 0)] as [VecReg, VecReg];
  const first = k.vecMove(k.vec(), high);
  k.max(low, high, high);
  k.min(low, first, low);
  k.loop(groupSize / count, () => {
    for (let at = 0; at < count; at += 2) {
      for (const value of pair(from, at)) {
        k.max(value, high, high);
        k.min(value, low, low);
      }
    }
    k.advance(from, countBytes);
  });
  const place = (offset: number): Address => k.at(y, valueBytes + (offset + column) * scaleBytes);
  const { far, inverse } = emitScales(k, { low, high }, 2 ** bits - 1, place);
  const [zero, top] = [k.vecConst(0), k.vecConst(2 ** bits - 1)];
  const to = k.intMove(k.int(), y);
  k.intMove(from, values);
  k.loop(groupSize / count, () => {
    const packed = k.vecConst(0);
    for (let at = 0; at < count; at += 2) {
      pair(from, at).forEach((q, i) => {
        k.mul(k.sub(q, far, q), inverse, q);
        k.unary('toI32', k.min(k.max(q, zero, q), top, q), q);
        const value = at + i; // byte by byte; of nibbles the second step is above the first
        const bit = 8 * (value % STEP_DEPTH) + 4 * Math.floor(value / STEP_DEPTH);
        k.vecOp('or', packed, k.shift('left', q, bit, q), packed);
      });
    }
    k.store(k.at(to, column * STEP_DEPTH), packed);
    k.advance(from, countBytes);
    k.advance(to, STEP_BYTES);
  });
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

/** Weights as quantised directories store them: rows of streams of bits, lowest first, with scales and biases apart. */
export interface PackAffineSpec {
  readonly depth: number;
  /** Bits of a stored value: up to 4 for blocks of 4 bits, or up to 8 for blocks of 8. */
  readonly bits: 2 | 3 | 4 | 5 | 6 | 8;
  readonly blocks: AffineBlocks;
}

/** words: n rows from a multiple of 16 on; scales and biases: theirs; y: their blocks. */
const PACK_AFFINE_ARGUMENTS = {
  words: 'reads',
  scales: 'reads',
  biases: 'reads',
  y: 'writes',
  n: 'number',
} as const satisfies ArgumentUses;

/** Packs values as they are, without loss. One tile a block of 16 rows; behind the last row follow copies of it. */
export function packAffine(spec: PackAffineSpec): Kernel<typeof PACK_AFFINE_ARGUMENTS> {
  const { depth, bits, blocks } = spec;
  return defineKernel({
    name: `packAffine.${depth}.${bits}.${blocks.name}`,
    args: PACK_AFFINE_ARGUMENTS,
    tiles: ({ y }) => y.byteLength / blocks.blockBytes(depth),
    emit: (k, params) => emitPackAffine(k, spec, params),
  });
}

function emitPackAffine(
  k: KernelBuilder,
  { depth, bits, blocks }: PackAffineSpec,
  { args, tile, scratch }: KernelParams<typeof PACK_AFFINE_ARGUMENTS>,
): void {
  const { groupSize, scaleBytes, valueBytes } = blocks;
  const y = blockPlace(k, tile, args.y, blocks.blockBytes(depth));
  const groups = depth / groupSize;
  const group = k.intConst(0);
  k.loop(groups, () => {
    forEachRow(k, tile, args.n, (row, column) => {
      const index = k.intOp('mul', row, groups);
      k.advance(index, group);
      k.intOp('mul', index, scaleBytes, index);
      [args.scales, args.biases].forEach((load, i) => {
        const from = load();
        k.advance(from, index);
        const to = k.intOp('add', y, valueBytes + i * BLOCK_COLUMNS * scaleBytes);
        moveToColumn(k, { from, to, column, elementBytes: scaleBytes, count: 1 });
      });
      const words = args.words();
      k.advance(words, k.intOp('mul', row, (depth * bits) / 8));
      k.advance(words, k.intOp('mul', group, (groupSize * bits) / 8));
      const to = blocks.bits === 8 ? y : scratch;
      prefetchAhead(k, words, (groupSize * bits) / 8);
      if (bits === blocks.bits) {
        moveToColumn(k, { from: words, to, column, elementBytes: 4, count: (groupSize * bits) / 32 });
      } else {
        unpackToColumn(k, { from: words, to, column, bits, count: groupSize });
      }
    });
    if (blocks.bits === 4) joinNibbles(k, blocks, { isStream: bits === 4, from: scratch, y });
    if (blocks.isCentred) centreGroup(k, blocks, y);
    k.advance(group, 1);
    k.advance(y, blocks.groupBytes);
  });
}

/**
 * How far ahead a row is fetched: sixteen rows side by side are too many streams for a processor to notice. On an Intel
 * Xeon (Granite Rapids) 128 to 512 bytes pack equally fast, 1.2 times as fast as none.
 */
const PREFETCH_BYTES = 256;

function prefetchAhead(k: KernelBuilder, row: IntReg, byteLength: number): void {
  for (let at = 0; at < byteLength; at += LINE_BYTES) k.prefetch(k.at(row, at + PREFETCH_BYTES), 'second');
}

/** Where a row's part of a group lies, and the 16 columns that it goes into. */
interface ColumnMove {
  readonly from: IntReg;
  readonly to: IntReg;
  /** Which of the columns. */
  readonly column: IntReg;
  readonly count: number;
}

/** Elements of a row to one column of [count][16 columns]. */
function moveToColumn(
  k: KernelBuilder,
  { from, to, column, count, elementBytes }: ColumnMove & { readonly elementBytes: 2 | 4 },
): void {
  const type = elementBytes === 4 ? 'i32' : 'u16';
  const place = k.intOp('mul', column, elementBytes);
  k.advance(place, to);
  for (let i = 0; i < count; i++) {
    const element = k.intLoad(k.at(from, i * elementBytes), type);
    k.intStore(k.at(place, i * BLOCK_COLUMNS * elementBytes), element, type);
  }
}

/** Values of a row's stream of bits to one column of [count/4 steps][16 columns][4] bytes. `from` is moved. */
function unpackToColumn(
  k: KernelBuilder,
  { from, to, column, count, bits }: ColumnMove & { readonly bits: number },
): void {
  const place = k.intOp('mul', column, STEP_DEPTH);
  k.advance(place, to);
  // Eight values take `bits` bytes; each lies within two of them.
  k.loop(count / 8, () => {
    for (const step of [0, 1]) {
      const packed = k.intConst(0);
      for (let i = 3; i >= 0; i--) {
        const bit = (step * STEP_DEPTH + i) * bits;
        const byte = Math.min(Math.floor(bit / 8), bits - 2);
        const value = k.intLoad(k.at(from, byte), 'u16');
        k.intOp('shiftRight', value, bit - 8 * byte, value);
        k.intOp('and', value, 2 ** bits - 1, value);
        k.intOp('shiftLeft', packed, 8, packed);
        k.advance(packed, value);
      }
      k.intStore(k.at(place, step * STEP_BYTES), packed, 'i32');
    }
    k.advance(from, bits);
    k.advance(place, 2 * STEP_BYTES);
  });
}

/**
 * Two steps of a column to 32 bits, a nibble of the first below one of the second.
 *
 * @param isStream eight nibbles lie one after another in 32 bits; else every step has its own, a byte a value
 */
function joinNibbles(
  k: KernelBuilder,
  { groupSize }: AffineBlocks,
  place: { readonly isStream: boolean; readonly from: IntReg; readonly y: IntReg },
): void {
  const from = k.intMove(k.int(), place.from);
  const to = k.intMove(k.int(), place.y);
  k.loop(groupSize / (2 * STEP_DEPTH), () => {
    for (let offset = 0; offset < STEP_BYTES; offset += 4 * k.lanes) {
      const first = k.load(k.at(from, offset));
      if (place.isStream) {
        exchangeBits(k, first, 0x0000ff00, 8); // nibbles 0 1 2 3 4 5 6 7 to 0 1 4 5 2 3 6 7
        exchangeBits(k, first, 0x00f000f0, 4); // to 0 4 1 5 2 6 3 7
      } else {
        const second = k.load(k.at(from, STEP_BYTES + offset));
        k.vecOp('or', first, k.shift('left', second, 4, second), first);
      }
      k.store(k.at(to, offset), first);
    }
    k.advance(from, (place.isStream ? 1 : 2) * STEP_BYTES);
    k.advance(to, STEP_BYTES);
  });
}

/** In every lane, the bits of the mask change places with those `distance` above them. */
function exchangeBits(k: KernelBuilder, words: VecReg, mask: number, distance: number): void {
  const different = k.shift('right', words, distance);
  k.vecOp('xor', different, words, different);
  k.vecOp('and', different, k.vecBits(mask), different);
  k.vecOp('xor', words, different, words);
  k.vecOp('xor', words, k.shift('left', different, distance, different), words);
}

/** The group's values q become q − 128, and their sums, where there are such, go to their places. */
function centreGroup(k: KernelBuilder, { groupSize, sumOffset, hasSums }: AffineBlocks, y: IntReg): void {
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

function blockPlace(k: KernelBuilder, tile: IntReg, y: () => IntReg, blockBytes: number): IntReg {
  const place = y();
  k.advance(place, k.intOp('mul', tile, blockBytes));
  return place;
}

/** The rows of a block; those behind the last are it again. */
function forEachRow(
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
