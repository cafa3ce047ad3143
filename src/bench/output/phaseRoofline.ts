import type { BenchResult, CeilingsRecord, CellRecord } from '../schema/benchResult.js';
import type { PhaseName } from '../schema/runRecord.js';

/** A phase of a cell against the machine's ceilings. */
export interface PhaseRoofline {
  readonly phase: string;
  readonly arithmetic: 'f32' | 'bf16' | 'int8';
  readonly medianMs: number;
  readonly flopsPerSecond: number;
  readonly bytesPerSecond: number;
  /** Operations for each byte read. */
  readonly intensity: number;
  /** What the machine could reach at this intensity. */
  readonly attainableFlopsPerSecond: number;
  /** 0 … 1 of that; caches can carry it above 1. */
  readonly share: number;
  readonly limit: 'arithmetic' | 'memory';
}

/** The metric of each phase that can have work. */
const METRIC_OF: Readonly<Partial<Record<PhaseName, string>>> = {
  mel: 'mel',
  convStem: 'conv_stem',
  encoderLayers: 'encoder_layers',
  prefill: 'prefill',
  decode: 'decode_steps',
};

/** The ceilings that were measured on a cell's threads and backend; null when there are none. */
export function ceilingsOf({ settings }: CellRecord, { ceilings }: BenchResult): CeilingsRecord | null {
  const { threads, backend, isa } = settings;
  const found = ceilings.find((one) => one.threads === threads && one.backend === backend && one.isa === isa);
  return found ?? null;
}

/** Peak rate of an arithmetic; null where the machine has no such instruction. */
export function peakOf(ceilings: CeilingsRecord, arithmetic: PhaseRoofline['arithmetic']): number | null {
  if (arithmetic === 'bf16') return ceilings.bf16FlopsPerSecond;
  return arithmetic === 'int8' ? ceilings.int8OpsPerSecond : ceilings.f32FlopsPerSecond;
}

/** Each phase whose work and ceilings are known, by the median of its times (Williams et al. 2009). */
export function phaseRooflines(cell: CellRecord, result: BenchResult): PhaseRoofline[] {
  const ceilings = ceilingsOf(cell, result);
  if (ceilings === null) return [];
  return cell.work.flatMap(({ phase, flops, bytes, arithmetic }): PhaseRoofline[] => {
    const metric = METRIC_OF[phase];
    const medianMs = metric === undefined ? undefined : cell.summary?.[metric]?.median;
    // Widened bf16 multiplies in f32 where the CPU has no bf16 products.
    const peak = peakOf(ceilings, arithmetic) ?? ceilings.f32FlopsPerSecond;
    if (medianMs === undefined || medianMs <= 0 || !flops || !bytes) return [];
    const intensity = flops / bytes;
    const memoryBound = intensity * ceilings.readBytesPerSecond;
    const attainableFlopsPerSecond = Math.min(peak, memoryBound);
    const flopsPerSecond = (1000 * flops) / medianMs;
    return [
      {
        phase: metric ?? phase,
        arithmetic,
        medianMs,
        flopsPerSecond,
        bytesPerSecond: (1000 * bytes) / medianMs,
        intensity,
        attainableFlopsPerSecond,
        share: flopsPerSecond / attainableFlopsPerSecond,
        limit: memoryBound < peak ? 'memory' : 'arithmetic',
      },
    ];
  });
}
