import { KernelBuilder } from '../jit/builder.js';
import type { Capabilities, IntReg, KernelCode } from '../jit/ir.js';
import { type KernelSpec, kernelParams, loadSlot } from './kernel.js';

/**
 * samples [n] f32; padded [count] f32, count a multiple of 16. `first` is the position in samples that padded starts
 * with, negative before the clip.
 */
export const PAD_REFLECT_SLOTS = { samples: 0, n: 1, first: 2, padded: 3, count: 4 } as const;

/** Elements of a tile. */
export const PAD_REFLECT_TILE = 4096;

/**
 * padded[i] = samples[first + i], mirrored at both ends without repeating the end sample: −1 reads sample 1, n reads
 * sample n − 2. Exact. first + i lies between 1 − n and 2·(n − 1); beyond that it reads sample 0.
 */
export function padReflect(): KernelSpec<keyof typeof PAD_REFLECT_SLOTS> {
  return { name: 'padReflect', slots: PAD_REFLECT_SLOTS, emit };
}

function emit(capabilities: Capabilities): KernelCode {
  const k = new KernelBuilder('padReflect', capabilities);
  const params = kernelParams(k);
  const at = k.intOp('mul', params.tile, PAD_REFLECT_TILE);
  const run = k.intOp('sub', loadSlot(k, params, PAD_REFLECT_SLOTS.count), at);
  k.intOp('min', run, PAD_REFLECT_TILE, run);
  const to = loadSlot(k, params, PAD_REFLECT_SLOTS.padded);
  k.advance(to, k.intOp('shiftLeft', at, 2));
  const position = k.intOp('add', at, loadSlot(k, params, PAD_REFLECT_SLOTS.first));
  const samples = loadSlot(k, params, PAD_REFLECT_SLOTS.samples);
  const n = loadSlot(k, params, PAD_REFLECT_SLOTS.n);
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
  return k.finish();
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
