import { CPUID_WORDS, cpuidCode } from '../jit/x64/cpuidCode.js';
import { X64_LEVELS, type X64Level } from '../jit/x64/level.js';
import { CodePages } from './codePages.js';
import type { Native } from './native.js';

/** Bits by the Intel manual, volume 2A, CPUID. */
const LEAF1_ECX = { fma: 12, avx: 28, f16c: 29 };
const LEAF7_EBX = { avx2: 5, avx512f: 16, avx512bw: 30, avx512vl: 31 };
const LEAF7_ECX = { avx512vnni: 11 };
const LEAF7_1_EAX = { avx512bf16: 5 };
/** XCR0: SSE and AVX state, and the three parts of AVX-512 state, saved by the system. */
const XCR0_AVX = 0b110;
const XCR0_AVX512 = 0b1110_0110;

/**
 * Instruction set levels that this CPU has and the system has enabled, weakest first.
 *
 * @throws QwenAsrError `unsupported` when no memory can be made executable
 */
export function detectX64Levels(native: Native): X64Level[] {
  const words = askCpu(native);
  const has = (word: number, bits: Record<string, number>): boolean =>
    Object.values(bits).every((bit) => (words[word]! >>> bit) & 1);
  const xcr0 = words[CPUID_WORDS.xcr0]!;
  const knows = (mask: number): boolean => (xcr0 & mask) === mask;
  if (words[CPUID_WORDS.maxLeaf]! < 7) return [];
  const { avx2, ...avx512 } = LEAF7_EBX;
  const enough: Record<X64Level, boolean> = {
    avx2: knows(XCR0_AVX) && has(CPUID_WORDS.leaf1Ecx, LEAF1_ECX) && has(CPUID_WORDS.leaf7Ebx, { avx2 }),
    avx512f: knows(XCR0_AVX512) && has(CPUID_WORDS.leaf7Ebx, avx512),
    avx512bf16: has(CPUID_WORDS.leaf7Ecx, LEAF7_ECX) && has(CPUID_WORDS.leaf7Subleaf1Eax, LEAF7_1_EAX),
  };
  const missing = X64_LEVELS.findIndex((level) => !enough[level]);
  return X64_LEVELS.slice(0, missing < 0 ? undefined : missing);
}

function askCpu(native: Native): Int32Array {
  const pages = new CodePages(native);
  const memory = native.reserve(4096);
  try {
    const [address] = pages.install([cpuidCode()]) as [number];
    native.functionAt(address, 1).call(memory);
    return new Int32Array(native.view(memory, 4096), 0, CPUID_WORDS.count).slice();
  } finally {
    native.release(memory, 4096);
    pages.release();
  }
}
