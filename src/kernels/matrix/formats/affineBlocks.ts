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

/** Bytes of a group's Σq. */
export const SUM_BYTES = 2;

/** Types that the scales and biases of a group may have: what directories have, unrounded. */
export type ScaleType = 'bf16' | 'f16' | 'f32';

/** Whether values of 8 bits are stored as q − 128, and whether their groups have Σq. */
type Centring = 'none' | 'values' | 'withSums';

const CENTRING_NAMES: Readonly<Record<Centring, string>> = { none: '', values: 's', withSums: 'c' };

/**
 * A weight in affine groups of K, w = scale·q + bias with q unsigned, packed for products of integers:
 *
 *   [N/16 blocks][K/groupSize groups] of
 *     [groupSize/4 steps][16 columns][4 of K] u8; with 4 bits the low nibbles are one step and the high ones the next
 *     [16 columns] scales, then [16 columns] biases
 *     centred with sums: [16 columns] Σq of the group, u16
 *
 * Centred values are stored as q − 128, i8, for products that take no unsigned ones of 8 bits.
 *
 * A step of a block fills a vector of 512 bits, two of 256 or four of 128, lanes along the columns. N is padded to a
 * multiple of 32 with columns of zeros.
 */
export class AffineBlocks {
  readonly bits: 8 | 4;
  readonly groupSize: number;
  readonly scales: ScaleType;
  readonly centring: Centring;
  /** What kernels for it are named by. */
  readonly name: string;
  /** Bytes of the values of a group. */
  readonly valueBytes: number;
  /** Bytes of a group, its scales and biases included. */
  readonly groupBytes: number;

  /** @param groupSize 32, 64 or 128; of convolutions also 96 or 160 */
  constructor(bits: 8 | 4, groupSize: number, scales: ScaleType = 'bf16', centring: Centring = 'none') {
    this.bits = bits;
    this.groupSize = groupSize;
    this.scales = scales;
    this.centring = centring;
    this.name = `q${bits}g${groupSize}${scales}${CENTRING_NAMES[centring]}`;
    this.valueBytes = (groupSize * BLOCK_COLUMNS * bits) / 8;
    this.groupBytes = this.sumOffset + (this.hasSums ? BLOCK_COLUMNS * SUM_BYTES : 0);
  }

  /** Values are stored as q − 128. */
  get isCentred(): boolean {
    return this.centring !== 'none';
  }

  /** Groups end with their Σq. */
  get hasSums(): boolean {
    return this.centring === 'withSums';
  }

