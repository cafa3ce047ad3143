import type { KernelBuilder } from '../../jit/builder.js';
import type { Address, Capabilities, IntReg, VecReg } from '../../jit/ir.js';
import { loadsAhead } from './loadsAhead.js';

/** Element types a matrix product reads: activations (A) and weights (B). */
export type OperandDtype = 'f32' | 'bf16';

const CACHE_LINE_BYTES = 64;

export const OPERAND_BYTES = { f32: 4, bf16: 2 } as const;

/**
 * How dot products are computed of activations and weights of one pair of formats. The matrix and attention kernels are
 * written once over this interface; `formats/` has a file for each way, and `formats/choosePolicy.ts` a line.
 *
 * Lanes run along K, each column of B (a row of the weight) in a register of its own and folded at the end, or along N,
 * with packed blocks of columns, elements of A broadcast and nothing to fold. Where groups of K have scales of their own,
 * these lie behind the group, in A and in B alike, so that a product reads two streams and needs no other arguments.
 */
export interface ProductPolicy {
  readonly name: string;
  /** Bytes of an element of A. */
  readonly aBytes: number;
  /** Elements of K in one step. */
  readonly stepElements: number;
  /** Steps of one turn of the loop along K; 1 where it is not said. */
  readonly stepsAtOnce?: number;
  /** Bytes of B from one step to the next. */
  readonly bStepBytes: number;
  /** Register tile of the matrix kernel: rows of A, and columns of B. */
  readonly tileRows: number;
  readonly tileColumns: number;
  /** Rows of A that lie together and share their sums' registers; tileRows counts all. */
  readonly rowsTogether?: 2;
  /** Offsets in B of the registers of one step: one a column with lanes along K, one a vector with lanes along N. */
  bOffsets(bStrideBytes: number): readonly number[];
  /** `count` partial sums of nothing. */
  initAccumulators(k: KernelBuilder, count: number): VecReg[];
  loadA(k: KernelBuilder, from: Address): VecReg;
  loadB(k: KernelBuilder, from: Address): VecReg;
  /** B of two steps in a row, where widening them together takes fewer instructions. */
  loadPair?(k: KernelBuilder, from: Address): readonly VecReg[];
  /** accumulator += a·b; A may come straight from memory. */
  product(k: KernelBuilder, accumulator: VecReg, a: VecReg | Address, b: VecReg): void;
  /** Null: the products of a whole row are summed up as they are. */
  readonly group: ProductGroup | null;
  /** The sums of a row's columns, as vectors of them: in the low four lanes, or in all. Of rows together, one after another. */
  finish(k: KernelBuilder, accumulators: readonly VecReg[]): readonly VecReg[];
}

/**
 * What formats have in common whose rows are read as they are stored: lanes along K, four columns a tile, each in a
 * register of its own, folded at the end; no scales.
 */
export const LANES_ALONG_K = {
  tileColumns: 4,
  bOffsets: (strideBytes) => [0, 1, 2, 3].map((column) => column * strideBytes),
  initAccumulators: (k, count) => Array.from({ length: count }, () => k.vecConst(0)),
  loadA: (k, from) => k.load(from),
  group: null,
  finish: (k, [a, b, c, d]) => [k.reduce4([a!, b!, c!, d!], a)],
} as const satisfies Partial<ProductPolicy>;

/** Elements of K that share scales. */
interface ProductGroup {
  /** Elements; a multiple of the policy's step. */
  readonly depth: number;
  /** Bytes of the scales behind a group of a row of A, and of a block of B. */
  readonly aBytes: number;
  readonly bBytes: number;
  /** sums += the group's accumulators, scaled, which are overwritten. */
  end(
    k: KernelBuilder,
    row: { readonly accumulators: readonly VecReg[]; readonly sums: readonly VecReg[]; readonly a: Address },
    b: Address,
  ): void;
}

/**
 * Whether convolutions are multiplied as integers, where the model holds them so: with products of bytes, and not where
 * matrices of bf16 are multiplied at once: by tiles of AMX twice as fast as by products of bytes.
 */
export function convolvesIntegers({
  byteDot,
  smallByteDot,
  pairMatrix,
  tiles,
}: Pick<Capabilities, 'byteDot' | 'smallByteDot' | 'pairMatrix' | 'tiles'>): boolean {
  return (byteDot || smallByteDot) && !pairMatrix && !tiles;
}

