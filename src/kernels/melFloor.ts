import type { KernelBuilder } from '../jit/builder.js';
import { type ArgumentUses, defineKernel, type Kernel, type KernelParams } from './kernel.js';

/** maxima [maximumCount] f32, y [length] f32; both counts multiples of 16. */
const MEL_FLOOR_ARGUMENTS = {
  maxima: 'reads',
  maximumCount: 'number',
  y: 'updates',
  length: 'number',
} as const satisfies ArgumentUses;

/** Elements of a tile. */
export const MEL_FLOOR_TILE = 4096;

/** How far below the clip's loudest cell values are kept, in decades (WhisperFeatureExtractor). */
const DYNAMIC_RANGE = 8;

/** In place: y = (max(y, max over maxima − 8) + 4) / 4. Error 2⁻²³·max(|y|, 1). */
export function melFloor(): Kernel<typeof MEL_FLOOR_ARGUMENTS> {
  return defineKernel({
    name: 'melFloor',
    args: MEL_FLOOR_ARGUMENTS,
    tiles: ({ length }) => Math.ceil(length / MEL_FLOOR_TILE),
    emit,
  });
}

function emit(k: KernelBuilder, { args, tile }: KernelParams<typeof MEL_FLOOR_ARGUMENTS>): void {
  const at = args.maxima();
  const maximum = k.load(k.at(at));
  k.loop(k.intOp('divide', args.maximumCount(), k.lanes), () => {
    k.max(maximum, k.at(at), maximum);
    k.advance(at, 4 * k.lanes);
  });
  const floor = k.sub(k.reduce('max', maximum), k.vecConst(DYNAMIC_RANGE));
  const first = k.intOp('mul', tile, MEL_FLOOR_TILE);
  const run = k.intOp('sub', args.length(), first);
  k.intOp('min', run, MEL_FLOOR_TILE, run);
  const y = args.y();
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
}
