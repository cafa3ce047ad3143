import type { KernelBuilder } from '../../../jit/builder.js';
import type { Address, Capabilities, VecReg } from '../../../jit/ir.js';

/** Rows of a weight, columns of the product, that lie side by side. */
export const BLOCK_COLUMNS = 16;

/** Blocks are made in twos, so that a tile of two vectors needs no end of its own. */
export const COLUMN_ALIGNMENT = 2 * BLOCK_COLUMNS;

/** Elements of K of each column that lie together: what an instruction multiplies in 32 bits of bytes. */
export const STEP_DEPTH = 4;

/** Bytes that a step, or two of nibbles, takes in a block. */
export const STEP_BYTES = BLOCK_COLUMNS * STEP_DEPTH;

/** Types that the scales and biases of a group may have: what directories have, unrounded. */
export type ScaleType = 'bf16' | 'f16' | 'f32';

/**
 * A weight in affine groups of K, w = scale·q + bias with q unsigned, packed for products of integers:
 *
 *   [N/16 blocks][K/groupSize groups] of
 *     [groupSize/4 steps][16 columns][4 of K] u8; with 4 bits the low nibbles are one step and the high ones the next
 *     [16 columns] scales, then [16 columns] biases
 *
 * A step of a block fills a vector of 512 bits, two of 256 or four of 128, lanes along the columns. N is padded to a
 * multiple of 32 with columns of zeros.
 */
export class AffineBlocks {
  readonly bits: 8 | 4;
  readonly groupSize: number;
  readonly scales: ScaleType;
  /** What kernels for it are named by. */
  readonly name: string;
  /** Bytes of the values of a group. */
  readonly valueBytes: number;
  /** Bytes of a group, its scales and biases included. */
  readonly groupBytes: number;

  /** @param groupSize a multiple of 32 */
  constructor(bits: 8 | 4, groupSize: number, scales: ScaleType = 'bf16') {
    this.bits = bits;
    this.groupSize = groupSize;
    this.scales = scales;
    this.name = `q${bits}g${groupSize}${scales}`;
    this.valueBytes = (groupSize * BLOCK_COLUMNS * bits) / 8;
    this.groupBytes = this.valueBytes + 2 * BLOCK_COLUMNS * this.scaleBytes;
  }

  get scaleBytes(): 2 | 4 {
    return this.scales === 'f32' ? 4 : 2;
  }

  /** Steps of K in 64 bytes. */
  get stepsAtOnce(): 1 | 2 {
    return this.bits === 8 ? 1 : 2;
  }

  /** Distance of one block of columns from the next. */
  blockBytes(depth: number): number {
    return (depth / this.groupSize) * this.groupBytes;
  }

  /** Bytes of a weight [n, depth]. */
  byteLength(n: number, depth: number): number {
    return (Math.ceil(n / COLUMN_ALIGNMENT) * COLUMN_ALIGNMENT * this.blockBytes(depth)) / BLOCK_COLUMNS;
  }
}

/**
 * Activations for products with such weights: rows of integers, whose groups of K have a scale of their own, for outliers
 * in some channels must not cost the others their precision.
 *
 *   [M][K/groupSize groups] of [groupSize] i8 or i16, f32 scale, f32 scale·Σq
 *
 * The product of a group is Σ (s·q + b)·a = s·scale·Σq·qa + b·(scale·Σqa): the second sum is the row's alone.
 */
export class QuantizedRows {
  readonly bits: 8 | 16;
  readonly groupSize: number;
  readonly name: string;
  /** Bytes of the values of a group. */
  readonly valueBytes: number;
  /** Bytes of a group with scale and sum. */
  readonly groupBytes: number;

  constructor(bits: 8 | 16, groupSize: number) {
    this.bits = bits;
    this.groupSize = groupSize;
    this.name = `a${bits}g${groupSize}`;
    this.valueBytes = (groupSize * bits) / 8;
    this.groupBytes = this.valueBytes + 8;
  }

  /** Largest value: q is in −most … most. */
  get most(): number {
    return this.bits === 8 ? 127 : 32767;
  }

  rowBytes(depth: number): number {
    return (depth / this.groupSize) * this.groupBytes;
  }
}

/** What a type of operands is called in names of kernels. */
export function operandName(operand: string | { readonly name: string }): string {
  return typeof operand === 'string' ? operand : operand.name;
}

/** Activations in bytes where the target multiplies bytes, else in 16 bits, of which every target has products. */
export function activationBits({ byteDot }: Capabilities): 8 | 16 {
  return byteDot ? 8 : 16;
}

/** How the vectors of a step of a block are loaded and multiplied; both ways are exact. */
export interface BlockPolicy {
  /** Columns whose sums a register of accumulators holds. */
  readonly columns: number;
  /** Bytes of a step of a row of activations. */
  readonly aStepBytes: number;
  /** A step of a row, in every column. */
  loadA(k: KernelBuilder, from: Address): VecReg;
  /** The steps that lie together, of the columns of one register. */
  loadB(k: KernelBuilder, from: Address): readonly VecReg[];
  product(k: KernelBuilder, accumulator: VecReg, a: VecReg, b: VecReg): void;
  /** i32 sums of whole vectors of columns. */
  fold(k: KernelBuilder, accumulators: readonly VecReg[]): readonly VecReg[];
}

/** The policy for weights and activations of these bits. */
export function blockPolicy(
  capabilities: Capabilities,
  { bits }: AffineBlocks,
  activations: QuantizedRows,
): BlockPolicy {
  return activations.bits === 8 ? byteDot(capabilities, bits) : wordDot(capabilities, bits);
}

/** u8 · i8, four products to a lane: needs `byteDot`. */
function byteDot({ lanes }: Capabilities, bits: 8 | 4): BlockPolicy {
  return {
    columns: lanes,
    aStepBytes: STEP_DEPTH,
    loadA: (k, from) => k.broadcast(from),
    loadB: (k, from) => splitNibbles(k, k.load(from), bits, 0x0f0f0f0f),
    product: (k, accumulator, a, b) => k.dotBytes(accumulator, b, a),
    fold: (_k, accumulators) => accumulators,
  };
}

/** Weights widened to 16 bits as they are loaded, against i16: two products to a lane, two lanes to a column. */
function wordDot({ lanes }: Capabilities, bits: 8 | 4): BlockPolicy {
  return {
    columns: lanes / 2,
    aStepBytes: 2 * STEP_DEPTH,
    loadA: (k, from) => k.broadcastPair(from),
    loadB: (k, from) => splitNibbles(k, k.load(from, 'u8Pairs'), bits, 0x000f000f),
    product: (k, accumulator, a, b) => k.dotWords(accumulator, b, a),
    fold: (k, accumulators) =>
      Array.from({ length: accumulators.length / 2 }, (_, i) => {
        const [low, high] = [accumulators[2 * i]!, accumulators[2 * i + 1]!];
        return k.pairSums(low, high, low);
      }),
  };
}

/** What 8 bits hold is one step; of nibbles the lower are the first. */
function splitNibbles(k: KernelBuilder, both: VecReg, bits: 8 | 4, mask: number): readonly VecReg[] {
  if (bits === 8) return [both];
  const nibble = k.vecBits(mask);
  const first = k.vecOp('and', both, nibble);
  k.shift('right', both, 4, both);
  return [first, k.vecOp('and', both, nibble, both)];
}
