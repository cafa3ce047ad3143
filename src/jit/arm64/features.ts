import type { Capabilities, Tuning } from '../ir.js';

/** What a CPU has, beside NEON, of the instructions that kernels can be lowered to. */
export interface Arm64Features {
  /** FEAT_LSE: atomics in one instruction. */
  readonly lse: boolean;
  /** FEAT_DotProd: dot products of signed bytes. */
  readonly dotprod: boolean;
  /** FEAT_BF16: dot products of bf16 pairs, and rounding to bf16. */
  readonly bf16: boolean;
  /** FEAT_I8MM: dot products of unsigned with signed bytes. */
  readonly i8mm: boolean;
}

/** In the order of their names, which is that of their history. */
const FEATURES: readonly (keyof Arm64Features)[] = ['lse', 'dotprod', 'bf16', 'i8mm'];

/** What every arm64 CPU has: Cortex-A53 and -A72, a Raspberry Pi 4. */
export const NEON: Arm64Features = { lse: false, dotprod: false, bf16: false, i8mm: false };

/**
 * Features as `--isa` and results name them.
 *
 * @example
 * arm64Name({ ...NEON, lse: true, dotprod: true }); // 'neon+lse+dotprod', of Neoverse N1 and Apple's M1
 */
export function arm64Name(features: Arm64Features): string {
  return ['neon', ...FEATURES.filter((feature) => features[feature])].join('+');
}

/** The features that a name stands for, or null where it is none. */
export function arm64Features(name: string): Arm64Features | null {
  const parts = name.split('+');
  const [lse, dotprod, bf16, i8mm] = FEATURES.map((feature) => parts.includes(feature));
  const features = { lse: lse!, dotprod: dotprod!, bf16: bf16!, i8mm: i8mm! };
  return arm64Name(features) === name ? features : null;
}

/** Whether `features` has all that `needed` has. */
export function containsFeatures(features: Arm64Features, needed: Arm64Features): boolean {
  return FEATURES.every((feature) => features[feature] || !needed[feature]);
}

/** Names of these features and of the first ones of them, weakest first. */
export function arm64Names(features: Arm64Features): string[] {
  const parts = ['neon', ...FEATURES.filter((feature) => features[feature])];
  return parts.map((_, last) => parts.slice(0, last + 1).join('+'));
}

/**
 * 24 accumulators, four of B and one of A fill 32 registers but for three. Nothing of this has been measured on hardware:
 * where Arm's own optimisation guides say nothing, the values are those of x86-64.
 */
const TUNING: Tuning = {
  tileRows: 6,
  l1Bytes: 64 * 1024,
  l2Bytes: 512 * 1024, // Cortex-A76 in a Raspberry Pi 5; Neoverse cores have 1 MiB
  kSegmentBytes: 0,
  streamGroups: 2,
  loadsAhead: 2,
  sideBySideRows: 3,
  streams: 1,
  unroll: 8,
  prefetchBytes: 4096,
  prefetchLevel: 0,
  widenOnce: 1,
  pairsAsF32: 0,
  transposes: 0,
};

/** What a kernel body may use with these features; `tuning` replaces the values above. */
export function arm64Capabilities(
  { dotprod, bf16, i8mm }: Arm64Features,
  tuning: Partial<Tuning> = {},
): Capabilities {
  return {
    lanes: 4,
    pairDot: bf16,
    pairMatrix: bf16,
    tiles: false,
    byteDot: i8mm,
    smallByteDot: dotprod,
    elementProducts: true,
    elementSources: false,
    shiftsBytes: true,
    vecRegisters: 32,
    intRegisters: 23,
    registersAreVirtual: false,
    widensInPairs: true, // one load for two vectors
    tuning: { ...TUNING, ...tuning },
  };
}
