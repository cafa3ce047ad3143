import { f32Bits } from '../../../src/jit/numberFormats.js';
import type { Random } from '../../support/random.js';

/** A part of the memory of a random kernel. Every region starts on a multiple of 64 bytes. */
export interface Region {
  readonly start: number;
  readonly bytes: number;
}

/** What random kernels may read (first five) and write (the rest); sizes leave room for an index below 256. */
export const regions = {
  /** Bits of every kind, with all special values. */
  wild: { start: 0, bytes: 1024 },
  /** Integral f32 from −8 to 8 without −0, for which sums of products are exact in any order. */
  integral: { start: 1024, bytes: 1024 },
  /** The same numbers as bf16. */
  integralBf16: { start: 2048, bytes: 512 },
  /** i32 from −4096 to 4096. */
  ints: { start: 2560, bytes: 512 },
  /** Vectors, whole and in parts. */
  output: { start: 3072, bytes: 2048 },
  /** i32 for atomics, at first 0. */
  atomics: { start: 5120, bytes: 64 },
  /** 8-byte slots of small integers, at first 0. */
  slots: { start: 5184, bytes: 64 },
} as const satisfies Record<string, Region>;

const memoryBytes = 5248;

/** Infinities, zeros, NaNs with every kind of payload, the edges of the subnormals, and ties of bf16 rounding. */
export const specialBits: readonly number[] = [
  ...[0x7f800000, 0xff800000, 0, 0x80000000, 0x7fc00000, 0x7f800001, 0xffffffff, 0xffbfffff],
  ...[0x00000001, 0x807fffff, 0x00800000, 0x80800000, 0x7f7fffff, 0xff7fffff],
  ...[0x3f808000, 0x3f818000, 0x3f808001, 0x3f807fff, 0x7f7f8000, 0x7f7f7fff],
  ...[0.5, 1.5, 2.5, -0.5, -2.5, 8388607.5, 2147483520, -2147483648, 16777217].map(f32Bits),
];

/** A fresh memory for a random kernel. */
export function randomMemory(random: Random): Uint8Array<ArrayBuffer> {
  const memory = new DataView(new ArrayBuffer(memoryBytes));
  const fill = (region: Region, width: number, write: (at: number) => void): void => {
    for (let at = region.start; at < region.start + region.bytes; at += width) write(at);
  };
  fill(regions.wild, 4, (at) => {
    memory.setUint32(at, wildBits(random), true);
  });
  fill(regions.integral, 4, (at) => {
    memory.setFloat32(at, random.integer(-8, 8), true);
  });
  fill(regions.integralBf16, 2, (at) => {
    memory.setUint16(at, f32Bits(random.integer(-8, 8)) >>> 16, true);
  });
  fill(regions.ints, 4, (at) => {
    memory.setInt32(at, random.integer(-4096, 4096), true);
  });
  return new Uint8Array(memory.buffer);
}

/** A third special values, a third numbers of everyday size, a third any bits. */
export function wildBits(random: Random): number {
  switch (random.integer(0, 2)) {
    case 0:
      return specialBits[random.integer(0, specialBits.length - 1)]!;
    case 1:
      return f32Bits((2 * random.uniform() - 1) * 10 ** random.integer(-3, 3));
    default:
      return random.integer(0, 2 ** 32 - 1);
  }
}