/** Where the operands of one register tile lie. Rows of B are `bStrideBytes` apart from `b` on. */
export interface TileOperands {
  /** One pointer a row of A (they may repeat, where a tile has fewer rows than the register tile). */
  readonly a: readonly IntReg[];
  /** First row or block of B at its first element; moved while the product runs, and moved back. */
  readonly b: IntReg;
  readonly bStrideBytes: number;
  /** Elements of K; a multiple of the policy's step and group. */
  readonly depth: number;
  /** Offset of the first element from every row's pointer in A, in bytes; `b` points to its first element. */
  readonly aOffsetBytes: number;
  /** Where what comes after these columns begins, to be fetched meanwhile; moved. */
  readonly ahead?: IntReg | null;
  /**
   * Brought to the second cache meanwhile: of some rows of B that come later, `strideBytes` apart, a cache line each in
   * every turn of the loop, which multiplies as many elements. `from` is moved.
   */
  readonly lookahead?: { readonly from: IntReg; readonly strideBytes: number; readonly rows: number };
}

/**
 * sums[m] = the vectors of Σ_k A[m,k]·B[n,k] for the n of one tile of columns: both operands are read where they lie, in
 * order.
 */
export function dotTile(
  k: KernelBuilder,
  policy: ProductPolicy,
  operands: TileOperands,
): (readonly VecReg[])[] {
  const { a, b, depth } = operands;
  const { group } = policy;
  const registers = policy.bOffsets(operands.bStrideBytes).length;
  const sums = a.map(() => policy.initAccumulators(k, registers));
  const aOffset = k.intConst(operands.aOffsetBytes);
  const groups = group === null ? 0 : depth / group.depth;
  if (group === null) {
    const end = operands.aOffsetBytes + depth * policy.aBytes;
    k.while('lt', aOffset, end, () => multiplySteps(k, policy, operands, aOffset, sums));
  } else {
    k.loop(groups, () => {
      const accumulators = a.map(() => policy.initAccumulators(k, registers));
      const end = k.intOp('add', aOffset, group.depth * policy.aBytes);
      k.while('lt', aOffset, end, () => multiplySteps(k, policy, operands, aOffset, accumulators));
      a.forEach((row, m) => {
        const place = { accumulators: accumulators[m]!, sums: sums[m]!, a: k.at(row, 0, aOffset) };
        group.end(k, place, k.at(b));
      });
      k.advance(aOffset, group.aBytes);
      k.advance(b, group.bBytes);
    });
  }
  k.advance(b, -(depth / policy.stepElements) * policy.bStepBytes - groups * (group?.bBytes ?? 0));
  return sums.map((row) => policy.finish(k, row));
}

/** One turn of the loop along K: some steps, and what is fetched meanwhile. */
function multiplySteps(
  k: KernelBuilder,
  policy: ProductPolicy,
  operands: TileOperands,
  aOffset: IntReg,
  accumulators: readonly (readonly VecReg[])[],
): void {
  const { lookahead } = operands;
  const { stepsAtOnce = 1 } = policy;
  for (let step = 0; step < stepsAtOnce; step++)
    multiplyStep(k, policy, operands, { aOffset, step }, accumulators);
  if (lookahead !== undefined) {
    for (let row = 0; row < lookahead.rows; row++)
      k.prefetch(k.at(lookahead.from, row * lookahead.strideBytes), 'second');
    k.advance(lookahead.from, CACHE_LINE_BYTES);
  }
  k.advance(aOffset, stepsAtOnce * policy.stepElements * policy.aBytes);
  k.advance(operands.b, stepsAtOnce * policy.bStepBytes);
}

/** One step for all rows and columns of a tile: the shorter side is held in registers. */
function multiplyStep(
  k: KernelBuilder,
  policy: ProductPolicy,
  { a, b, bStrideBytes, ahead }: TileOperands,
  { aOffset, step }: { readonly aOffset: IntReg; readonly step: number },
  accumulators: readonly (readonly VecReg[])[],
): void {
  const offsets = policy.bOffsets(bStrideBytes).map((offset) => offset + step * policy.bStepBytes);
  const aStep = step * policy.stepElements * policy.aBytes;
  if (a.length <= offsets.length) {
    const left = a.map((row) => policy.loadA(k, k.at(row, aStep, aOffset)));
    offsets.forEach((offset, n) => {
      const right = policy.loadB(k, k.at(b, offset));
      left.forEach((x, m) => {
        policy.product(k, accumulators[m]![n]!, x, right);
      });
    });
  } else {
    const right = offsets.map((offset) => policy.loadB(k, k.at(b, offset)));
    const { vecRegisters, tuning } = k.capabilities;
    const free = vecRegisters - (a.length + 1) * offsets.length - 1;
    const left = loadsAhead(a, Math.min(tuning.loadsAhead, free), (row) =>
      policy.loadA(k, k.at(row, aStep, aOffset)),
    );
    a.forEach((_, m) => {
      const x = left(m);
      right.forEach((y, n) => {
        policy.product(k, accumulators[m]![n]!, x, y);
      });
    });
  }
  if (ahead != null) {
    k.prefetchWeights(k.at(ahead));
    k.advance(ahead, offsets.length * policy.bStepBytes);
  }
}
