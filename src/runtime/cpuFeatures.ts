import { Assembler } from '../jit/x64/assembler.js';
import { type CpuFeatures, levelsOf, type X64Level } from '../jit/x64/features.js';
import { gpr, gpr32, mem } from '../jit/x64/operands.js';
import type { CpuFindings } from '../jit/x64/tuning.js';
import { CodePages } from './codePages.js';
import type { Native } from './system/native.js';

/** Bits by the Intel manual, volume 2A, CPUID. */
const LEAF1_ECX = { fma: 12, avx: 28, f16c: 29 };
const LEAF7_EBX = { avx2: 5, avx512f: 16, avx512bw: 30, avx512vl: 31 };
const LEAF7_ECX = { avx512vnni: 11 };
const LEAF7_EDX = { amxBf16: 22, amxTile: 24 };
const LEAF7_1_EAX = { avxVnni: 4, avx512bf16: 5 };
/** XCR0: SSE and AVX state, the three parts of AVX-512 state, and the two of tiles, saved by the system. */
const XCR0_AVX = 0b110;
const XCR0_AVX512 = 0b1110_0110;
const XCR0_TILES = 0b11 << 17;

/**
 * The features that this CPU has and the system has enabled; none of AVX-512's without its registers. Where it has tiles,
 * asks the system for leave to use them in this process.
 *
 * @throws QwenAsrError `unsupported` when no memory can be made executable
 */
export function detectCpuFeatures(native: Native): CpuFeatures {
  const words = askCpu(native);
  const has = (word: number, bits: Record<string, number>): boolean =>
    Object.values(bits).every((bit) => (words[word]! >>> bit) & 1);
  const xcr0 = words[CPUID_WORDS.xcr0]!;
  const saves = (mask: number): boolean => (xcr0 & mask) === mask;
  const { avx2: avx2Bit, ...avx512Bits } = LEAF7_EBX;
  const { avxVnni, ...bf16Bits } = LEAF7_1_EAX;
  const avx2 =
    words[CPUID_WORDS.maxLeaf]! >= 7 &&
    saves(XCR0_AVX) &&
    has(CPUID_WORDS.leaf1Ecx, LEAF1_ECX) &&
    has(CPUID_WORDS.leaf7Ebx, { avx2Bit });
  const avx512 = avx2 && saves(XCR0_AVX512) && has(CPUID_WORDS.leaf7Ebx, avx512Bits);
  const vnni = avx512 && has(CPUID_WORDS.leaf7Ecx, LEAF7_ECX);
  const bf16 = avx512 && has(CPUID_WORDS.leaf7Subleaf1Eax, bf16Bits);
  const hasTiles = bf16 && vnni && saves(XCR0_TILES) && has(CPUID_WORDS.leaf7Edx, LEAF7_EDX);
  return {
    avx2,
    avx512,
    vnni,
    avxVnni: avx2 && has(CPUID_WORDS.leaf7Subleaf1Eax, { avxVnni }),
    bf16,
    amx: hasTiles && native.requestTiles?.() === true,
  };
}

/** Instruction set levels of this CPU, weakest first. @throws QwenAsrError as detectCpuFeatures */
export function detectX64Levels(native: Native): X64Level[] {
  return levelsOf(detectCpuFeatures(native));
}

/** The CPU's maker, and a core's caches as it describes them. @throws QwenAsrError as detectCpuFeatures */
export function describeCpu(native: Native): Omit<CpuFindings, 'times'> {
  const words = askCpu(native);
  const isIntel = words[CPUID_WORDS.maker] === INTEL;
  const hasLeaf = isIntel
    ? words[CPUID_WORDS.maxLeaf]! >= INTEL_CACHES
    : words[CPUID_WORDS.maxExtendedLeaf]! >>> 0 >= AMD_CACHES;
  const first = isIntel ? CPUID_WORDS.intelCaches : CPUID_WORDS.amdCaches;
  const caches = hasLeaf ? readCaches(words.subarray(first, first + CACHE_WORDS)) : [];
  const sizeOf = (level: number): number | null =>
    caches.find((cache) => cache.level === level)?.bytes ?? null;
  return { isIntel, l1Bytes: sizeOf(1), l2Bytes: sizeOf(2) };
}

/** The first four letters of the maker's name, GenuineIntel. */
const INTEL = 0x756e6547;

/** CPUID leaves that describe a cache for each subleaf, in the same words. */
const INTEL_CACHES = 4;
const AMD_CACHES = 0x8000_001d;
/** Subleaves that are asked for: the caches of a core come first. */
const CACHE_SUBLEAVES = 4;
/** EAX, EBX and ECX of each. */
const CACHE_WORDS = 3 * CACHE_SUBLEAVES;

