import type { CeilingsRecord, CellRecord, WorkRecord } from '../schema/benchResult.js';
import type { PhaseTimes, RunRecord } from '../schema/runRecord.js';
import { median } from '../statistics/quantile.js';
import { type CeilingName, isReliable, rateOf } from './ceilings.js';

/** The phases whose work is known. They do not overlap, so their times add up. */
export type RooflinePhase = 'convStem' | 'encoderLayers' | 'prefill' | 'decode';

/** A phase of a run under the machine's ceilings (Williams, Waterman and Patterson 2009). */
export interface RooflinePoint {
  readonly phase: RooflinePhase;
  readonly ms: number;
  readonly flopsPerSecond: number;
  readonly bytesPerSecond: number;
  /** Operations for each byte that has to be read. */
  readonly intensity: number;
  /** Which ceiling is the lower one at this intensity: a dot product's throughput, or reading memory. */
  readonly limit: CeilingName;
  /** That ceiling, in operations or bytes per second, and what the phase reached of it. */
  readonly ceiling: number;
  readonly rate: number;
  /** Milliseconds that the phase would take at its ceiling. */
  readonly ceilingMs: number;
  /** ceilingMs ÷ ms, or rate ÷ ceiling; caches can carry it above 1. */
  readonly share: number;
  /** False when the ceiling itself moved too much to be held against. */
  readonly reliable: boolean;
}

/** The metric that has the time of each phase. */
export const PHASE_METRICS: Readonly<Record<RooflinePhase, string>> = {
  convStem: 'conv_stem',
  encoderLayers: 'encoder_layers',
  prefill: 'prefill',
  decode: 'decode_steps',
};

const ROOFLINE_PHASES: readonly RooflinePhase[] = ['convStem', 'encoderLayers', 'prefill', 'decode'];

const TIME_OF: Readonly<Record<RooflinePhase, `${RooflinePhase}Ms` & keyof PhaseTimes>> = {
  convStem: 'convStemMs',
  encoderLayers: 'encoderLayersMs',
  prefill: 'prefillMs',
  decode: 'decodeMs',
};

/**
 * Each phase of a run under the ceilings.
 *
 * @param work of a run like this one (`workOfRun`)
 * @returns empty without ceilings
 */
export function rooflineOfRun(
  { phases }: RunRecord,
  work: readonly WorkRecord[],
  ceilings: CeilingsRecord | null,
): RooflinePoint[] {
  return ceilings === null ? [] : pointsOf((phase) => phases[TIME_OF[phase]], work, ceilings);
}

/** The same for a cell by the medians of its runs. */
export function rooflineOfCell(cell: CellRecord, ceilings: readonly CeilingsRecord[]): RooflinePoint[] {
  const own = ceilingsOf(cell, ceilings);
  if (own === null || cell.runs.length === 0) return [];
  const typical = (phase: RooflinePhase): number | null => {
    const times = cell.runs.map(({ phases }) => phases[TIME_OF[phase]]).filter((ms) => ms !== null);
    return times.length < cell.runs.length ? null : median(times);
  };
  return pointsOf(typical, cell.work, own);
}

/** The ceilings that were measured on a cell's threads and backend; null when there are none. */
export function ceilingsOf(
  { settings }: Pick<CellRecord, 'settings'>,
  ceilings: readonly CeilingsRecord[],
): CeilingsRecord | null {
  const { threads, backend, isa } = settings;
  const found = ceilings.find((one) => one.threads === threads && one.backend === backend && one.isa === isa);
  return found ?? null;
}

function pointsOf(
  timeOf: (phase: RooflinePhase) => number | null,
  work: readonly WorkRecord[],
  ceilings: CeilingsRecord,
): RooflinePoint[] {
  return ROOFLINE_PHASES.flatMap((phase) => {
    const record = work.find((one) => one.phase === phase);
    const ms = timeOf(phase);
    return record === undefined || ms === null || ms <= 0 ? [] : (pointOf(phase, ms, record, ceilings) ?? []);
  });
}

function pointOf(
  phase: RooflinePhase,
  ms: number,
  { flops, bytes, arithmetic }: WorkRecord,
  ceilings: CeilingsRecord,
): RooflinePoint | null {
  // Without bf16 products a CPU widens bf16 and multiplies in f32.
  const product = arithmetic === 'bf16' && ceilings.bf16FlopsPerSecond === null ? 'f32' : arithmetic;
  const peak = rateOf(ceilings, product);
  const read = rateOf(ceilings, 'read');
  if (!flops || !bytes || peak === null || read === null) return null;
  const [arithmeticMs, readMs] = [(1000 * flops) / peak, (1000 * bytes) / read];
  const ceilingMs = Math.max(arithmeticMs, readMs);
  const limit = readMs > arithmeticMs ? 'read' : product;
  const [flopsPerSecond, bytesPerSecond] = [(1000 * flops) / ms, (1000 * bytes) / ms];
  return {
    ...{ phase, ms, flopsPerSecond, bytesPerSecond, limit, ceilingMs },
    intensity: flops / bytes,
    ceiling: limit === 'read' ? read : peak,
    rate: limit === 'read' ? bytesPerSecond : flopsPerSecond,
    share: ceilingMs / ms,
    reliable: isReliable(ceilings, limit),
  };
}
