import type { Capabilities } from '../ir.js';

/** Instruction set levels this target lowers to, weakest first. */
export const X64_LEVELS = ['avx2', 'avx512f', 'avx512bf16'] as const;

/**
 * - `avx2`: AVX2, FMA and F16C; 8 lanes.
 * - `avx512f`: AVX-512 F, BW and VL; 16 lanes.
 * - `avx512bf16`: the same with BF16 and VNNI dot products.
 */
export type X64Level = (typeof X64_LEVELS)[number];

/** What a kernel body may use at a level. Two of the 16 integer registers are kept for lowerings, one is the stack. */
export function x64Capabilities(level: X64Level): Capabilities {
  const wide = level !== 'avx2';
  return {
    lanes: wide ? 16 : 8,
    pairDot: level === 'avx512bf16',
    byteDot: level === 'avx512bf16',
    vecRegisters: wide ? 32 : 16,
    intRegisters: 13,
  };
}
