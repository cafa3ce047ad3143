import { KernelBuilder } from '../jit/builder.js';
import type { Capabilities, KernelCode } from '../jit/ir.js';
import { type KernelSpec, kernelParams, loadSlot } from './kernel.js';

/** maxima [maximumCount] f32, y [length] f32; both counts multiples of 16. */
export const MEL_FLOOR_SLOTS = { maxima: 0, maximumCount: 1, y: 2, length: 3 } as const;

/** Elements of a tile. */
export const MEL_FLOOR_TILE = 4096;

/** How far below the clip's loudest cell values are kept, in decades (WhisperFeatureExtractor). */
const DYNAMIC_RANGE = 8;

/** In place: y = (max(y, max over maxima − 8) + 4) / 4. Error 2⁻²³·max(|y|, 1). */
export function melFloor(): KernelSpec<keyof typeof MEL_FLOOR_SLOTS> {
  return { name: 'melFloor', slots: MEL_FLOOR_SLOTS, emit };
}

function emit(capabilities: Capabilities): KernelCode {
  const k = new KernelBuilder('melFloor', capabilities);
  const params = kernelParams(k);
  const at = loadSlot(k, params, MEL_FLOOR_SLOTS.maxima);
  const maximum = k.load(k.at(at));
  k.loop(k.intOp('divide', loadSlot(k, params, MEL_FLOOR_SLOTS.maximumCount), k.lanes), () => {
    k.max(maximum, k.at(at), maximum);
    k.advance(at, 4 * k.lanes);
  });
  const floor = k.sub(k.reduce('max', maximum), k.vecConst(DYNAMIC_RANGE));
  const first = k.intOp('mul', params.tile, MEL_FLOOR_TILE);
  const run = k.intOp('sub', loadSlot(k, params, MEL_FLOOR_SLOTS.length), first);
  k.intOp('min', run, MEL_FLOOR_TILE, run);
  const y = loadSlot(k, params, MEL_FLOOR_SLOTS.y);
  k.advance(y, k.intOp('shiftLeft', first, 2));
  const one = k.vecConst(1);
  const quarter = k.vecConst(0.25);
  k.loop(k.intOp('divide', run, k.lanes), () => {
    const raised = k.max(floor, k.at(y)); // the second operand wins for NaN, which so gets through
    const value = k.vecMove(k.vec(), one);
    k.fma(value, raised, quarter);
    k.store(k.at(y), value);
    k.advance(y, 4 * k.lanes);
  });
  return k.finish();
}