  /** From the start of a group to its Σq, where it has them. */
  get sumOffset(): number {
    return this.valueBytes + 2 * BLOCK_COLUMNS * this.scaleBytes;
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
 *     with 7 bits: [groupSize] u8, f32 scale, f32 scale·Σq, i32 128·Σu, f32 −zero
 *
 * With 7 bits the values are u − zero with u in 0 … 127 and an integer zero in the same range: a group's smallest and
 * largest value are told apart by 126 steps, so that a single outlier costs no more than in 8 bits with a sign.
 *
 * The product of a group is Σ (s·q + b)·a = s·scale·Σq·qa + b·(scale·Σqa): the second sum is the row's alone.
 */
export class QuantizedRows {
  readonly bits: 7 | 8 | 16;
  readonly groupSize: number;
  readonly name: string;
  /** Bytes of the values of a group. */
  readonly valueBytes: number;
  /** Bytes of a group with scale and sum. */
  readonly groupBytes: number;

  constructor(bits: 7 | 8 | 16, groupSize: number) {
    this.bits = bits;
    this.groupSize = groupSize;
    this.name = `a${bits}g${groupSize}`;
    this.valueBytes = groupSize * this.elementBytes;
    this.groupBytes = this.valueBytes + (bits === 7 ? 16 : 8);
  }

  get elementBytes(): 1 | 2 {
    return this.bits === 16 ? 2 : 1;
  }

  /** Largest value: q is in −most … most; with 7 bits the steps from the smallest to the largest. */
  get most(): number {
    return { 7: 126, 8: 127, 16: 32767 }[this.bits];
  }

  rowBytes(depth: number): number {
    return (depth / this.groupSize) * this.groupBytes;
  }
}

/** What a type of operands is called in names of kernels. */
export function operandName(operand: string | { readonly name: string }): string {
  return typeof operand === 'string' ? operand : operand.name;
}

/**
 * Activations for weights of so many bits: in bytes where the target multiplies them (where one factor may only have 7
 * bits, that is the nibble or the activation), else in 16 bits, of which every target has products.
 */
export function activationBits(
  { byteDot, smallByteDot, elementProducts }: Capabilities,
  weightBits: 8 | 4,
): 7 | 8 | 16 {
  if (byteDot) return 8;
  if (!smallByteDot) return 16;
  return weightBits === 4 || elementProducts ? 8 : 7;
}

/** The rows that a target's products multiply such blocks with. */
export function rowsFor(capabilities: Capabilities, { bits, groupSize }: AffineBlocks): QuantizedRows {
  return new QuantizedRows(activationBits(capabilities, bits), groupSize);
}

/** The blocks that a target's products take. */
export function blocksFor(
  capabilities: Capabilities,
  bits: 8 | 4,
  groupSize: number,
  scales?: ScaleType,
): AffineBlocks {
  return new AffineBlocks(bits, groupSize, scales, bits === 8 ? centringFor(capabilities) : 'none');
}

function centringFor({ byteDot, smallByteDot, elementProducts }: Capabilities): Centring {
  if (byteDot || !smallByteDot) return 'none';
  return elementProducts ? 'values' : 'withSums';
}

/** How the vectors of a step of a block are loaded and multiplied; every way is exact. */
export interface BlockPolicy {
  /** Columns whose sums a register of accumulators holds. */
  readonly columns: number;
  /** Bytes of a step of a row of activations. */
  readonly aStepBytes: number;
  /** Steps of a row that one load brings. */
  readonly aSteps: 1 | 4;
  /** Steps of a row; one of them in every column. */
  loadA(k: KernelBuilder, from: Address): VecReg;
  /** What `loadB` keeps of two nibbles, in every lane; made once a group. */
  readonly nibbleBits?: number;
  /** The steps that lie together, of the columns of one register. */
  loadB(k: KernelBuilder, from: Address, nibble: VecReg | null): readonly VecReg[];
  /** @param step which one of those in `a` */
  product(k: KernelBuilder, accumulator: VecReg, a: VecReg, b: VecReg, step: number): void;
  /** The same with a step of a row that is read where it lies; where operations read elements of memory. */
  productFromMemory?(k: KernelBuilder, accumulator: VecReg, a: Address, b: VecReg): void;
  /** What a row's sums over a group begin with, other than zeros. @param tail behind the group's values in A */
  begin?(k: KernelBuilder, tail: Address): VecReg;
  /** Makes Σ (q·qa) of a sum in f32. @param sums Σq of the columns, f32 */
  correct?(k: KernelBuilder, sum: VecReg, sums: VecReg, tail: Address): void;
  /** i32 sums of whole vectors of columns. */
  fold(k: KernelBuilder, accumulators: readonly VecReg[]): readonly VecReg[];
}

/** The policy for weights and activations of these bits. */
export function blockPolicy(
  capabilities: Capabilities,
  { bits }: AffineBlocks,
  activations: QuantizedRows,
): BlockPolicy {
  if (activations.bits === 16) return wordDot(capabilities, bits);
  if (capabilities.elementProducts) return byElement(capabilities, bits);
  if (capabilities.byteDot) return byteDot(capabilities, bits);
  return bits === 4 ? nibbleDot(capabilities) : centredDot(capabilities);
}

/**
 * u8 · i8, or i8 · i8 of nibbles or centred values, one of four steps of a row that a load brings: needs `elementProducts`,
 * and `byteDot` or `smallByteDot`.
 */
function byElement(capabilities: Capabilities, bits: 8 | 4): BlockPolicy {
  const kind = capabilities.byteDot ? 'dotBytes' : 'dotSignedBytes';
  return {
    ...byteDot(capabilities, bits),
    aSteps: 4,
    loadA: (k, from) => k.load(from),
    product: (k, accumulator, a, b, step) => k.elementProduct(kind, accumulator, b, a, step),
  };
}

/** u8 · i8, four products to a lane: needs `byteDot`. */
function byteDot({ lanes, shiftsBytes, elementSources }: Capabilities, bits: 8 | 4): BlockPolicy {
  return {
    columns: lanes,
    aStepBytes: STEP_DEPTH,
    aSteps: 1,
    loadA: (k, from) => k.broadcast(from),
    ...(bits === 4 && { nibbleBits: 0x0f0f0f0f }),
    loadB: (k, from, nibble) => {
      const both = k.load(from);
      if (nibble === null || !shiftsBytes) return splitNibbles(k, both, nibble);
      return [k.vecOp('and', both, nibble), k.shift('rightInBytes', both, 4, both)];
    },
    product: (k, accumulator, a, b) => k.dotBytes(accumulator, b, a),
    ...(elementSources && {
      productFromMemory: (k, accumulator, a, b) => k.dotBytes(accumulator, b, k.element(a)),
    }),
    fold: (_k, accumulators) => accumulators,
  };
}

/** i8 · nibble: needs `smallByteDot`. */
function nibbleDot(capabilities: Capabilities): BlockPolicy {
  return {
    ...byteDot({ ...capabilities, elementSources: false }, 4),
    product: (k, accumulator, a, b) => k.dotSmallBytes(accumulator, a, b),
  };
}

/**
 * i8 · u7: needs `smallByteDot`. Σ q·(u − zero) = Σ (q − 128)·u + 128·Σu − zero·Σq, all integers below 2²³, which f32 holds
 * (groups have at most 160 elements).
 */
function centredDot(capabilities: Capabilities): BlockPolicy {
  return {
    ...byteDot({ ...capabilities, elementSources: false }, 8),
    product: (k, accumulator, a, b) => k.dotSmallBytes(accumulator, b, a),
    begin: (k, tail) => k.broadcast({ ...tail, offset: tail.offset + 8 }),
    correct: (k, sum, sums, tail) => k.fma(sum, sums, k.broadcast({ ...tail, offset: tail.offset + 12 })),
  };
}

/** Weights widened to 16 bits as they are loaded, against i16: two products to a lane, two lanes to a column. */
function wordDot({ lanes }: Capabilities, bits: 8 | 4): BlockPolicy {
  return {
    columns: lanes / 2,
    aStepBytes: 2 * STEP_DEPTH,
    aSteps: 1,
    loadA: (k, from) => k.broadcastPair(from),
    ...(bits === 4 && { nibbleBits: 0x000f000f }),
    loadB: (k, from, nibble) => splitNibbles(k, k.load(from, 'u8Pairs'), nibble),
    product: (k, accumulator, a, b) => k.dotWords(accumulator, b, a),
    fold: (k, accumulators) =>
      Array.from({ length: accumulators.length / 2 }, (_, i) => {
        const [low, high] = [accumulators[2 * i]!, accumulators[2 * i + 1]!];
        return k.pairSums(low, high, low);
      }),
  };
}

/** What 8 bits hold is one step; of nibbles the lower are the first. */
function splitNibbles(k: KernelBuilder, both: VecReg, nibble: VecReg | null): readonly VecReg[] {
  if (nibble === null) return [both];
  const first = k.vecOp('and', both, nibble);
  k.shift('right', both, 4, both);
  return [first, k.vecOp('and', both, nibble, both)];
}
