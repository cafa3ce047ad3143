import type { KernelBuilder } from '../../jit/builder.js';
import type { IntReg, VecReg } from '../../jit/ir.js';
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

/** Weights as quantised directories store them: rows of streams of bits, lowest first, with scales and biases apart. */
export interface PackAffineSpec {
  readonly depth: number;
  /** Bits of a stored value: up to 4 for blocks of 4 bits, or up to 8 for blocks of 8. */
  readonly bits: 2 | 3 | 4 | 5 | 6 | 8;
  readonly blocks: AffineBlocks;
}

/** words: n rows from a multiple of 16 on; scales and biases: theirs; y: their blocks; damage: an i32, which becomes 1. */
const PACK_AFFINE_ARGUMENTS = {
  words: 'reads',
  scales: 'reads',
  biases: 'reads',
  y: 'writes',
  damage: 'updates',
  n: 'number',
} as const satisfies ArgumentUses;

/**
 * Packs values as they are, without loss, and says in `damage` whether a scale or bias is not finite. One tile a block of
 * 16 rows; behind the last row follow copies of it.
 */
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
  const { groupSize, scaleBytes, valueBytes, groupBytes } = blocks;
  const y = blockPlace(k, tile, args.y, blocks.blockBytes(depth));
  const groups = depth / groupSize;
  const groupPart = (groupSize * bits) / 8; // bytes of a row
  const isMoved = bits === blocks.bits; // the values of a word stay together
  const atOnce = isMoved ? groupsAtOnce(groups, groupPart) : 1;
  const runBytes = atOnce * groupPart;
  const first = k.intConst(0); // group of the run
  const worst = k.vecConst(0); // exponents of scales and biases
  k.loop(groups / atOnce, () => {
    forEachRow(k, tile, args.n, (row, column) => {
      const index = k.intOp('mul', row, groups);
      k.advance(index, first);
      k.intOp('mul', index, scaleBytes, index);
      [args.scales, args.biases].forEach((load, i) => {
        const from = load();
        k.advance(from, index);
        const to = k.intOp('mul', column, scaleBytes);
        k.advance(to, y);
        moveScales(k, blocks, { from, to, at: valueBytes + i * BLOCK_COLUMNS * scaleBytes, count: atOnce });
      });
      const from = args.words();
      k.advance(from, k.intOp('mul', row, (depth * bits) / 8));
      k.advance(from, k.intOp('mul', first, groupPart));
      prefetchNext(k, from, runBytes);
      if (isMoved) gatherPieces(k, { from, scratch, column, runBytes });
      // Bytes go to the block at once; two steps of them make nibbles first.
      else unpackToColumn(k, { from, to: blocks.bits === 8 ? y : scratch, column, bits, count: groupSize });
    });
    const values = k.intMove(k.int(), scratch);
    k.loop(atOnce, () => {
      noteExponents(k, blocks, y, worst);
      if (isMoved) movePieces(k, blocks, { values, y });
      else if (blocks.bits === 4) joinSteps(k, blocks, { values, y });
      if (blocks.isCentred) centreGroup(k, blocks, y);
      k.advance(values, BLOCK_COLUMNS * groupPart);
      k.advance(y, groupBytes);
    });
    k.advance(first, atOnce);
  });
  k.storeLow(k.at(scratch), k.reduce('max', worst), 1);
  k.if('eq', k.intLoad(k.at(scratch), 'i32'), INFINITE, () => k.intStore(k.at(args.damage()), 1, 'i32'));
}

/** The bits of an exponent of ones, which infinities and NaN have. */
const INFINITE = 0x7f800000;

/** The largest exponent of the group's scales and biases and those before. */
function noteExponents(k: KernelBuilder, blocks: AffineBlocks, y: IntReg, worst: VecReg): void {
  const { scales, scaleBytes, valueBytes } = blocks;
  const exponent = k.vecBits(INFINITE);
  for (let i = 0; i < 2 * BLOCK_COLUMNS; i += k.lanes) {
    const scale = k.load(k.at(y, valueBytes + i * scaleBytes), scales === 'f32' ? 'raw' : scales);
    k.max(k.vecOp('and', scale, exponent, scale), worst, worst);
  }
}

