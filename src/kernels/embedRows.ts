import { KernelBuilder } from '../jit/builder.js';
import type { Capabilities, KernelCode } from '../jit/ir.js';
import { boundIndex, type KernelSpec, kernelParams, loadSlot } from './kernel.js';
import type { OperandDtype } from './tilePolicy.js';

/** ids [M] i32, table [lastId + 1, length], y [M, length] f32; one tile a row. */
export const EMBED_SLOTS = { ids: 0, table: 1, y: 2, lastId: 3 } as const;

/** y[i] = table[ids[i]], widened; exact. An id outside the table counts as its nearest. `length` is a multiple of 16. */
export function embedRows(spec: {
  readonly length: number;
  readonly tableDtype: OperandDtype;
}): KernelSpec<keyof typeof EMBED_SLOTS> {
  return {
    name: `embedRows.${spec.length}.${spec.tableDtype}`,
    slots: EMBED_SLOTS,
    emit: (capabilities) => emit(spec.length, spec.tableDtype, capabilities),
  };
}

function emit(length: number, tableDtype: OperandDtype, capabilities: Capabilities): KernelCode {
  const k = new KernelBuilder('embedRows', capabilities);
  const params = kernelParams(k);
  const bytes = tableDtype === 'bf16' ? 2 : 4;
  const ids = loadSlot(k, params, EMBED_SLOTS.ids);
  const id = k.intLoad(k.at(ids, 0, k.intOp('shiftLeft', params.tile, 2)), 'i32');
  boundIndex(k, id, loadSlot(k, params, EMBED_SLOTS.lastId));
  const row = loadSlot(k, params, EMBED_SLOTS.table);
  k.advance(row, k.intOp('mul', id, length * bytes));
  const y = loadSlot(k, params, EMBED_SLOTS.y);
  k.advance(y, k.intOp('mul', params.tile, 4 * length));
  k.loop(length / k.lanes, () => {
    k.store(k.at(y), k.load(k.at(row), tableDtype === 'bf16' ? 'bf16' : 'raw'));
    k.advance(row, bytes * k.lanes);
    k.advance(y, 4 * k.lanes);
  });
  return k.finish();
}
