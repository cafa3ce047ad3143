import type { CeilingRates, CeilingsRecord } from '../schema/benchResult.js';
import { median } from '../statistics/quantile.js';

/** What can limit a phase: a dot product's throughput in f32, bf16 or int8, or reading memory. */
export type CeilingName = 'f32' | 'bf16' | 'int8' | 'read';

export const CEILING_NAMES: readonly CeilingName[] = ['read', 'f32', 'bf16', 'int8'];

const RATE_OF: Readonly<Record<CeilingName, Exclude<keyof CeilingRates, 'datapathBits'>>> = {
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
