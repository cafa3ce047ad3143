import { findTokenChange } from '../compare/tokenChange.js';
import type { BenchResult, CellRecord } from '../schema/benchResult.js';
import type { PairedRecord } from '../schema/figureRecords.js';
import { findMetric } from '../schema/metrics.js';
import type { RunRecord } from '../schema/runRecord.js';
import { comparePaired } from '../statistics/comparePaired.js';

/** What two cells are compared by, as far as both tell it. */
const COMPARED_METRICS = [
  'total',
  'encode',
  'decode',
  'process',
  'step',
  'first_words',
  'final_delay',
] as const;

/** Two cells of one measurement, A first in the plan. */
interface ComparedPair {
  readonly a: CellRecord;
  readonly b: CellRecord;
  readonly labelA: string;
  readonly labelB: string;
}

/**
 * B against A by every metric that both tell, from the rounds that both have run.
 *
 * @param aFirst whether A ran before B in a round
 */
export function compareCells(pair: ComparedPair, aFirst: (round: number) => boolean): PairedRecord[] {
  const { a, b, labelA, labelB } = pair;
  const rounds = roundsOf(a, b);
  const encoderOnly = a.settings.mode === 'encoder' || b.settings.mode === 'encoder';
  return COMPARED_METRICS.flatMap((metric): PairedRecord[] => {
    // For an encoder alone, total and encode are one figure.
    if (encoderOnly && metric !== 'encode') return [];
    const timesA = timesOf(
      metric,
      rounds.map(([run]) => run),
    );
    const timesB = timesOf(
      metric,
      rounds.map(([, run]) => run),
    );
    if (timesA === null || timesB === null) return [];
    return [
      {
        design: 'paired',
        ...{ a: a.id, b: b.id, labelA, labelB, metric },
        sameTokens: sameTokens(rounds),
        orders: rounds.map(([run]) => (aFirst(run.round ?? 0) ? 'ab' : 'ba')),
        outcome: rounds.length < 2 ? null : comparePaired(timesA, timesB),
      },
    ];
  });
}

/** Runs of the same round. */
function roundsOf(a: CellRecord, b: CellRecord): (readonly [a: RunRecord, b: RunRecord])[] {
  const byRound = new Map(b.runs.map((run) => [run.round, run]));
  return a.runs.flatMap((run) => {
    const partner = byRound.get(run.round);
    return partner === undefined ? [] : [[run, partner] as const];
  });
}

/** Null when a run does not tell the metric, or tells a time that has no logarithm. */
function timesOf(metric: string, runs: readonly RunRecord[]): number[] | null {
  const context = { audioDurationMs: Number.NaN, encoderLayers: null };
  const times = runs.map((run) => findMetric(metric)?.of(run, context) ?? null);
  return times.every((ms): ms is number => ms !== null && ms > 0) ? times : null;
}

/** Null when one side tells none. */
function sameTokens(rounds: readonly (readonly [RunRecord, RunRecord])[]): boolean | null {
  if (rounds.length === 0 || rounds.some(([a, b]) => a.tokenHash === null || b.tokenHash === null))
    return null;
  return rounds.every(([a, b]) => a.tokenHash === b.tokenHash);
}

/**
 * Cells of a comparison that recognise something else than the first, although nothing but speed was to differ: not
 * those with another model, on random weights, with a number of tokens or with another language.
 *
 * @returns their ids
 */
export function changedTokens(result: BenchResult): string[] {
  const [first, ...others] = result.cells;
  if (result.kind !== 'comparison' || first === undefined) return [];
  const side = { name: 'this measurement', result };
  return others
    .filter((cell) => {
      const { same, matters } = findTokenChange({ a: first, b: cell }, side, side);
      return same === false && matters;
    })
    .map(({ id }) => id);
}

/**
 * Says which cells of a sweep differ in nothing but the size of the batch and yet decoded other tokens: the order in which
 * sums are taken depends on it, so it may happen, and whoever chooses a size should know.
 *
 * @returns one sentence for each such cell, against the first of its kind
 */
export function changedByBatch(result: BenchResult): string[] {
  const side = { name: 'this measurement', result };
  const firsts = new Map<string, CellRecord>();
  return result.cells.flatMap((cell) => {
    const { batch: _, ...settings } = cell.settings;
    const key = JSON.stringify(settings);
    const first = firsts.get(key);
    if (first === undefined) {
      firsts.set(key, cell);
      return [];
    }
    const { same, difference } = findTokenChange({ a: first, b: cell }, side, side);
    return same === false ? [`${first.id} / ${cell.id}: ${difference}`] : [];
  });
}
