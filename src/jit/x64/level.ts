import type { Capabilities, Tuning } from '../ir.js';

/** Instruction set levels this target lowers to, weakest first. */
export const X64_LEVELS = ['avx2', 'avx512f', 'avx512bf16'] as const;

/**
 * - `avx2`: AVX2, FMA and F16C; 8 lanes.
 * - `avx512f`: AVX-512 F, BW and VL; 16 lanes.
 * - `avx512bf16`: the same with BF16 and VNNI dot products.
 */
export type X64Level = (typeof X64_LEVELS)[number];

/**
 * What measured best. 24 accumulators, four of B and one of A fill 32 registers; 12, three
 * of A and one of B fill 16. Of prefetches 1 to 16 KB ahead, in turns on two cores (0.6B, a decode step), 4 KB was best:
 * 43 ms against 46 at 16 KB, which fetches too much past the ends of tiles that others work on.
 */
const TUNING: Readonly<Record<'wide' | 'narrow', Tuning>> = {
  wide: { tileRows: 6, kSegmentBytes: 0, streamGroups: 2, unroll: 4, prefetchBytes: 4096 },
  narrow: { tileRows: 3, kSegmentBytes: 0, streamGroups: 2, unroll: 4, prefetchBytes: 4096 },
};

/**
 * What a kernel body may use at a level; `tuning` replaces what measured best. Two of the 16 integer registers are kept
 * for lowerings, one is the stack.
 */
export function x64Capabilities(level: X64Level, tuning: Partial<Tuning> = {}): Capabilities {
  const wide = level !== 'avx2';
  return {
    lanes: wide ? 16 : 8,
    pairDot: level === 'avx512bf16',
    byteDot: level === 'avx512bf16',
    vecRegisters: wide ? 32 : 16,
    intRegisters: 13,
    registersAreVirtual: false,
    widensInPairs: false, // one widens from memory in an instruction and a shift
    tuning: { ...TUNING[wide ? 'wide' : 'narrow'], ...tuning },
  };
}
