import type { KernelBuilder } from '../../jit/builder.js';
import type { Address, IntReg, VecReg } from '../../jit/ir.js';
import {
  type ArgumentUses,
  defineKernel,
  type Kernel,
  type KernelParams,
  ScratchVariable,
} from '../kernel.js';
import { type AffineBlocks, BLOCK_COLUMNS, STEP_BYTES, STEP_DEPTH } from './formats/affineBlocks.js';

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
  const y = blockPlace(k, tile, args.y, blocks.blockBytes(depth));
  const groupBytes = DTYPE_BYTES[dtype] * blocks.groupSize;
  const groupOffset = k.intConst(0);
  k.loop(depth / blocks.groupSize, () => {
    forEachRow(k, blocks, { tile, scratch, n: args.n, y }, ({ row, bytes, scales }) => {
      const x = args.x();
      k.advance(x, k.intOp('mul', row, DTYPE_BYTES[dtype] * depth));
      k.advance(x, groupOffset);
      emitQuantizedGroup(k, blocks, bytes, scales, (vector) => {
        const at = k.at(x, DTYPE_BYTES[dtype] * k.lanes * vector);
        return k.load(at, dtype === 'f32' ? 'raw' : dtype);
      });
    });
    k.advance(groupOffset, groupBytes);
    k.advance(y, blocks.groupBytes);
  });
}

/** One group of one row: its q as bytes, its scale and bias as bf16. @param load called twice for every vector */
function emitQuantizedGroup(
  k: KernelBuilder,
  { groupSize, bits }: AffineBlocks,
  bytes: IntReg,
  scales: PackedRow['scales'],
  load: (vector: number) => VecReg,
): void {
  const most = 2 ** bits - 1;
  const sign = k.vecBits(0x80000000);
  const high = load(0);
  const low = k.vecOp('xor', high, sign); // the largest of what is negated
  for (let vector = 1; vector < groupSize / k.lanes; vector++) {
    const value = load(vector);
    k.max(high, value, high);
    k.max(low, k.vecOp('xor', value, sign, value), low);
  }
  k.reduce('max', high, high);
  k.reduce('max', low, low);
  // The end that is farther from zero becomes the bias.
  const magnitude = k.vecBits(0x7fffffff);
  const [lowSize, highSize] = [k.vecOp('and', low, magnitude), k.vecOp('and', high, magnitude)];
  k.vecOp('xor', low, sign, low);
  const far = k.select('gt', lowSize, highSize, low, high);
  const near = k.select('gt', lowSize, highSize, high, low, high);
  const scale = k.div(k.sub(near, far, near), k.vecConst(most), near);
  const least = k.vecConst(LEAST_SCALE);
  k.select('ge', k.vecOp('and', scale, magnitude), least, scale, least, scale);
  // Rounded to bf16 before the values are: q is the nearest under the scale and bias that are stored.
  k.store(scales(0), scale, 'bf16');
  k.load(scales(0), 'bf16', scale);
  k.store(scales(BIAS_OFFSET), far, 'bf16');
  k.load(scales(BIAS_OFFSET), 'bf16', far);
  const inverse = k.div(k.vecConst(1), scale, scale);
  const [zero, top] = [k.vecConst(0), k.vecConst(most)];
  for (let vector = 0; vector < groupSize / k.lanes; vector++) {
    const q = k.sub(load(vector), far);
    k.mul(q, inverse, q);
    k.min(k.max(q, zero, q), top, q);
    k.unary('toI32', q, q);
    k.store(k.at(bytes, k.lanes * vector), q, 'low8');
  }
}

/** Weights as quantised directories store them: rows of streams of bits, lowest first, with scales and biases apart. */
export interface PackAffineSpec {
  readonly depth: number;
  /** Bits of a stored value: 2, 3 or 4 for blocks of 4 bits, or up to 8 for blocks of 8. */
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
  const { groupSize, scaleBytes } = blocks;
  const y = blockPlace(k, tile, args.y, blocks.blockBytes(depth));
  const groups = depth / groupSize;
  const group = k.intConst(0);
  const moveScale = (load: () => IntReg, index: IntReg, to: Address): void => {
    const from = load();
    k.advance(from, index);
    const type = scaleBytes === 4 ? 'i32' : 'u16';
    k.intStore(to, k.intLoad(k.at(from), type), type);
  };
  k.loop(groups, () => {
    forEachRow(k, blocks, { tile, scratch, n: args.n, y }, ({ row, bytes, scales }) => {
      const index = k.intOp('mul', row, groups);
      k.advance(index, group);
      k.intOp('mul', index, scaleBytes, index);
      moveScale(args.scales, index, scales(0));
      moveScale(args.biases, index, scales(BIAS_OFFSET));
      const words = args.words();
      k.advance(words, k.intOp('mul', row, (depth * bits) / 8));
      k.advance(words, k.intOp('mul', group, (groupSize * bits) / 8));
      emitUnpacked(k, bits, groupSize, words, bytes);
    });
    k.advance(group, 1);
    k.advance(y, blocks.groupBytes);
  });
}

