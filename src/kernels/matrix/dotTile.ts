import type { KernelBuilder } from '../../jit/builder.js';
import type { IntReg, VecReg } from '../../jit/ir.js';
import type { TilePolicy } from './tilePolicy.js';

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
export function dotTile(k: KernelBuilder, policy: TilePolicy, operands: TileOperands): VecReg[] {
  const { a, b, bStrideBytes, depth } = operands;
  const rows = a.length;
  const accumulators = a.map(() => [zero(k), zero(k), zero(k), zero(k)] as const);
  const aOffset = k.intConst(operands.aOffsetBytes);
  const end = operands.aOffsetBytes + depth * policy.aBytes;
  const columns = [0, 1, 2, 3] as const;

  k.while('lt', aOffset, end, () => {
    if (rows <= policy.tileColumns) {
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
  return accumulators.map((row) => k.reduce4(row, row[0]));
}

function zero(k: KernelBuilder): VecReg {
  return k.vecConst(0);
}
