import { KernelBuilder } from '../jit/builder.js';
import type { Capabilities, IntReg, KernelCode } from '../jit/ir.js';
import { type KernelSpec, kernelParams, loadSlot } from './kernel.js';

/** mel [bins, frames] f32; map: one-channel feature map of `bins` rows, f32. */
export const CHUNK_MEL_SLOTS = { mel: 0, frames: 1, map: 2 } as const;

/**
 * Cuts a mel into chunks of `width` frames as a feature map with border; frames past the end are zero. A tile is a
 * chunk. Elements move one by one: there are few of them.
 */
export function chunkMel(spec: {
  readonly bins: number;
  readonly width: number;
}): KernelSpec<keyof typeof CHUNK_MEL_SLOTS> {
  return {
    name: `chunkMel.${spec.bins}x${spec.width}`,
    slots: CHUNK_MEL_SLOTS,
    emit: (capabilities) => emit(spec.bins, spec.width, capabilities),
  };
}

function emit(bins: number, width: number, capabilities: Capabilities): KernelCode {
  const k = new KernelBuilder('chunkMel', capabilities);
  const params = kernelParams(k);
  const to = loadSlot(k, params, CHUNK_MEL_SLOTS.map);
  k.advance(to, k.intOp('mul', params.tile, 4 * (bins + 2) * (width + 2)));
  const frames = loadSlot(k, params, CHUNK_MEL_SLOTS.frames);
  const first = k.intOp('mul', params.tile, width);
  const valid = k.intOp('sub', frames, first);
  k.intOp('min', valid, width, valid);
  const padding = k.intOp('sub', k.intConst(width + 1), valid); // past the end, and the right border
  const from = loadSlot(k, params, CHUNK_MEL_SLOTS.mel);
  k.advance(from, k.intOp('shiftLeft', first, 2));
  const skip = k.intOp('sub', frames, valid);
  k.intOp('shiftLeft', skip, 2, skip);

  clear(k, to, k.intConst(width + 2));
  k.loop(bins, () => {
    clear(k, to, k.intConst(1));
    k.loop(valid, () => {
      k.intStore(k.at(to), k.intLoad(k.at(from), 'i32'), 'i32');
      k.advance(from, 4);
      k.advance(to, 4);
    });
    k.advance(from, skip);
    clear(k, to, padding);
  });
  clear(k, to, k.intConst(width + 2));
  return k.finish();
}

/** Clears and passes `count` f32. */
function clear(k: KernelBuilder, to: IntReg, count: IntReg): void {
  k.loop(count, () => {
    k.intStore(k.at(to), 0, 'i32');
    k.advance(to, 4);
  });
}
