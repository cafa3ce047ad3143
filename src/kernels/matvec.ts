import { KernelBuilder } from '../jit/builder.js';
import type { Capabilities, IntReg, KernelCode } from '../jit/ir.js';
import { type EpilogueSpec, emitEpilogue, epilogueName } from './epilogue.js';
import { type KernelParams, type KernelSpec, kernelParams, loadSlot } from './kernel.js';
import { MATMUL_SLOTS } from './matmulSlots.js';
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
 * streamed from memory once. Argument structure and error bound are those of `matmul`.
 */
export function matvec(
  spec: MatvecSpec & { readonly epilogue: EpilogueSpec },
): KernelSpec<keyof typeof MATMUL_SLOTS> {
  return {
    name: `matvec.${matvecName(spec)}.${epilogueName(spec.epilogue)}`,
    slots: MATMUL_SLOTS,
    emit: (capabilities) => emit(spec, capabilities),
  };
}

export function matvecName(s: MatvecSpec): string {
  const shape = `r${s.rows}n${s.n}k${s.depth}t${s.columnsPerTile}`;
  return `${s.aDtype}.${s.bDtype}.${shape}.s${s.aStrideBytes}.${s.bStrideBytes}`;
}

function emit(spec: MatvecSpec & { epilogue: EpilogueSpec }, capabilities: Capabilities): KernelCode {
  const k = new KernelBuilder('matvec', capabilities);
  const params = kernelParams(k);
  const column = firstColumn(k, spec, params.tile);
  const { epilogue } = spec;
  const weights =
    epilogue.activation === 'swiglu' ? [MATMUL_SLOTS.weight, MATMUL_SLOTS.weight2] : [MATMUL_SLOTS.weight];
  weights.forEach((slot, product) => {
    emitColumns(k, spec, params, slot, column, product * spec.rows * spec.columnsPerTile * 4);
  });
  emitEpilogue(k, epilogue, {
    params,
    row: k.intConst(0),
    rows: k.intConst(spec.rows),
    column,
    columns: spec.columnsPerTile,
    blockRows: spec.rows,
    indirect: false,
  });
  return k.finish();
}

/** First column of a tile; the last tile moves back so that it is whole. */
export function firstColumn(k: KernelBuilder, spec: MatvecSpec, tile: IntReg): IntReg {
  const column = k.intOp('mul', tile, spec.columnsPerTile);
  return k.intOp('min', column, spec.n - spec.columnsPerTile, column);
}

/** scratch[cOffsetBytes …] as C [rows, columnsPerTile] f32 = A · B[column …]ᵀ. */
export function emitColumns(
  k: KernelBuilder,
  spec: MatvecSpec,
  params: KernelParams,
  weightSlot: number,
  column: IntReg,
  cOffsetBytes: number,
): void {
  const policy = tilePolicy(k.capabilities, spec.aDtype, spec.bDtype);
  const a = loadSlot(k, params, MATMUL_SLOTS.x);
  const b = k.intOp('mul', column, spec.bStrideBytes);
  k.advance(b, loadSlot(k, params, weightSlot));
  const c = k.intOp('add', params.scratch, cOffsetBytes);
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
