import { testDrift } from './driftTest.js';
import { median } from './quantile.js';

/** When a warm-up counts as finished. */
export interface SteadyOptions {
  /** How many of the last runs are looked at; 5 when left out, the fewest that can show a trend at all. */
  readonly window?: number;
  /** A change over the window below this percentage is no trend, however significant; 1 when left out. */
  readonly tolerancePercent?: number;
}

/**
 * A trend is taken seriously from here. Stricter than the usual 5 %, because calling a warm-up finished too early
 * spoils the measurement while one more run costs little.
 */
const SIGNIFICANCE = 0.1;

/**
 * Whether the warm-up has reached a steady state: the last runs show no trend (`testDrift`), and the very first
 * of them does not stand out as slow, as a run that compiled or filled caches does.
 *
 * @param warmupMs the warm-up runs so far, in order
 * @returns false while there are fewer runs than the window
 * @example
 * while (!isSteady(warmupMs) && warmupMs.length < 20) warmupMs.push(await runOnce());
 */
export function isSteady(warmupMs: readonly number[], options: SteadyOptions = {}): boolean {
  const { window = 5, tolerancePercent = 1 } = options;
  if (warmupMs.length < window) return false;
  const recent = warmupMs.slice(-window);
  const [first, ...rest] = recent;
  const drift = testDrift(recent, SIGNIFICANCE);
  if (drift.drifting && Math.abs(drift.totalPercent) > tolerancePercent) return false;
  const slowest = Math.max(...rest);
  return first! <= slowest || first! <= median(rest) * (1 + tolerancePercent / 100);
}
