import { QwenAsrError } from '../../error.js';
import type { Capabilities, Tuning } from '../ir.js';
import { x64Tuning } from './tuning.js';

/** What a CPU has, and its system lets it use, of the instructions that kernels can be lowered to. */
export interface CpuFeatures {
  /** AVX2, FMA and F16C: without them nothing runs. */
  readonly avx2: boolean;
  /** AVX-512 F, BW and VL: 16 lanes, 32 registers, masks. */
  readonly avx512: boolean;
  /** AVX-512 VNNI: dot products of bytes in EVEX form. */
  readonly vnni: boolean;
  /** AVX-VNNI: the same in VEX form, which CPUs without AVX-512 may have. */
  readonly avxVnni: boolean;
  /** AVX-512 BF16: dot products of bf16 pairs, and rounding to bf16. */
  readonly bf16: boolean;
  /** AMX-TILE and AMX-BF16: tiles of 16 × 16 sums, and products of bf16 pairs that add to them. */
  readonly amx: boolean;
}

/** Instruction set levels, the names of the common sets of features, weakest first. */
export const X64_LEVELS = ['avx2', 'avx512f', 'avx512bf16', 'amx'] as const;

export type X64Level = (typeof X64_LEVELS)[number];

const NONE: CpuFeatures = {
  avx2: false,
  avx512: false,
  vnni: false,
  avxVnni: false,
  bf16: false,
  amx: false,
};

const AVX512_BF16: CpuFeatures = { ...NONE, avx2: true, avx512: true, vnni: true, bf16: true };

/** The features of each level. */
export const X64_PRESETS: Readonly<Record<X64Level, CpuFeatures>> = {
  avx2: { ...NONE, avx2: true },
  avx512f: { ...NONE, avx2: true, avx512: true },
  avx512bf16: AVX512_BF16,
  amx: { ...AVX512_BF16, amx: true },
};

/** What a name may add to a level: features that CPUs have without all of the next level. */
const EXTRAS = { vnni: 'vnni', avxvnni: 'avxVnni' } as const;

/** Levels that these features contain, weakest first. */
export function levelsOf(features: CpuFeatures): X64Level[] {
  return X64_LEVELS.filter((level) => contains(features, X64_PRESETS[level]));
}

/**
 * Features as `--isa` and results name them: the strongest level, and what more of them kernels can use.
 *
 * @throws QwenAsrError `internal` for features without AVX2
 *
 * @example
 * isaName(X64_PRESETS.avx512bf16); // 'avx512bf16'
 * isaName({ ...X64_PRESETS.avx512f, vnni: true }); // 'avx512f+vnni', of Cascade Lake
 * isaName({ ...X64_PRESETS.avx2, avxVnni: true }); // 'avx2+avxvnni', of Alder Lake
 */
export function isaName(features: CpuFeatures): string {
  const level = levelsOf(features).at(-1);
  if (level === undefined) throw new QwenAsrError('internal', 'x64: expected features with AVX2, found none');
  const { avx512, vnni, avxVnni } = features;
  if (avx512) return vnni && !X64_PRESETS[level].vnni ? `${level}+vnni` : level;
  return avxVnni ? `${level}+avxvnni` : level;
}

/** Every name of which a CPU with these features has all, weakest first. */
export function isaNames(features: CpuFeatures): string[] {
  return levelsOf(features).flatMap((level) => {
    const more = { ...X64_PRESETS[level], vnni: features.vnni, avxVnni: features.avxVnni };
    return [...new Set([level, isaName(more)])];
  });
}

/** The features that a name stands for, or null where it is none. */
export function isaFeatures(name: string): CpuFeatures | null {
  const [first = '', ...extras] = name.split('+');
  const level = X64_LEVELS.find((one) => one === first);
  if (level === undefined) return null;
  let features = X64_PRESETS[level];
  for (const extra of extras) {
    if (!isExtra(extra)) return null;
    features = { ...features, [EXTRAS[extra]]: true };
  }
  return isaName(features) === name ? features : null;
}

/** Whether `features` has all that `needed` has. */
export function contains(features: CpuFeatures, needed: CpuFeatures): boolean {
  return (Object.keys(needed) as (keyof CpuFeatures)[]).every((name) => features[name] || !needed[name]);
}

function isExtra(name: string): name is keyof typeof EXTRAS {
  return Object.hasOwn(EXTRAS, name);
}

/**
 * What a kernel body may use with a level's features or with others; `tuning` replaces what measured best. Two of the 16
 * integer registers are kept for lowerings, one is the stack.
 */
export function x64Capabilities(target: X64Level | CpuFeatures, tuning: Partial<Tuning> = {}): Capabilities {
  const { avx512, vnni, avxVnni, bf16, amx } = typeof target === 'string' ? X64_PRESETS[target] : target;
  const byteDot = avx512 ? vnni : avxVnni;
  return {
    lanes: avx512 ? 16 : 8,
    pairDot: bf16,
    byteDot,
    smallByteDot: !byteDot,
    pairMatrix: false,
    tiles: amx,
    elementProducts: false,
    elementSources: avx512,
    shiftsBytes: false,
    vecRegisters: avx512 ? 32 : 16,
    intRegisters: 13,
    registersAreVirtual: false,
    widensInPairs: false, // one widens from memory in an instruction and a shift
    tuning: x64Tuning(avx512, tuning),
  };
}