/** Sizes that a core's caches may have; others are some virtual machine's fancy. */
const PLAUSIBLE_BYTES = { 1: [8 * 1024, 1024 * 1024], 2: [64 * 1024, 64 * 1024 * 1024] } as const;

/** Caches for data: the bits are those of the Intel manual, volume 2A, CPUID leaf 4. */
function readCaches(words: Int32Array): { level: 1 | 2; bytes: number }[] {
  return Array.from({ length: CACHE_SUBLEAVES }, (_, i) => words.subarray(3 * i, 3 * i + 3)).flatMap(
    ([eax = 0, ebx = 0, ecx = 0]) => {
      const isInstructions = (eax & 31) === 2;
      const level = (eax >>> 5) & 7;
      if ((eax & 31) === 0 || isInstructions || (level !== 1 && level !== 2)) return [];
      const ways = ((ebx >>> 22) & 0x3ff) + 1;
      const partitions = ((ebx >>> 12) & 0x3ff) + 1;
      const lineBytes = (ebx & 0xfff) + 1;
      const bytes = ways * partitions * lineBytes * ((ecx >>> 0) + 1);
      const [least, most] = PLAUSIBLE_BYTES[level];
      return bytes >= least && bytes <= most ? [{ level, bytes }] : [];
    },
  );
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

/** Where the function of `cpuidCode` leaves its findings: i32 words. */
export const CPUID_WORDS = {
  maxLeaf: 0,
  leaf1Ecx: 1,
  leaf7Ebx: 2,
  leaf7Ecx: 3,
  leaf7Subleaf1Eax: 4,
  xcr0: 5,
  maker: 6,
  maxExtendedLeaf: 7,
  intelCaches: 8,
  amdCaches: 20,
  leaf7Edx: 32,
  count: 33,
} as const;

const OSXSAVE_BIT = 27;

/** Machine code of f(words): asks CPUID and, where the system has enabled it, XGETBV. */
function cpuidCode(): Uint8Array {
  const asm = new Assembler({ name: 'cpuid' });
  const [eax, ebx, ecx, edx] = [gpr32(0), gpr32(3), gpr32(1), gpr32(2)];
  const words = gpr(7);
  const at = (word: number): ReturnType<typeof mem> => mem(words, { disp: 4 * word });
  const ask = (leaf: number, subleaf: number): void => {
    asm.emit('mov', eax, leaf);
    asm.emit('mov', ecx, subleaf);
    asm.emit('cpuid');
  };
  asm.emit('push', gpr(3));
  ask(0, 0);
  asm.emit('mov', at(CPUID_WORDS.maxLeaf), eax);
  asm.emit('mov', at(CPUID_WORDS.maker), ebx);
  ask(1, 0);
  asm.emit('mov', at(CPUID_WORDS.leaf1Ecx), ecx);
  asm.emit('mov', edx, ecx);
  asm.emit('shr', edx, OSXSAVE_BIT);
  asm.emit('and', edx, 1);
  const noXgetbv = asm.label('noXgetbv');
  asm.emit('je', noXgetbv);
  asm.emit('xor', ecx, ecx);
  asm.emit('xgetbv');
  asm.emit('mov', at(CPUID_WORDS.xcr0), eax);
  asm.bind(noXgetbv);
  ask(7, 0);
  asm.emit('mov', at(CPUID_WORDS.leaf7Ebx), ebx);
  asm.emit('mov', at(CPUID_WORDS.leaf7Ecx), ecx);
  asm.emit('mov', at(CPUID_WORDS.leaf7Edx), edx);
  ask(7, 1);
  asm.emit('mov', at(CPUID_WORDS.leaf7Subleaf1Eax), eax);
  ask(0x8000_0000 | 0, 0);
  asm.emit('mov', at(CPUID_WORDS.maxExtendedLeaf), eax);
  for (const [leaf, first] of [
    [INTEL_CACHES, CPUID_WORDS.intelCaches],
    [AMD_CACHES | 0, CPUID_WORDS.amdCaches],
  ] as const) {
    for (let subleaf = 0; subleaf < CACHE_SUBLEAVES; subleaf++) {
      ask(leaf, subleaf);
      [eax, ebx, ecx].forEach((register, i) => {
        asm.emit('mov', at(first + 3 * subleaf + i), register);
      });
    }
  }
  asm.emit('pop', gpr(3));
  asm.emit('ret');
  return asm.finish();
}
