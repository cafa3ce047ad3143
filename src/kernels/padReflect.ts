import type { KernelBuilder } from '../jit/builder.js';
import type { IntReg } from '../jit/ir.js';
import { type ArgumentUses, defineKernel, type Kernel, type KernelParams } from './kernel.js';

/**
 * samples [n] f32; padded [count] f32, count a multiple of 16. `first` is the position in samples that padded starts
 * with, negative before the clip.
 */
const PAD_REFLECT_ARGUMENTS = {
  samples: 'reads',
  n: 'number',
  first: 'number',
  padded: 'writes',
  count: 'number',
} as const satisfies ArgumentUses;

/** Elements of a tile. */
export const PAD_REFLECT_TILE = 4096;

/**
 * padded[i] = samples[first + i], mirrored at both ends without repeating the end sample: −1 reads sample 1, n reads
 * sample n − 2. Exact. first + i lies between 1 − n and 2·(n − 1); beyond that it reads sample 0.
 */
export function padReflect(): Kernel<typeof PAD_REFLECT_ARGUMENTS> {
  return defineKernel({
    name: 'padReflect',
    args: PAD_REFLECT_ARGUMENTS,
    tiles: ({ count }) => Math.ceil(count / PAD_REFLECT_TILE),
    emit,
  });
}

function emit(k: KernelBuilder, { args, tile }: KernelParams<typeof PAD_REFLECT_ARGUMENTS>): void {
  const at = k.intOp('mul', tile, PAD_REFLECT_TILE);
  const run = k.intOp('sub', args.count(), at);
  k.intOp('min', run, PAD_REFLECT_TILE, run);
  const to = args.padded();
  k.advance(to, k.intOp('shiftLeft', at, 2));
  const position = k.intOp('add', at, args.first());
  const samples = args.samples();
  const n = args.n();
  // Negative when the run leaves the clip at either end.
  const inside = k.intOp('sub', n, position);
  k.intOp('sub', inside, run, inside);
  k.intOp('min', inside, position, inside);
  k.if(
    'ge',
    inside,
    0,
    () => copyRun(k, samples, position, to, run),
    () => mirrorRun(k, { samples, n, position, to, run }),
  );
}

function copyRun(k: KernelBuilder, samples: IntReg, position: IntReg, to: IntReg, run: IntReg): void {
  const from = k.intOp('shiftLeft', position, 2);
  k.advance(from, samples);
  k.loop(k.intOp('divide', run, k.lanes), () => {
    k.store(k.at(to), k.load(k.at(from)));
    k.advance(from, 4 * k.lanes);
    k.advance(to, 4 * k.lanes);
  });
}

function mirrorRun(
  k: KernelBuilder,
  { samples, n, position, to, run }: Record<'samples' | 'n' | 'position' | 'to' | 'run', IntReg>,
): void {
  const lastTwice = k.intOp('shiftLeft', k.intOp('sub', n, 1), 1);
  k.loop(run, () => {
    const index = k.intOp('sub', k.intConst(0), position);
    k.intOp('max', index, position, index);
    k.intOp('min', index, k.intOp('sub', lastTwice, index), index);
    k.intOp('max', index, 0, index);
    k.intOp('shiftLeft', index, 2, index);
    k.intStore(k.at(to), k.intLoad(k.at(samples, 0, index), 'i32'), 'i32');
    k.advance(position, 1);
    k.advance(to, 4);
  });
}
