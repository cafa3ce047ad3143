import { PHASES, type PhaseName, phaseMs } from '../phases.js';
import type { CeilingRates, CeilingsRecord, CellRecord, WorkRecord } from '../schema/benchResult.js';
import type { RunRecord } from '../schema/runRecord.js';
import { median } from '../statistics/descriptive.js';

/** A phase of a run under the machine's ceilings (Williams, Waterman and Patterson 2009). */
export interface RooflinePoint {
  readonly phase: PhaseName;
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
  return ceilings === null ? [] : pointsOf((phase) => phaseMs(phases, phase), work, ceilings);
}

/** The same for a cell by the medians of its runs. */
export function rooflineOfCell(cell: CellRecord, ceilings: readonly CeilingsRecord[]): RooflinePoint[] {
  const own = ceilingsOf(cell, ceilings);
  if (own === null || cell.runs.length === 0) return [];
  const typical = (phase: PhaseName): number | null => {
    const times = cell.runs.map(({ phases }) => phaseMs(phases, phase)).filter((ms) => ms !== null);
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
  timeOf: (phase: PhaseName) => number | null,
  work: readonly WorkRecord[],
  ceilings: CeilingsRecord,
): RooflinePoint[] {
  return PHASES.flatMap(({ id: phase }) => {
    const record = work.find((one) => one.phase === phase);
    const ms = timeOf(phase);
    return record === undefined || ms === null || ms <= 0 ? [] : (pointOf(phase, ms, record, ceilings) ?? []);
  });
}

function pointOf(
  phase: PhaseName,
  ms: number,
  { flops, bytes, arithmetic }: WorkRecord,
  ceilings: CeilingsRecord,
): RooflinePoint | null {
  const product = arithmetic === 'bf16' ? bf16Product(ceilings) : arithmetic;
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

/** Bf16 may as well be widened and multiplied in f32, where that is faster, or nothing else exists. */
function bf16Product({ bf16FlopsPerSecond, f32FlopsPerSecond }: CeilingRates): 'bf16' | 'f32' {
  return (bf16FlopsPerSecond ?? 0) < f32FlopsPerSecond ? 'f32' : 'bf16';
}

/** What is special about the vector units and how they are used: `512-bit datapaths`, `bf16 multiplied as f32`. */
export function vectorUnits({ datapathBits, tuning }: CeilingRates): string[] {
  const width = datapathBits == null ? [] : [`${datapathBits}-bit datapaths`];
  return tuning?.split(',').includes('pairsAsF32=1') ? [...width, 'bf16 multiplied as f32'] : width;
}

/** What can limit a phase: a dot product's throughput in f32, bf16 or int8, or reading memory. */
export type CeilingName = 'f32' | 'bf16' | 'int8' | 'read';

export const CEILING_NAMES: readonly CeilingName[] = ['read', 'f32', 'bf16', 'int8'];

const RATE_OF: Readonly<Record<CeilingName, Exclude<keyof CeilingRates, 'datapathBits' | 'tuning'>>> = {
  read: 'readBytesPerSecond',
  f32: 'f32FlopsPerSecond',
  bf16: 'bf16FlopsPerSecond',
  int8: 'int8OpsPerSecond',
};

/** Of the rate, between the lowest and the highest measurement: beyond it a share of the ceiling means little. */
const MOST_MOVEMENT = 0.15;

/** From so many measurements on the two at the ends may be left aside. */
const FEWEST_TO_TRIM = 5;

/** A ceiling in operations or bytes per second; null where the processor has no such instruction. */
export function rateOf(rates: CeilingRates, name: CeilingName): number | null {
  return rates[RATE_OF[name]];
}

/** Several measurements of the same ceilings as one: the median of each rate, and all of them beside it. */
export function joinCeilings(samples: readonly [CeilingRates, ...CeilingRates[]]): CeilingRates & {
  readonly samples: readonly CeilingRates[];
} {
  const typical = (name: CeilingName): number | null => {
    const rates = samples.map((one) => rateOf(one, name)).filter((rate) => rate !== null);
    return rates.length === 0 ? null : median(rates);
  };
  const [first] = samples;
  return {
    readBytesPerSecond: typical('read') ?? first.readBytesPerSecond,
    f32FlopsPerSecond: typical('f32') ?? first.f32FlopsPerSecond,
    bf16FlopsPerSecond: typical('bf16'),
    int8OpsPerSecond: typical('int8'),
    // A probe that something got in the way of may see no difference between the widths, never one that is not there.
    datapathBits: Math.max(0, ...samples.map((one) => one.datapathBits ?? 0)) || null,
    ...(first.tuning !== undefined && { tuning: first.tuning }),
    samples,
  };
}

/** The lowest and the highest measurement of a ceiling; null when it was measured once, or not at all. */
export function ceilingRange(
  ceilings: CeilingsRecord,
  name: CeilingName,
): { readonly low: number; readonly high: number } | null {
  const rates = ratesOf(ceilings, name);
  return rates.length < 2 ? null : { low: Math.min(...rates), high: Math.max(...rates) };
}

/**
 * The range in which a ceiling was measured, without its lowest and its highest measurement where there are five or
 * more: one that another process got in the way of says nothing about the machine.
 */
export function typicalRange(
  ceilings: CeilingsRecord,
  name: CeilingName,
): { readonly low: number; readonly high: number } | null {
  const rates = ratesOf(ceilings, name).sort((a, b) => a - b);
  const trimmed = rates.length < FEWEST_TO_TRIM ? rates : rates.slice(1, -1);
  const [low, high] = [trimmed[0], trimmed.at(-1)];
  return rates.length < 2 || low === undefined || high === undefined ? null : { low, high };
}

function ratesOf({ samples = [] }: CeilingsRecord, name: CeilingName): number[] {
  return samples.map((one) => rateOf(one, name)).filter((rate) => rate !== null);
}

/** How far a ceiling moved between its measurements, as a share of it: 0 when it was measured once. */
export function ceilingMovement(ceilings: CeilingsRecord, name: CeilingName): number {
  const range = typicalRange(ceilings, name);
  const rate = rateOf(ceilings, name);
  return range === null || !rate ? 0 : (range.high - range.low) / rate;
}

/** Whether a ceiling kept still enough for shares of it to mean something. */
export function isReliable(ceilings: CeilingsRecord, name: CeilingName): boolean {
  return ceilingMovement(ceilings, name) <= MOST_MOVEMENT;
}
