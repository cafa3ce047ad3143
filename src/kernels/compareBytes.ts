import type { VecReg } from '../jit/ir.js';
import { type ArgumentUses, defineKernel, type Kernel } from './kernel.js';

/** a, b: a multiple of COMPARED_BYTES each; difference: an i32, which becomes 1 where they are not the same. */
const COMPARE_ARGUMENTS = {
  a: 'reads',
  b: 'reads',
  difference: 'updates',
} as const satisfies ArgumentUses;

/** Bytes of a tile: some pages, so that a thread seldom shares one with another. */
export const COMPARED_BYTES = 2 ** 16;

/** Vectors that are compared before the next step of a loop. */
const UNROLL = 4;

/** Compares two stretches of memory. */
export function compareBytes(): Kernel<typeof COMPARE_ARGUMENTS> {
  return defineKernel({
    name: 'compareBytes',
    args: COMPARE_ARGUMENTS,
    tiles: ({ a }) => a.byteLength / COMPARED_BYTES,
    emit: (k, { args, tile, scratch }) => {
      const start = k.intOp('mul', tile, COMPARED_BYTES);
      const [a, b] = [k.intOp('add', start, args.a()), k.intOp('add', start, args.b())];
      const different: VecReg[] = Array.from({ length: UNROLL }, () => k.vecConst(0));
      const vectorBytes = 4 * k.lanes;
      k.loop(COMPARED_BYTES / (UNROLL * vectorBytes), () => {
        different.forEach((bits, i) => {
          const both = k.vecOp('xor', k.load(k.at(a, i * vectorBytes)), k.at(b, i * vectorBytes));
          k.vecOp('or', bits, both, bits);
        });
        k.advance(a, UNROLL * vectorBytes);
        k.advance(b, UNROLL * vectorBytes);
      });
      const [first, ...others] = different as [VecReg, ...VecReg[]];
      for (const bits of others) k.vecOp('or', first, bits, first);
      k.store(k.at(scratch), first);
      for (let lane = 0; lane < k.lanes; lane++) {
        k.if('ne', k.intLoad(k.at(scratch, 4 * lane), 'i32'), 0, () => {
          k.intStore(k.at(args.difference()), 1, 'i32');
        });
      }
    },
  });
}
