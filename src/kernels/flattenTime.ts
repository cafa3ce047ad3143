import type { KernelBuilder } from '../jit/builder.js';
import { chunkBytes, elementBytes, type FeatureMapLayout, layoutName, rowBytes } from './featureMapLayout.js';
import { type ArgumentUses, defineKernel, type Kernel, type KernelParams } from './kernel.js';

/** x: feature map; y [rows, C·H] of its type. */
const FLATTEN_ARGUMENTS = { x: 'reads', y: 'writes' } as const satisfies ArgumentUses;

/** y[chunk·W + t, c·H + f] = x[chunk, c, f, t]: one row a time step, channel-major. A tile is a row of y. */
export function flattenTime(map: FeatureMapLayout): Kernel<typeof FLATTEN_ARGUMENTS> {
  return defineKernel({
    name: `flattenTime.${layoutName(map)}`,
    args: FLATTEN_ARGUMENTS,
    tiles: ({ y }) => y.byteLength / (map.height * elementBytes(map)),
    emit: (k, params) => emit(k, map, params),
  });
}

function emit(
  k: KernelBuilder,
  map: FeatureMapLayout,
  { args, tile }: KernelParams<typeof FLATTEN_ARGUMENTS>,
): void {
  const bytes = map.dtype === 'bf16' ? 2 : 4;
  const x = args.x();
  k.advance(x, k.intOp('mul', k.intOp('divide', tile, map.width), chunkBytes(map)));
  k.advance(x, k.intOp('mul', k.intOp('remainder', tile, map.width), elementBytes(map)));
  k.advance(x, rowBytes(map) + elementBytes(map));
  const y = args.y();
  k.advance(y, k.intOp('mul', tile, map.channels * map.height * bytes));
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
}