/** Scales of a row's next `count` groups to their places in these groups' blocks. */
function moveScales(
  k: KernelBuilder,
  { scaleBytes, groupBytes }: AffineBlocks,
  place: { readonly from: IntReg; readonly to: IntReg; readonly at: number; readonly count: number },
): void {
  const type = scaleBytes === 4 ? 'i32' : 'u16';
  for (let group = 0; group < place.count; group++) {
    const scale = k.intLoad(k.at(place.from, group * scaleBytes), type);
    k.intStore(k.at(place.to, place.at + group * groupBytes), scale, type);
  }
}

/** A group's words: of bytes a step each, of eight nibbles two steps, a nibble of the first below one of the second. */
function movePieces(
  k: KernelBuilder,
  { bits, groupSize }: AffineBlocks,
  { values, y }: { readonly values: IntReg; readonly y: IntReg },
): void {
  const from = k.intMove(k.int(), values);
  const to = k.intMove(k.int(), y);
  k.loop((groupSize * bits) / 8 / (4 * PIECE_WORDS), () => {
    for (let column = 0; column < BLOCK_COLUMNS; column += k.lanes) {
      for (const [i, word] of pieceColumns(k, from, column).entries()) {
        if (bits === 4) {
          exchangeBits(k, word, 0x0000ff00, 8); // nibbles 0 1 2 3 4 5 6 7 to 0 1 4 5 2 3 6 7
          exchangeBits(k, word, 0x00f000f0, 4); // to 0 4 1 5 2 6 3 7
        }
        k.store(k.at(to, i * STEP_BYTES + column * STEP_DEPTH), word);
      }
    }
    k.advance(from, PIECE_WORDS * COLUMN_BYTES);
    k.advance(to, PIECE_WORDS * STEP_BYTES);
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

/** `count` values of a row's stream of bits to one column of [count/4 steps][16 columns][4] bytes. `from` is moved. */
function unpackToColumn(
  k: KernelBuilder,
  place: {
    readonly from: IntReg;
    readonly to: IntReg;
    readonly column: IntReg;
    readonly bits: number;
    readonly count: number;
  },
): void {
  const { from, column, bits, count } = place;
  const to = k.intOp('mul', column, STEP_DEPTH);
  k.advance(to, place.to);
  // Eight values take `bits` bytes; each lies within two of them.
  k.loop(count / 8, () => {
    for (const step of [0, 1]) k.intStore(k.at(to, step * STEP_BYTES), stepOf(k, from, step, bits), 'i32');
    k.advance(from, bits);
    k.advance(to, 2 * STEP_BYTES);
  });
}

/** Four values of the stream at `from`, a byte each. */
function stepOf(k: KernelBuilder, from: IntReg, step: number, bits: number): IntReg {
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
  return packed;
}

/** Every two steps of bytes to one of nibbles. */
function joinSteps(
  k: KernelBuilder,
  { groupSize }: AffineBlocks,
  { values, y }: { readonly values: IntReg; readonly y: IntReg },
): void {
  const from = k.intMove(k.int(), values);
  const to = k.intMove(k.int(), y);
  k.loop(groupSize / (2 * STEP_DEPTH), () => {
    for (let offset = 0; offset < STEP_BYTES; offset += 4 * k.lanes) {
      const first = k.load(k.at(from, offset));
      const second = k.load(k.at(from, STEP_BYTES + offset));
      k.store(k.at(to, offset), k.vecOp('or', first, k.shift('left', second, 4, second), first));
    }
    k.advance(from, 2 * STEP_BYTES);
    k.advance(to, STEP_BYTES);
  });
}
