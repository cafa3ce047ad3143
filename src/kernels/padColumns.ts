import { KernelBuilder } from '../jit/builder.js';
import type { Capabilities, KernelCode } from '../jit/ir.js';
import { type KernelSpec, kernelParams, loadSlot } from './kernel.js';

/** x [rows, from] f32, y [rows, to] f32; a tile is a row. */
export const PAD_COLUMNS_SLOTS = { x: 0, y: 1 } as const;

/** Copies a matrix to longer rows that end in zeros, so that products along them need no tail. Exact. */
export function padColumns(spec: {
  readonly from: number;
  readonly to: number;
}): KernelSpec<keyof typeof PAD_COLUMNS_SLOTS> {
  return {
    name: `padColumns.${spec.from}.${spec.to}`,
    slots: PAD_COLUMNS_SLOTS,
    emit: (capabilities) => emit(spec.from, spec.to, capabilities),
  };
}

function emit(from: number, to: number, capabilities: Capabilities): KernelCode {
  const k = new KernelBuilder('padColumns', capabilities);
  const params = kernelParams(k);
  const x = loadSlot(k, params, PAD_COLUMNS_SLOTS.x);
  k.advance(x, k.intOp('mul', params.tile, 4 * from));
  const y = loadSlot(k, params, PAD_COLUMNS_SLOTS.y);
  k.advance(y, k.intOp('mul', params.tile, 4 * to));
  k.loop(from, () => {
    k.intStore(k.at(y), k.intLoad(k.at(x), 'i32'), 'i32');
    k.advance(x, 4);
    k.advance(y, 4);
  });
  k.loop(to - from, () => {
    k.intStore(k.at(y), 0, 'i32');
    k.advance(y, 4);
  });
  return k.finish();
}