/** A stream of bits as a byte a value. */
function emitUnpacked(k: KernelBuilder, bits: number, count: number, words: IntReg, bytes: IntReg): void {
  if (bits === 8) {
    for (let at = 0; at < count; at += 4)
      k.intStore(k.at(bytes, at), k.intLoad(k.at(words, at), 'i32'), 'i32');
    return;
  }
  if (bits === 4) {
    for (let at = 0; at < count; at += 2 * k.lanes) {
      const both = k.load(k.at(words, at / 2), 'u8');
      const second = k.shift('left', k.vecOp('and', both, k.vecBits(0xf0)), 4);
      k.store(k.at(bytes, at), k.vecOp('or', k.vecOp('and', both, k.vecBits(0xf), both), second), 'low16');
    }
    return;
  }
  // Eight values take `bits` bytes; each lies within two of them.
  k.loop(count / 8, () => {
    for (const half of [0, 4]) {
      const packed = k.intConst(0);
      for (let i = 3; i >= 0; i--) {
        const bit = (half + i) * bits;
        const byte = Math.min(Math.floor(bit / 8), bits - 2);
        const value = k.intLoad(k.at(words, byte), 'u16');
        k.intOp('shiftRight', value, bit - 8 * byte, value);
        k.intOp('and', value, 2 ** bits - 1, value);
        k.intOp('shiftLeft', packed, 8, packed);
        k.advance(packed, value);
      }
      k.intStore(k.at(bytes, half), packed, 'i32');
    }
    k.advance(words, bits);
    k.advance(bytes, 8);
  });
  k.advance(bytes, -count);
}

/** In scratch memory the bytes of 16 rows of a group come first, then scale and bias of the row that is worked on. */
const BIAS_OFFSET = 64;

function blockPlace(k: KernelBuilder, tile: IntReg, y: () => IntReg, blockBytes: number): IntReg {
  const place = y();
  k.advance(place, k.intOp('mul', tile, blockBytes));
  return place;
}

/** Where a row of a group is made. */
interface PackedRow {
  readonly row: IntReg;
  /** Its values, a byte each. */
  readonly bytes: IntReg;
  /** Its scale, and at BIAS_OFFSET its bias. */
  readonly scales: (offset: number) => Address;
}

/**
 * A group of a block: `make` leaves a row's values in `bytes` and its scale and bias in `scales`; they go to their places
 * in the block at `y`.
 */
function forEachRow(
  k: KernelBuilder,
  blocks: AffineBlocks,
  { tile, scratch, n, y }: { tile: IntReg; scratch: IntReg; n: () => IntReg; y: IntReg },
  make: (row: PackedRow) => void,
): void {
  const { groupSize, valueBytes, scaleBytes } = blocks;
  const scales = (offset: number): Address => k.at(scratch, BLOCK_COLUMNS * groupSize + offset);
  const column = new ScratchVariable(k, scratch, 0);
  column.set(k.intConst(0));
  k.loop(BLOCK_COLUMNS, () => {
    const bytes = column.get();
    const row = k.intOp('mul', tile, BLOCK_COLUMNS);
    k.advance(row, bytes);
    k.intOp('min', row, k.intOp('sub', n(), 1), row);
    k.intOp('mul', bytes, groupSize, bytes);
    k.advance(bytes, scratch);
    make({ row, bytes, scales });
    const index = column.get();
    const to = k.intOp('mul', index, scaleBytes);
    k.advance(to, y);
    const type = scaleBytes === 4 ? 'i32' : 'u16';
    for (const [from, offset] of [
      [0, valueBytes],
      [BIAS_OFFSET, valueBytes + BLOCK_COLUMNS * scaleBytes],
    ] as const) {
      k.intStore(k.at(to, offset), k.intLoad(scales(from), type), type);
    }
    column.set(k.intOp('add', index, 1));
  });
  interleave(k, blocks, scratch, y);
}

/** [16 rows][groupSize] bytes → [steps][16 columns][4 of K]; of 4 bits two steps share the bytes. */
function interleave(k: KernelBuilder, blocks: AffineBlocks, scratch: IntReg, y: IntReg): void {
  const { groupSize, stepsAtOnce } = blocks;
  const from = k.intMove(k.int(), scratch);
  const to = k.intMove(k.int(), y);
  k.loop(groupSize / STEP_DEPTH / stepsAtOnce, () => {
    for (let column = 0; column < BLOCK_COLUMNS; column++) {
      const at = column * groupSize;
      const word = k.intLoad(k.at(from, at), 'i32');
      if (stepsAtOnce === 2) {
        const next = k.intLoad(k.at(from, at + STEP_DEPTH), 'i32');
        k.advance(word, k.intOp('shiftLeft', next, 4, next));
      }
      k.intStore(k.at(to, column * STEP_DEPTH), word, 'i32');
    }
    k.advance(from, stepsAtOnce * STEP_DEPTH);
    k.advance(to, STEP_BYTES);
  });
}
