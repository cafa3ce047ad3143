import type { KernelBuilder } from '../jit/builder.js';
import type { IntReg } from '../jit/ir.js';
import { type KernelParams, loadSlot } from './kernel.js';

/** Rows of a tile: `rowsPerTile` from tile·rowsPerTile on, fewer at the end of the M rows named by a slot. */
export function rowRange(
  k: KernelBuilder,
  params: KernelParams,
  rowsPerTile: number,
  mSlot: number,
): { first: IntReg; count: IntReg } {
  const first = k.intOp('mul', params.tile, rowsPerTile);
  const count = k.intOp('sub', loadSlot(k, params, mSlot), first);
  k.intOp('min', count, rowsPerTile, count);
  return { first, count };
}
