import type { BenchResult, CellRecord } from '../schema/benchResult.js';
import { comparePaired } from '../statistics/comparePaired.js';
import { median } from '../statistics/descriptive.js';
import type { FigureTable } from './block.js';
import { significant } from './figures.js';
import { sweepAxes, sweepSeries } from './sweepAxes.js';

/** What a number of threads does for one setting. */
export interface ScalingPoint {
  readonly threads: number;
  /** Median wall time: of a run, of a step where it is live. */
  readonly totalMs: number;
  /** Times faster than the fewest threads measured. */
  readonly speedUp: number;
  /** speedUp ÷ how many times more threads. */
  readonly efficiency: number;
}

/** One setting at several numbers of threads. */
export interface ThreadScaling {
  /** What the other axes have: `precision bf16, 10 s`; empty when nothing else varies. */
  readonly label: string;
  /** By ascending threads; at least two. */
  readonly points: readonly ScalingPoint[];
  /** The threads of the smallest median, or fewer that were shown to be as fast. */
  readonly bestThreads: number;
}

/**
 * How a sweep over threads scales, a report for each combination of the other axes. Whether fewer threads are as fast
 * is decided by pairs of runs of the same round.
 */
export function threadScaling(result: BenchResult): ThreadScaling[] {
  const axis = sweepAxes(result).find(({ name }) => name === 'threads');
  if (axis === undefined) return [];
  return sweepSeries(result, axis).map(({ title, points }) =>
    scalingOf(title, distinctThreads(points.map(({ cell }) => cell))),
  );
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
  const totals = cells.map((cell) => median(timesOf(cell)));
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
  const best = cells.find((cell) => cell === fastest || isAsFast(cell, fastest)) ?? fastest;
  return { label, points, bestThreads: best.settings.threads ?? 1 };
}

function timesOf({ runs }: CellRecord): number[] {
  return runs.map(({ totalMs, stream }) =>
    stream == null || stream.steps.length === 0 ? totalMs : median(stream.steps.map(({ stepMs }) => stepMs)),
  );
}

/** Shown by the rounds that both have run: within 1 % of it. */
function isAsFast(cell: CellRecord, fastest: CellRecord): boolean {
  const rounds = Math.min(cell.runs.length, fastest.runs.length);
  if (rounds < 2) return false;
  const times = (cell: CellRecord): number[] => timesOf(cell).slice(0, rounds);
  const { verdict, meanDisagrees } = comparePaired(times(fastest), times(cell));
  return (verdict === 'same' || verdict === 'faster') && !meanDisagrees;
}

/** Which `-t` is best, a sentence for each number that is, with the settings of the other axes it is best for. */
export function threadAdvice(result: BenchResult): string[] {
  const scalings = threadScaling(result);
  const best = [...new Set(scalings.map(({ bestThreads }) => bestThreads))].sort((a, b) => a - b);
  return best.map((threads) => {
    const labels = scalings.filter(({ bestThreads }) => bestThreads === threads).map(({ label }) => label);
    const all = labels.length === scalings.length && labels.length > 1;
    return `best -t ${threads}${all ? ' everywhere' : labels[0] === '' ? '' : ` (${labels.join('; ')})`}`;
  });
}

/** How the time falls with the threads. */
export function scalingTable(points: readonly ScalingPoint[]): FigureTable {
  return {
    header: ['threads', 'total ms', 'speed-up', 'efficiency'],
    rows: points.map(({ threads, totalMs, speedUp, efficiency }) => [
      String(threads),
      significant(totalMs),
      `${speedUp.toFixed(2)}x`,
      `${(100 * efficiency).toFixed(0)} %`,
    ]),
  };
}
