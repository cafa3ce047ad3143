import { printableLine } from '../../printable.js';
import type { BenchPlan } from '../plan/benchPlan.js';
import type { MeasuredCell } from '../run/measurement.js';
import { mean } from '../statistics/descriptive.js';

/** What `--dry-run` prints: how much would be measured, and every cell of it. */
export function formatPlan({ cells, runs, warmup, budgetMs, kind }: BenchPlan): string {
  const count = `${cells.length} ${cells.length === 1 ? 'cell' : 'cells'}`;
  const each = runs === null ? 'as many runs as fit' : `${runs} run(s) each`;
  const before = warmup === 'auto' ? 'warm-up until steady' : `${warmup} before them to warm up`;
  const within = budgetMs === null ? '' : `, within ${budgetMs / 1000} s`;
  const lines = cells.map((cell) => {
    if (cell.kind === 'command') return `  ${cell.command}`;
    return kind === 'comparison' ? `  ${cell.label}` : `  ${cell.id}`;
  });
  return `${count}, ${each}, ${before}${within}\n${lines.map(printableLine).join('\n')}\n`;
}

/** How far a measurement has come. */
export interface Progress {
  readonly finishedRuns: number;
  /** Null when only the time decides. */
  readonly plannedRuns: number | null;
  /** Null before there is anything to go by. */
  readonly leftMs: number | null;
}

/**
 * Estimates the time that is left from the runs so far, warm-ups included: each cell by its own, a cell without any by
 * the others.
 *
 * @param elapsedMs since the first warm-up began
 */
export function estimateProgress(
  plan: BenchPlan,
  cells: readonly Pick<MeasuredCell, 'warmups' | 'runs'>[],
  elapsedMs: number,
): Progress {
  const finishedRuns = cells.reduce((sum, { runs }) => sum + runs.length, 0);
  const timesOf = ({ warmups, runs }: Pick<MeasuredCell, 'warmups' | 'runs'>): number[] =>
    (runs.length > 0 ? runs : warmups).map(({ totalMs, commandMs }) => commandMs ?? totalMs);
  const all = cells.flatMap(timesOf);
  const budgetLeftMs = plan.budgetMs === null ? null : Math.max(0, plan.budgetMs - elapsedMs);
  if (plan.runs === null || all.length === 0) {
    return {
      finishedRuns,
      plannedRuns: plan.runs === null ? null : plan.runs * plan.cells.length,
      leftMs: budgetLeftMs,
    };
  }
  const plannedRuns = plan.runs;
  const runsLeftMs = plan.cells.reduce((sum, _, index) => {
    const cell = cells[index];
    const times = cell === undefined ? [] : timesOf(cell);
    const runMs = mean(times.length > 0 ? times : all) + plan.delayMs;
    return sum + runMs * Math.max(0, plannedRuns - (cell?.runs.length ?? 0));
  }, 0);
  return {
    finishedRuns,
    plannedRuns: plannedRuns * plan.cells.length,
    leftMs: budgetLeftMs === null ? runsLeftMs : Math.min(runsLeftMs, budgetLeftMs),
  };
}

/** `12/40 runs, 1 min 20 s left` */
export function formatProgress({ finishedRuns, plannedRuns, leftMs }: Progress): string {
  const runs = plannedRuns === null ? `${finishedRuns} runs` : `${finishedRuns}/${plannedRuns} runs`;
  return leftMs === null ? runs : `${runs}, ${formatDuration(leftMs)} left`;
}

/** `45 s`, `1 min 20 s`, `2 h 5 min`. */
function formatDuration(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60
    ? `${minutes} min ${seconds % 60} s`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
