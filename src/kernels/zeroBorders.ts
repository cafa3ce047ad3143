import { KernelBuilder } from '../jit/builder.js';
import type { Capabilities, IntReg, KernelCode } from '../jit/ir.js';
import { chunkBytes, elementBytes, type FeatureMapLayout, layoutName, rowBytes } from './featureMapLayout.js';
import { type KernelSpec, kernelParams, loadSlot } from './kernel.js';

export const ZERO_BORDERS_SLOTS = { map: 0 } as const;

/** Clears the border of a feature map; a tile is a chunk. channels is a multiple of 32. */
export function zeroBorders(map: FeatureMapLayout): KernelSpec<keyof typeof ZERO_BORDERS_SLOTS> {
  return {
    name: `zeroBorders.${layoutName(map)}`,
    slots: ZERO_BORDERS_SLOTS,
    emit: (capabilities) => emit(map, capabilities),
  };
}

function emit(map: FeatureMapLayout, capabilities: Capabilities): KernelCode {
  const k = new KernelBuilder('zeroBorders', capabilities);
  const params = kernelParams(k);
  const at = loadSlot(k, params, ZERO_BORDERS_SLOTS.map);
  k.advance(at, k.intOp('mul', params.tile, chunkBytes(map)));
  // The top row and the left border of the next; then each right border with the left one that follows it in memory;
  // then the last right border and the bottom row.
  zeroRun(k, at, rowBytes(map) + elementBytes(map));
  k.loop(map.height - 1, () => {
    k.advance(at, rowBytes(map) - 2 * elementBytes(map));
    zeroRun(k, at, 2 * elementBytes(map));
  });
  k.advance(at, rowBytes(map) - 2 * elementBytes(map));
  zeroRun(k, at, rowBytes(map) + elementBytes(map));
  return k.finish();
}

/** Clears and passes `byteLength` bytes, a multiple of a vector. */
function zeroRun(k: KernelBuilder, at: IntReg, byteLength: number): void {
  const zero = k.vecConst(0);
  k.loop(byteLength / (4 * k.lanes), () => {
    k.store(k.at(at), zero);
    k.advance(at, 4 * k.lanes);
  });
}
