import type { CeilingsRecord, CellRecord, WorkRecord } from '../schema/benchResult.js';
import type { RunRecord } from '../schema/runRecord.js';
import { median } from '../statistics/quantile.js';

/** How close a part of a run comes to what limits it. */
export interface RooflinePoint {
  /** `convStem`, `encoderLayers`, `encode` (mel included), `prefill` or `decode`. */
  readonly part: 'convStem' | 'encoderLayers' | 'encode' | 'prefill' | 'decode';
  /** Operations, or bytes when `limit` is `read`. */
  readonly work: number;
  readonly ms: number;
  readonly perSecond: number;
  /** Which ceiling it is held against: a dot product's throughput, or reading memory. */
  readonly limit: 'f32' | 'bf16' | 'int8' | 'read';
  /** perSecond ÷ the ceiling. */
  readonly share: number;
}

/** The times of a run, or the typical times of many. */
type PartTimes = Readonly<Record<RooflinePoint['part'], number | null>>;

/**
 * Each part of a run as a share of the machine's ceiling: arithmetic for the parts that are full of it, reading memory
 * for decode, which has to read every weight for every token.
 *
 * @param work of a run like this one (`workOfRun`)
 * @returns empty without ceilings
 */
export function rooflineOfRun(
  run: RunRecord,
  work: readonly WorkRecord[],
  ceilings: CeilingsRecord | null,
): RooflinePoint[] {
  return ceilings === null ? [] : pointsOf(partTimes(run), work, ceilings);
}

/** The same for a cell by the medians of its runs. */
export function rooflineOfCell(cell: CellRecord, ceilings: readonly CeilingsRecord[]): RooflinePoint[] {
  const { threads, backend, isa } = cell.settings;
  const own = ceilings.find((one) => one.threads === threads && one.backend === backend && one.isa === isa);
  if (own === undefined || cell.runs.length === 0) return [];
  const times = cell.runs.map(partTimes);
  const typical = (part: RooflinePoint['part']): number | null => {
    const values = times.map((one) => one[part]).filter((ms) => ms !== null);
    return values.length < times.length ? null : median(values);
  };
  return pointsOf(
    {
      convStem: typical('convStem'),
      encoderLayers: typical('encoderLayers'),
      encode: typical('encode'),
      prefill: typical('prefill'),
      decode: typical('decode'),
    },
    cell.work,
    own,
  );
}

function partTimes({ phases, encodeMs }: RunRecord): PartTimes {
  const { convStemMs, encoderLayersMs, prefillMs, decodeMs } = phases;
  return {
    convStem: convStemMs,
    encoderLayers: encoderLayersMs,
    encode: encodeMs,
    prefill: prefillMs,
    decode: decodeMs,
  };
}

function pointsOf(times: PartTimes, work: readonly WorkRecord[], ceilings: CeilingsRecord): RooflinePoint[] {
  const of = (phase: WorkRecord['phase']) => work.find((one) => one.phase === phase);
  const [stem, layers] = [of('convStem'), of('encoderLayers')];
  const encoder =
    stem === undefined || layers === undefined || stem.flops === null || layers.flops === null
      ? undefined
      : { ...layers, flops: stem.flops + layers.flops };
  const parts: readonly (readonly [RooflinePoint['part'], WorkRecord | undefined])[] = [
    ['convStem', stem],
    ['encoderLayers', layers],
    ['encode', encoder],
    ['prefill', of('prefill')],
    ['decode', of('decode')],
  ];
  return parts.flatMap(([part, record]) =>
    record === undefined ? [] : (pointOf(part, times[part], record, ceilings) ?? []),
  );
}

function pointOf(
  part: RooflinePoint['part'],
  ms: number | null,
  { flops, bytes, arithmetic }: WorkRecord,
  ceilings: CeilingsRecord,
): RooflinePoint | null {
  const limit = part === 'decode' ? 'read' : arithmetic;
  const work = limit === 'read' ? bytes : flops;
  const ceiling = {
    f32: ceilings.f32FlopsPerSecond,
    bf16: ceilings.bf16FlopsPerSecond,
    int8: ceilings.int8OpsPerSecond,
    read: ceilings.readBytesPerSecond,
  }[limit];
  if (ms === null || ms <= 0 || work === null || ceiling === null) return null;
  const perSecond = (work / ms) * 1000;
  return { part, work, ms, perSecond, limit, share: perSecond / ceiling };
}
