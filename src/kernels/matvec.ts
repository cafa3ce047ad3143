import type { KernelBuilder } from '../jit/builder.js';
import type { IntReg } from '../jit/ir.js';
import { type EpilogueSpec, emitEpilogue, epilogueName, PRODUCT_ARGUMENTS } from './epilogue.js';
import { defineKernel, type Kernel, type KernelParams } from './kernel.js';
import { rowGroups, streamDot } from './streamDot.js';
import { type OperandDtype, tilePolicy } from './tilePolicy.js';

/** A product of few rows, specialised on everything but the pointers. */
export interface MatvecSpec {
  readonly aDtype: OperandDtype;
  readonly bDtype: OperandDtype;
  /** Rows of A, at most maxStreamRows. */
  readonly rows: number;
  readonly n: number;
  readonly depth: number;
  readonly aStrideBytes: number;
  readonly bStrideBytes: number;
  /** A multiple of 16; n is a multiple of it, or at least as large (the last tile overlaps the one before). */
  readonly columnsPerTile: number;
}

/**
 * y[r, n] = epilogue(A[r, :] · B[n, :]) for the few rows of a decode step: a tile is `columnsPerTile` rows of B,
 * streamed from memory once. The error bound is that of `matmul`.
 */
export function matvec(
  spec: MatvecSpec & { readonly epilogue: EpilogueSpec },
): Kernel<typeof PRODUCT_ARGUMENTS> {
  return defineKernel({
    name: `matvec.${matvecName(spec)}.${epilogueName(spec.epilogue)}`,
    args: PRODUCT_ARGUMENTS,
    tiles: () => Math.ceil(spec.n / spec.columnsPerTile),
    emit: (k, params) => emit(k, spec, params),
  });
}

export function matvecName(s: MatvecSpec): string {
  const shape = `r${s.rows}n${s.n}k${s.depth}t${s.columnsPerTile}`;
  return `${s.aDtype}.${s.bDtype}.${shape}.s${s.aStrideBytes}.${s.bStrideBytes}`;
}

function emit(
  k: KernelBuilder,
  spec: MatvecSpec & { epilogue: EpilogueSpec },
  { args, tile, scratch }: KernelParams<typeof PRODUCT_ARGUMENTS>,
): void {
  const column = firstColumn(k, spec, tile);
  const { epilogue } = spec;
  const weights = epilogue.activation === 'swiglu' ? [args.weight, args.weight2] : [args.weight];
  weights.forEach((weight, product) => {
    const cOffsetBytes = product * spec.rows * spec.columnsPerTile * 4;
    emitColumns(k, spec, { x: args.x, weight, column, c: scratch, cOffsetBytes });
  });
  emitEpilogue(k, epilogue, {
    args,
    scratch,
    row: k.intConst(0),
    rows: k.intConst(spec.rows),
    column,
    columns: spec.columnsPerTile,
    blockRows: spec.rows,
    places: null,
  });
}

/** First column of a tile; the last tile moves back so that it is whole. */
export function firstColumn(k: KernelBuilder, spec: MatvecSpec, tile: IntReg): IntReg {
  const column = k.intOp('mul', tile, spec.columnsPerTile);
  return k.intOp('min', column, spec.n - spec.columnsPerTile, column);
}

/** Where a tile's product comes from and goes to. */
interface ColumnOperands {
  readonly x: () => IntReg;
  readonly weight: () => IntReg;
  readonly column: IntReg;
  readonly c: IntReg;
  readonly cOffsetBytes: number;
}

/** C [rows, columnsPerTile] f32 = A · B[column …]ᵀ, at c + cOffsetBytes. */
export function emitColumns(k: KernelBuilder, spec: MatvecSpec, operands: ColumnOperands): void {
  const policy = tilePolicy(k.capabilities, spec.aDtype, spec.bDtype);
  const a = operands.x();
  const b = k.intOp('mul', operands.column, spec.bStrideBytes);
  k.advance(b, operands.weight());
  const c = k.intOp('add', operands.c, operands.cOffsetBytes);
  const { aStrideBytes, bStrideBytes, depth, columnsPerTile } = spec;
  const groups = rowGroups(spec.rows, k.capabilities.vecRegisters);
  k.loop(columnsPerTile / 4, () => {
    groups.forEach((group, i) => {
      if (i > 0) k.advance(b, -4 * bStrideBytes);
      const stream = { a, aStrideBytes, b, bStrideBytes, depth, fromMemory: i === 0 };
      streamDot(k, policy, { ...stream, ...group }).forEach((sum, r) => {
        k.storeLow(k.at(c, (group.firstRow + r) * columnsPerTile * 4), sum, 4);
      });
    });
    k.advance(c, 16);
  });
}
