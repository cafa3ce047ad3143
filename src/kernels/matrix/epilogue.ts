import type { KernelBuilder } from '../../jit/builder.js';
import type { IntReg, VecReg } from '../../jit/ir.js';
import { type ArgumentLoads, type ArgumentUses, boundIndex } from '../kernel.js';
import { emitSilu, Gelu } from '../vectorMath.js';
import { OPERAND_BYTES, type OperandDtype } from './productPolicy.js';

/** Arguments of every product with an epilogue. */
export const PRODUCT_ARGUMENTS = {
  x: 'reads',
  weight: 'reads',
  /** Second weight of SwiGLU. */
  weight2: 'reads?',
  y: 'writes',
  /** [N] f32. */
  bias: 'reads?',
  residual: 'reads?',
} as const satisfies ArgumentUses;

/** What happens to a block of products on its way to memory. */
export interface EpilogueSpec {
  /** [N] f32. */
  readonly bias: boolean;
  /** `swiglu`: silu(C) ⊙ C₂ of two products. */
  readonly activation: 'none' | 'gelu' | 'swiglu';
  /** f32, the shape of y; y itself only where columnsPerTile divides N, for an overlapping tile would add it twice. */
  readonly residual: boolean;
  readonly yDtype: OperandDtype;
  readonly yStrideBytes: number;
  /** f32 rows; 0 when there is no residual. */
  readonly residualStrideBytes: number;
}

export function epilogueName(e: EpilogueSpec): string {
  const parts = [e.bias ? 'bias' : '', e.activation, e.residual ? `res${e.residualStrideBytes}` : ''];
  return [...parts, `y${e.yDtype}${e.yStrideBytes}`].filter((part) => part !== '').join('.');
}

/** The block of products in scratch memory and its place in y. */
export interface EpilogueBlock {
  readonly args: ArgumentLoads<Pick<typeof PRODUCT_ARGUMENTS, 'y' | 'bias' | 'residual'>>;
  readonly scratch: IntReg;
  /** First row of the block in y. */
  readonly row: IntReg;
  /** How many rows of the block are real. */
  readonly rows: IntReg;
  /** First column of the block in y. */
  readonly column: IntReg;
  readonly columns: number;
  /** Distance between rows of C. */
  readonly cStrideBytes: number;
  /** Bytes of C before the block's first column; null: none. */
  readonly cOffset: IntReg | null;
  /** Rows of C between the block's first and its second product. */
  readonly blockRows: number;
  /**
   * Rows of y lie where a table says: [M] pairs of i32 of which the second is a byte offset in y, at most `last`; null:
   * one after another.
   */
  readonly places: { readonly table: () => IntReg; readonly last: () => IntReg } | null;
}

/** y[row + r, column + c] = activation(C[r, c] + bias[column + c]) + residual, vector by vector. */
export function emitEpilogue(k: KernelBuilder, spec: EpilogueSpec, block: EpilogueBlock): void {
  const { args } = block;
  const yBytes = OPERAND_BYTES[spec.yDtype];
  const row = k.int();
  k.intMove(row, block.row);
  const c = k.int();
  k.intMove(c, block.scratch);
  if (block.cOffset !== null) k.advance(c, block.cOffset);
  const slack = block.cStrideBytes - 4 * block.columns;
  k.loop(block.rows, () => {
    const y = rowOfY(k, spec, block, row);
    k.advance(y, k.intOp('mul', block.column, yBytes));
    const bias = spec.bias ? args.bias() : null;
    if (bias !== null) k.advance(bias, k.intOp('mul', block.column, 4));
    const residual = spec.residual ? args.residual() : null;
    if (residual !== null) {
      k.advance(residual, k.intOp('mul', row, spec.residualStrideBytes));
      k.advance(residual, k.intOp('mul', block.column, 4));
    }
    const gelu = spec.activation === 'gelu' ? new Gelu(k) : null;
    k.loop(block.columns / k.lanes, () => {
      const value = k.load(k.at(c));
      if (bias !== null) k.add(value, k.at(bias), value);
      const result = activate(k, spec, block, gelu, c, value);
      if (residual !== null) k.add(result, k.at(residual), result);
      k.store(k.at(y), result, spec.yDtype === 'bf16' ? 'bf16' : 'raw');
      k.advance(c, 4 * k.lanes);
      k.advance(y, yBytes * k.lanes);
      if (bias !== null) k.advance(bias, 4 * k.lanes);
      if (residual !== null) k.advance(residual, 4 * k.lanes);
    });
    if (slack > 0) k.advance(c, slack);
    k.advance(row, 1);
  });
}

/** Products of some rows, a vector of columns each, in registers. */
export interface EpilogueSquare {
  readonly args: ArgumentLoads<Pick<typeof PRODUCT_ARGUMENTS, 'y' | 'bias' | 'residual'>>;
  /** Overwritten. */
  readonly products: readonly VecReg[];
  /** The place of the first of them in y, in new registers. */
  readonly row: () => IntReg;
  readonly column: () => IntReg;
}

/** y of such a square, where there is no activation: bias and residual as above. */
export function emitSquareEpilogue(k: KernelBuilder, spec: EpilogueSpec, square: EpilogueSquare): void {
  const { args, products, row, column } = square;
  const { yDtype, yStrideBytes, residualStrideBytes } = spec;
  const place = (from: IntReg, strideBytes: number, elementBytes: number): IntReg => {
    const rowOffset = row();
    k.advance(from, k.intOp('mul', rowOffset, strideBytes, rowOffset));
    const columnOffset = column();
    k.advance(from, k.intOp('mul', columnOffset, elementBytes, columnOffset));
    return from;
  };
  const bias = spec.bias ? k.load(k.at(place(args.bias(), 0, OPERAND_BYTES.f32))) : null;
  const y = place(args.y(), yStrideBytes, OPERAND_BYTES[yDtype]);
  const residual = spec.residual ? place(args.residual(), residualStrideBytes, OPERAND_BYTES.f32) : null;
  products.forEach((value, m) => {
    if (bias !== null) k.add(value, bias, value);
    if (residual !== null) k.add(value, k.at(residual, m * residualStrideBytes), value);
    k.store(k.at(y, m * yStrideBytes), value, yDtype === 'bf16' ? 'bf16' : 'raw');
  });
}

function rowOfY(k: KernelBuilder, spec: EpilogueSpec, block: EpilogueBlock, row: IntReg): IntReg {
  const y = block.args.y();
  const { places } = block;
  if (places === null) {
    k.advance(y, k.intOp('mul', row, spec.yStrideBytes));
    return y;
  }
  const entry = k.intOp('shiftLeft', row, 3);
  k.advance(entry, places.table());
  k.intLoad(k.at(entry, 4), 'i32', entry);
  k.advance(y, boundIndex(k, entry, places.last()));
  return y;
}

function activate(
  k: KernelBuilder,
  spec: EpilogueSpec,
  block: EpilogueBlock,
  gelu: Gelu | null,
  c: IntReg,
  value: VecReg,
): VecReg {
  if (gelu !== null) return gelu.emit(value);
  if (spec.activation !== 'swiglu') return value;
  const gated = emitSilu(k, value);
  return k.mul(gated, k.at(c, block.blockRows * block.cStrideBytes), gated);
}
