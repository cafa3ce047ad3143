import type { KernelBuilder } from '../../jit/builder.js';
import type { Address, IntOperand, IntReg } from '../../jit/ir.js';
import type { PassShape } from './blockRegisters.js';
import {
  type AffineBlocks,
  BLOCK_COLUMNS,
  type BlockPolicy,
  type QuantizedRows,
} from './formats/affineBlocks.js';
import type { BlockTurns, WeightsAhead } from './weightsAhead.js';

/** A product of quantised rows with packed blocks of columns. */
export interface BlockProductSpec {
  readonly weight: AffineBlocks;
  readonly activations: QuantizedRows;
  /** Elements of K; a multiple of the group size, and of the segments. */
  readonly depth: number;
  readonly segments: RowSegments;
  readonly rows: number;
  /** Distance between rows of C [rows, columns] f32. */
  readonly cStrideBytes: number;
  /** The weights are met once, and come from memory. */
  readonly isStream: boolean;
}

/** Equal parts of a row, which lie apart. */
export interface RowSegments {
  readonly count: number;
  /** From one of them to the next. */
  readonly strideBytes: number;
}

/** Rows of activations, of which all are moved along K together. */
export interface MovingRows {
  /** So many bytes from the place at hand of a row. */
  at(row: number, offset: number): Address;
  advance(bytes: number): void;
}

/** Rows at equal distances. @param first moved */
export function evenRows(k: KernelBuilder, first: IntReg, strideBytes: number): MovingRows {
  return {
    at: (row, offset) => k.at(first, row * strideBytes + offset),
    advance: (bytes) => k.advance(first, bytes),
  };
}

/** Rows anywhere. @param pointers moved */
export function pointedRows(k: KernelBuilder, pointers: readonly IntReg[]): MovingRows {
  return {
    at: (row, offset) => k.at(pointers[row]!, offset),
    advance: (bytes) => {
      for (const pointer of pointers) k.advance(pointer, bytes);
    },
  };
}

/** Where the operands lie; all are moved, `a` and back. */
export interface BlockOperands {
  readonly a: MovingRows;
  /** The first block. */
  readonly b: IntReg;
  readonly c: IntReg;
  /** How often 32 columns are computed. */
  readonly pairs: IntOperand;
  /** What is fetched meanwhile, when blocks pass like this; null: nothing. */
  readonly weightsAhead: (turns: BlockTurns) => WeightsAhead | null;
}

/** Everything about some columns of all rows. */
export interface BlockPass extends BlockProductSpec, Omit<BlockOperands, 'pairs' | 'weightsAhead'> {
  readonly ahead: WeightsAhead | null;
  readonly policy: BlockPolicy;
  readonly shape: PassShape;
  /** The first column of this turn, counted from where `b` and `c` point. */
  readonly column: number;
  /** Which of the shape's turns it is. */
  readonly turn: number;
}

export function sumPlace(
  k: KernelBuilder,
  { c, cStrideBytes, column }: BlockPass,
  row: number,
  vector: number,
): Address {
  return k.at(c, row * cStrideBytes + 4 * (column + vector * k.lanes));
}

/** Where a column's own part lies from the start of a step, or of the scales, of its block. */
export function columnOffset({ weight, depth }: BlockPass, column: number, bytesPerColumn: number): number {
  const block = Math.floor(column / BLOCK_COLUMNS);
  return block * weight.blockBytes(depth) + (column % BLOCK_COLUMNS) * bytesPerColumn;
}
