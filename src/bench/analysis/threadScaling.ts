import type { BenchResult, CellRecord } from '../schema/benchResult.js';
import { comparePaired } from '../statistics/comparePaired.js';
import { median } from '../statistics/quantile.js';
import { groupCells } from './groupCells.js';

/** What a number of threads does for one setting. */
export interface ScalingPoint {
  readonly threads: number;
  /** Median wall time. */
  readonly totalMs: number;
  /** Times faster than the fewest threads measured. */
  readonly speedUp: number;
  /** speedUp ÷ how many times more threads. */
  readonly efficiency: number;
}

/** One setting at several numbers of threads. */
export interface ThreadScaling {
  /** The axes that vary beside the threads: `s=5`; empty when there are none. */
  readonly label: string;
  /** By ascending threads; at least two. */
  readonly points: readonly ScalingPoint[];
  /** The fewest threads that are not shown to be slower than the fastest. */
  readonly bestThreads: number;
}

/**
 * How a sweep over threads scales, a report for each combination of the other axes. What is best is decided by pairs
 * of runs of the same round, so that a number of threads is only preferred for what the measurement shows.
 */
export function threadScaling({ cells }: Pick<BenchResult, 'cells'>): ThreadScaling[] {
  const measured = cells.filter(({ settings, runs }) => settings.threads !== null && runs.length > 0);
  return groupCells(measured, 'threads').flatMap(({ label, cells }) => {
    const sorted = distinctThreads(cells);
    return sorted.length < 2 ? [] : [scalingOf(label, sorted)];
  });
}

/** Ascending; of two cells that came out at the same number the first. */
function distinctThreads(cells: readonly CellRecord[]): CellRecord[] {
  const byThreads = new Map<number, CellRecord>();
  for (const cell of cells) {
    const threads = cell.settings.threads ?? 0;
    if (!byThreads.has(threads)) byThreads.set(threads, cell);
  }
  return [...byThreads].sort(([a], [b]) => a - b).map(([, cell]) => cell);
}

function scalingOf(label: string, cells: readonly CellRecord[]): ThreadScaling {
  const totals = cells.map(({ runs }) => median(runs.map(({ totalMs }) => totalMs)));
  const points = cells.map(({ settings }, index): ScalingPoint => {
    const threads = settings.threads ?? 1;
    const speedUp = totals[0]! / totals[index]!;
    return {
      threads,
      totalMs: totals[index]!,
      speedUp,
      efficiency: speedUp / (threads / (cells[0]!.settings.threads ?? 1)),
    };
  });
  const fastest = cells[totals.indexOf(Math.min(...totals))]!;
  const best = cells.find((cell) => cell === fastest || !isSlower(cell, fastest)) ?? fastest;
  return { label, points, bestThreads: best.settings.threads ?? 1 };
}

/** Shown by the rounds that both have run; with a single one by its times. */
function isSlower(cell: CellRecord, fastest: CellRecord): boolean {
  const rounds = Math.min(cell.runs.length, fastest.runs.length);
  const times = ({ runs }: CellRecord): number[] => runs.slice(0, rounds).map(({ totalMs }) => totalMs);
  const [own, other] = [times(cell), times(fastest)];
  return rounds < 2 ? own[0]! > other[0]! : comparePaired(other, own).verdict === 'slower';
}
