import type { Metric } from '../schema/metrics.js';

/** Digits that tell: a benchmark that repeats to a tenth of a percent is a very quiet one. */
const SIGNIFICANT_DIGITS = 4;

/**
 * A number with four significant digits, never in exponent notation, and whole from 1000 on.
 *
 * @example
 * significant(1812.4); // '1812'
 * significant(0.36214); // '0.3621'
 */
export function significant(value: number): string {
  if (value === 0) return '0';
  const integerDigits = Math.floor(Math.log10(Math.abs(value))) + 1;
  return value.toFixed(Math.min(Math.max(SIGNIFICANT_DIGITS - integerDigits, 0), 6));
}

/** `1 thread`, `2 threads` */
export function formatThreads(count: number): string {
  return `${count} ${count === 1 ? 'thread' : 'threads'}`;
}

/** Bytes of the unit that memory is shown in. */
export const MEBIBYTE = 2 ** 20;

/** A metric's value as people read it, without its unit: {@link shownUnit} has that. */
export function figure(value: number, metric: Pick<Metric, 'unit'>): string {
  return significant(metric.unit === 'bytes' ? value / MEBIBYTE : value);
}

/** The unit that {@link figure} writes in. */
export function shownUnit(metric: Pick<Metric, 'unit'>): string {
  return metric.unit === 'bytes' ? 'MiB' : metric.unit;
}

/**
 * A metric as the head of its figures: its name as conditions take it, with the unit where the name does not say it.
 *
 * @example
 * shownTitle({ name: 'total', unit: 'ms' }); // 'total ms'
 */
export function shownTitle(metric: Pick<Metric, 'name' | 'unit'>): string {
  return metric.unit === 'ms' || metric.unit === 'bytes'
    ? `${metric.name} ${shownUnit(metric)}`
    : metric.name;
}

/** `31.0 GiB`, `512 MiB`, `48 KiB`: with the largest binary unit that leaves at least 1. */
export function formatBytes(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
  const step = Math.min(Math.floor(Math.log2(Math.max(bytes, 1)) / 10), units.length - 1);
  const value = bytes / 1024 ** step;
  return `${value.toFixed(value < 100 && step > 0 ? 1 : 0).replace(/\.0$/, '')} ${units[step]}`;
}

/** A rate in steps of 1000: `33.1 G`, to be followed by its unit (`B/s`, `FLOP/s`). */
export function formatRate(perSecond: number): string {
  const prefixes = ['', 'k', 'M', 'G', 'T', 'P'];
  const step = Math.min(Math.max(Math.floor(Math.log10(Math.max(perSecond, 1)) / 3), 0), prefixes.length - 1);
  const value = perSecond / 1000 ** step;
  return `${value.toFixed(value < 100 ? 1 : 0)} ${prefixes[step]}`;
}

/** A ratio as a signed change: 1.031 is `+3.1 %`. */
export function formatChange(ratio: number): string {
  const percent = 100 * (ratio - 1);
  const digits = Math.abs(percent) < 9.95 ? 1 : 0;
  const text = percent.toFixed(digits);
  // No "-0.0": a change that rounds to nothing has no direction.
  return `${Number(text) > 0 ? '+' : ''}${Number(text) === 0 ? text.replace('-', '') : text} %`;
}

/** Seconds of audio: `11.0 s`. */
export function formatSeconds(durationMs: number): string {
  return `${(durationMs / 1000).toFixed(1)} s`;
}

/** A p-value: three digits, `<0.001` below that. */
export function formatProbability(p: number): string {
  return p < 0.001 ? '<0.001' : p.toFixed(3);
}
