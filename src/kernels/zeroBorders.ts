import type { KernelBuilder } from '../jit/builder.js';
import type { IntReg } from '../jit/ir.js';
import { chunkBytes, elementBytes, type FeatureMapLayout, layoutName, rowBytes } from './featureMapLayout.js';
import { type ArgumentUses, defineKernel, type Kernel, type KernelParams } from './kernel.js';

const ZERO_BORDERS_ARGUMENTS = { map: 'writes' } as const satisfies ArgumentUses;

/** Clears the border of a feature map; a tile is a chunk. channels is a multiple of 32. */
export function zeroBorders(map: FeatureMapLayout): Kernel<typeof ZERO_BORDERS_ARGUMENTS> {
  return defineKernel({
    name: `zeroBorders.${layoutName(map)}`,
    args: ZERO_BORDERS_ARGUMENTS,
    tiles: (values) => values.map.byteLength / chunkBytes(map),
    emit: (k, params) => emit(k, map, params),
  });
}

function emit(
  k: KernelBuilder,
  map: FeatureMapLayout,
  { args, tile }: KernelParams<typeof ZERO_BORDERS_ARGUMENTS>,
): void {
  const at = args.map();
  k.advance(at, k.intOp('mul', tile, chunkBytes(map)));
  // The top row and the left border of the next; then each right border with the left one that follows it in memory;
  // then the last right border and the bottom row.
  zeroRun(k, at, rowBytes(map) + elementBytes(map));
  k.loop(map.height - 1, () => {
    k.advance(at, rowBytes(map) - 2 * elementBytes(map));
    zeroRun(k, at, 2 * elementBytes(map));
  });
  k.advance(at, rowBytes(map) - 2 * elementBytes(map));
  zeroRun(k, at, rowBytes(map) + elementBytes(map));
}

/** Clears and passes `byteLength` bytes, a multiple of a vector. */
function zeroRun(k: KernelBuilder, at: IntReg, byteLength: number): void {
  const zero = k.vecConst(0);
  k.loop(byteLength / (4 * k.lanes), () => {
    k.store(k.at(at), zero);
    k.advance(at, 4 * k.lanes);
  });
}
