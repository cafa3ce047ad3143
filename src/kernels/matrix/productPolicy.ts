import type { KernelBuilder } from '../../jit/builder.js';
import type { Address, IntReg, VecReg } from '../../jit/ir.js';

/** Element types a matrix product reads: activations (A) and weights (B). */
export type OperandDtype = 'f32' | 'bf16';

export const OPERAND_BYTES = { f32: 4, bf16: 2 } as const;

/**
 * How dot products are computed of activations and weights of one pair of formats: how one step along K is loaded and
 * multiplied, what the sums begin with and how they end. The matrix and attention kernels are written once over this
 * interface; `formats/` has a file for each way, and `formats/choosePolicy.ts` a line.
 */
export interface ProductPolicy {
  readonly name: string;
  /** Bytes of an element of A, and of B. */
  readonly aBytes: number;
  readonly bBytes: number;
  /** Elements of K in one step. */
  readonly stepElements: number;
  /** Register tile of the matrix kernel: rows of A × rows of B. */
  readonly tileRows: number;
  readonly tileColumns: 4;
  /** `count` partial sums of nothing. */
  initAccumulators(k: KernelBuilder, count: number): VecReg[];
  loadA(k: KernelBuilder, from: Address): VecReg;
  loadB(k: KernelBuilder, from: Address): VecReg;
  /** B of two steps in a row, where widening them together takes fewer instructions. */
  loadPair?(k: KernelBuilder, from: Address): readonly VecReg[];
  /** accumulator += a·b; A may come straight from memory. */
  product(k: KernelBuilder, accumulator: VecReg, a: VecReg | Address, b: VecReg): void;
  /** The sums of the columns of a tile, in the low lanes of the first accumulator. @param accumulators one a column */
  finish(k: KernelBuilder, accumulators: readonly [VecReg, VecReg, VecReg, VecReg]): VecReg;
}

/** Where the operands of one register tile lie. Rows of B are `bStrideBytes` apart from `b` on. */
export interface TileOperands {
  /** One pointer a row of A (they may repeat, where a tile has fewer rows than the register tile). */
  readonly a: readonly IntReg[];
  /** First row of B at its first element; moved while the product runs, and moved back. */
  readonly b: IntReg;
  readonly bStrideBytes: number;
  /** Elements of K; a multiple of the policy's step. */
  readonly depth: number;
  /** Offset of the first element from every row's pointer in A, in bytes; `b` points to its first element. */
  readonly aOffsetBytes: number;
}

/**
 * sums[m] = [Σ_k A[m,k]·B[n,k] for n of 4] in the low four lanes, lanes running along K: both operands are read where
 * they lie, in order, without packing.
 */
export function dotTile(k: KernelBuilder, policy: ProductPolicy, operands: TileOperands): VecReg[] {
  const { a, b, bStrideBytes, depth } = operands;
  const accumulators = a.map(() => fourOf(policy.initAccumulators(k, policy.tileColumns)));
  const aOffset = k.intConst(operands.aOffsetBytes);
  const end = operands.aOffsetBytes + depth * policy.aBytes;
  const columns = [0, 1, 2, 3] as const;

  k.while('lt', aOffset, end, () => {
    if (a.length <= policy.tileColumns) {
      const left = a.map((row) => policy.loadA(k, k.at(row, 0, aOffset)));
      for (const n of columns) {
        const right = policy.loadB(k, k.at(b, n * bStrideBytes));
        left.forEach((x, m) => {
          policy.product(k, accumulators[m]![n], x, right);
        });
      }
    } else {
      const right = columns.map((n) => policy.loadB(k, k.at(b, n * bStrideBytes)));
      a.forEach((row, m) => {
        const x = policy.loadA(k, k.at(row, 0, aOffset));
        right.forEach((y, n) => {
          policy.product(k, accumulators[m]![n]!, x, y);
        });
      });
    }
    k.advance(aOffset, policy.stepElements * policy.aBytes);
    k.advance(b, policy.stepElements * policy.bBytes);
  });
  k.advance(b, -depth * policy.bBytes);
  return accumulators.map((row) => policy.finish(k, row));
}

/** Registers of a register tile's four columns. */
export function fourOf(registers: readonly VecReg[]): readonly [VecReg, VecReg, VecReg, VecReg] {
  return [registers[0]!, registers[1]!, registers[2]!, registers[3]!];
}
