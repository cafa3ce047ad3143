import type { Tuning } from '../ir.js';

/*
 * What measured best, and what follows from the processor at hand: its caches, and how its units keep up with one another.
 */

/** Of a processor that says nothing of its caches: as small as they have been for fifteen years. */
const UNKNOWN_CACHES = { l1Bytes: 32 * 1024, l2Bytes: 512 * 1024 } as const;

/**
 * 24 accumulators, four of B and one of A fill 32 registers; 12, three of A and one of B fill 16. Of prefetches 1 to 16 KB
 * ahead, in turns on two cores of a Zen 4 (0.6B, a decode step), 4 KB was best: 43 ms against 46 at 16 KB, which fetches
 * too much past the ends of tiles that others work on.
 */
const BASE = {
  streamGroups: 2,
  loadsAhead: 0,
  sideBySideRows: 0,
  streams: 1,
  unroll: 4,
  prefetchBytes: 4096,
  prefetchLevel: 0,
  widenOnce: 0,
  pairsAsF32: 0,
  transposes: 1,
} as const satisfies Partial<Tuning>;

/**
 * Intel's fetch non-temporal data through the few buffers of the first cache: on two cores of an Emerald Rapids a decode
 * step (0.6B, bf16) takes 88 ms so, 60 without prefetches, and 45 into the second cache (50 at 2 KB, 53 at 8 KB); with
 * 8-bit weights 49, 25 and 24. And several streams keep more lines on their way than one, as the second cache fetches ahead
 * within pages: two cores of an Emerald Rapids read 31 to 32 GB/s in one stream, 37 in four and 40 in eight, which come
 * into the first cache 512 bytes ahead each (38 without prefetches; into the second cache 33 to 36).
 *
 * The maker decides, not a measurement: that would take tens of megabytes that no cache holds, and to make them takes
 * longer than all of loading.
 */
const INTEL: Partial<Tuning> = { prefetchLevel: 2, streams: 8 };

/** Bytes of a row of A in a piece of K: shorter ones cost more in folded sums than they save in cache. */
const LEAST_SEGMENT_BYTES = 4096;

/** Tuning for vectors of 16 (`isWide`) or 8 lanes; `given` replaces what is said here, and what follows from that. */
export function x64Tuning(isWide: boolean, given: Partial<Tuning> = {}): Tuning {
  const tuning = { ...BASE, ...UNKNOWN_CACHES, tileRows: isWide ? 6 : 3, ...given };
  const kSegmentBytes = Math.max(LEAST_SEGMENT_BYTES, Math.floor(tuning.l1Bytes / 2 / tuning.tileRows));
  return { kSegmentBytes, ...tuning };
}

/** What is found out about a processor before its first kernel. */
export interface CpuFindings {
  readonly isIntel: boolean;
  /** As CPUID says; null where it does not. */
  readonly l1Bytes: number | null;
  readonly l2Bytes: number | null;
  readonly times: ProbeTimes | null;
}

/** Shortest times of equally many vector operations, in any unit. */
export interface ProbeTimes {
  /** Products of f32, added up, in the widest vectors. */
  readonly fma: number;
  /** The same among loads of bf16 that are widened, as many as a tile of `tileRows` × 4 products has. */
  readonly fmaWidening: number;
  /** The same of f32, in vectors of half the width; null where the widest have 8 lanes. */
  readonly fmaHalf: number | null;
  /** Products of bf16 pairs; null where there is no such instruction. */
  readonly pairs: number | null;
}

/*
 * Processors differ by whole factors, and each bound is the geometric middle of two of them: what else the machine does
 * would have to hold up one kind of operation by 15 % or 40 % more than another in every round of the probe to be taken for
 * another processor.
 */

/** Operations in halves take twice as long. */
const HALF_WIDTH_RATIO = Math.SQRT2;
/** Times that products of pairs take of those of f32: 1 (AMD's), 2 (no gain over f32, no loss), or 4 (Intel's since 2023). */
const SLOW_PAIRS_RATIO = 2 * Math.SQRT2;
/** A third more operations, which run beside the products, or in their place. */
const SLOW_WIDENING_RATIO = Math.sqrt(4 / 3);

/**
 * The tuning that suits a processor better than what suits most.
 *
 * @example
 * measuredTuning({ isIntel: false, l1Bytes: 49152, l2Bytes: null, times: null }); // { l1Bytes: 49152 }
 */
export function measuredTuning({ isIntel, l1Bytes, l2Bytes, times }: CpuFindings): Partial<Tuning> {
  return {
    ...(isIntel && INTEL),
    ...(l1Bytes !== null && { l1Bytes }),
    ...(l2Bytes !== null && { l2Bytes }),
    ...(times !== null && {
      widenOnce: times.fmaWidening / times.fma > SLOW_WIDENING_RATIO ? 1 : 0,
      pairsAsF32: times.pairs !== null && times.pairs / times.fma > SLOW_PAIRS_RATIO ? 1 : 0,
    }),
  };
}

/** Bits of a 512-bit vector that the units multiply at a time: 512 or 256; null where vectors are shorter, or unknown. */
export function datapathBits({ times }: CpuFindings): number | null {
  if (times === null || times.fmaHalf === null) return null;
  return times.fma / times.fmaHalf < HALF_WIDTH_RATIO ? 512 : 256;
}
