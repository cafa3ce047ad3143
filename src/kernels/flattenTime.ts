import { KernelBuilder } from '../jit/builder.js';
import type { Capabilities, KernelCode } from '../jit/ir.js';
import { chunkBytes, elementBytes, type FeatureMapLayout, layoutName, rowBytes } from './featureMapLayout.js';
import { type KernelSpec, kernelParams, loadSlot } from './kernel.js';

/** x: feature map; y [rows, C·H] of its type. */
export const FLATTEN_SLOTS = { x: 0, y: 1 } as const;

/** y[chunk·W + t, c·H + f] = x[chunk, c, f, t]: one row a time step, channel-major. A tile is a row of y. */
export function flattenTime(map: FeatureMapLayout): KernelSpec<keyof typeof FLATTEN_SLOTS> {
  return {
    name: `flattenTime.${layoutName(map)}`,
    slots: FLATTEN_SLOTS,
    emit: (capabilities) => emit(map, capabilities),
  };
}

function emit(map: FeatureMapLayout, capabilities: Capabilities): KernelCode {
  const k = new KernelBuilder('flattenTime', capabilities);
  const params = kernelParams(k);
  const bytes = map.dtype === 'bf16' ? 2 : 4;
  const x = loadSlot(k, params, FLATTEN_SLOTS.x);
  k.advance(x, k.intOp('mul', k.intOp('divide', params.tile, map.width), chunkBytes(map)));
  k.advance(x, k.intOp('mul', k.intOp('remainder', params.tile, map.width), elementBytes(map)));
  k.advance(x, rowBytes(map) + elementBytes(map));
  const y = loadSlot(k, params, FLATTEN_SLOTS.y);
  k.advance(y, k.intOp('mul', params.tile, map.channels * map.height * bytes));
  k.loop(map.height, () => {
    const from = k.int();
    k.intMove(from, x);
    const to = k.int();
    k.intMove(to, y);
    k.loop(map.channels, () => {
      if (bytes === 2) k.intStore(k.at(to), k.intLoad(k.at(from), 'u16'), 'u16');
      else k.intStore(k.at(to), k.intLoad(k.at(from), 'i32'), 'i32');
      k.advance(from, bytes);
      k.advance(to, bytes * map.height);
    });
    k.advance(x, rowBytes(map));
    k.advance(y, bytes);
  });
  return k.finish();
}
