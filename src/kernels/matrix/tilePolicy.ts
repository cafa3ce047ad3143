import type { KernelBuilder } from '../../jit/builder.js';
import type { Address, Capabilities, VecReg } from '../../jit/ir.js';

/** Element types a matrix product reads: activations (A) and weights (B). */
export type OperandDtype = 'f32' | 'bf16';

export const OPERAND_BYTES = { f32: 4, bf16: 2 } as const;

/**
 * How one vector step of a dot product along K is computed. The matrix kernels are written once over this interface:
 *
 *   pairDot   A bf16, B bf16: `dotPairs`, 2·lanes elements a step (AVX-512-BF16)
 *   widenDot  A f32, B f32 or bf16 widened exactly: fused multiply-add, lanes elements a step (everything else)
 */
export interface TilePolicy {
  readonly name: 'pairDot' | 'widenDot';
  readonly aBytes: number;
  readonly bBytes: number;
  /** Elements of K in one step. */
  readonly stepElements: number;
  /** Register tile of the matrix kernel: rows of A × rows of B. */
  readonly tileRows: number;
  readonly tileColumns: 4;
  loadA(k: KernelBuilder, from: Address, d?: VecReg): VecReg;
  loadB(k: KernelBuilder, from: Address, d?: VecReg): VecReg;
  /** B of two steps in a row, where widening them together takes fewer instructions. */
  loadPair?(k: KernelBuilder, from: Address): readonly VecReg[];
  /** accumulator += a·b; b may come straight from memory where `bFromMemory` says so. */
  product(k: KernelBuilder, accumulator: VecReg, a: VecReg, b: VecReg | Address): void;
  /** The same with A from memory, which every policy can do. */
  productOfMemory(k: KernelBuilder, accumulator: VecReg, b: VecReg, a: Address): void;
  readonly bFromMemory: boolean;
}

/** Picks the policy for operand types; bf16 activations exist only where the target has `pairDot`. */
export function tilePolicy(capabilities: Capabilities, a: OperandDtype, b: OperandDtype): TilePolicy {
  const { lanes, widensInPairs } = capabilities;
  const { tileRows } = capabilities.tuning;
  if (a === 'bf16') {
    return {
      name: 'pairDot',
      aBytes: 2,
      bBytes: 2,
      stepElements: 2 * lanes,
      tileRows,
      tileColumns: 4,
      loadA: (k, from, d) => k.load(from, 'raw', d),
      loadB: (k, from, d) => k.load(from, 'raw', d),
      product: (k, accumulator, x, y) => k.dotPairs(accumulator, x, y),
      productOfMemory: (k, accumulator, y, x) => k.dotPairs(accumulator, y, x),
      bFromMemory: true,
    };
  }
  const inPairs = widensInPairs && b === 'bf16';
  return {
    name: 'widenDot',
    aBytes: 4,
    bBytes: b === 'bf16' ? 2 : 4,
    stepElements: lanes,
    tileRows,
    tileColumns: 4,
    loadA: (k, from, d) => k.load(from, 'raw', d),
    loadB: (k, from, d) => k.load(from, b === 'bf16' ? 'bf16' : 'raw', d),
    ...(inPairs && { loadPair: (k, from) => k.loadPair(from) }),
    product: (k, accumulator, x, y) => k.fma(accumulator, x, y),
    productOfMemory: (k, accumulator, y, x) => k.fma(accumulator, y, x),
    bFromMemory: b === 'f32',
  };
}
