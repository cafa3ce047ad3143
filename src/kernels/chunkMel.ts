import type { KernelBuilder } from '../jit/builder.js';
import type { IntReg } from '../jit/ir.js';
import { chunkBytes } from './featureMapLayout.js';
import { type ArgumentUses, defineKernel, type Kernel, type KernelParams } from './kernel.js';

/** mel [bins, frames] f32; map: one-channel feature map of `bins` rows, f32. */
const CHUNK_MEL_ARGUMENTS = { mel: 'reads', frames: 'number', map: 'writes' } as const satisfies ArgumentUses;

/**
 * Cuts a mel into chunks of `width` frames as a feature map with border; frames past the end are zero. A tile is a
 * chunk. Elements move one by one: there are few of them.
 */
export function chunkMel(spec: {
  readonly bins: number;
  readonly width: number;
}): Kernel<typeof CHUNK_MEL_ARGUMENTS> {
  const { bins, width } = spec;
  return defineKernel({
    name: `chunkMel.${bins}x${width}`,
    args: CHUNK_MEL_ARGUMENTS,
    tiles: ({ map }) => map.byteLength / chunkBytes({ channels: 1, height: bins, width, dtype: 'f32' }),
    emit: (k, params) => emit(k, bins, width, params),
  });
}

function emit(
  k: KernelBuilder,
  bins: number,
  width: number,
  { args, tile }: KernelParams<typeof CHUNK_MEL_ARGUMENTS>,
): void {
  const to = args.map();
  k.advance(to, k.intOp('mul', tile, 4 * (bins + 2) * (width + 2)));
  const frames = args.frames();
  const first = k.intOp('mul', tile, width);
  const valid = k.intOp('sub', frames, first);
  k.intOp('min', valid, width, valid);
  const padding = k.intOp('sub', k.intConst(width + 1), valid); // past the end, and the right border
  const from = args.mel();
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
}

/** Clears and passes `count` f32. */
function clear(k: KernelBuilder, to: IntReg, count: IntReg): void {
  k.loop(count, () => {
    k.intStore(k.at(to), 0, 'i32');
    k.advance(to, 4);
  });
}
