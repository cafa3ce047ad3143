import type { BenchPlan } from '../bench/plan/benchPlan.js';
import type { MeasuredCell, MeasurementWatcher, measureCells } from '../bench/run/measurement.js';
import { mean } from '../bench/statistics/descriptive.js';
import type { CommandContext } from './runCommand.js';
import { ProgressLine } from './terminalScreen.js';

type FinishedRuns = NonNullable<Parameters<typeof measureCells>[3]>;

/** How far a measurement has come, on a line that is only drawn between runs. */
export class BenchProgress implements MeasurementWatcher {
  readonly #plan: BenchPlan;
  readonly #line: ProgressLine;
  readonly #cells: MeasuredCell[] = [];
  readonly #finished: FinishedRuns;
  #startMs: number | null = null;

  /** @param finished runs of an interrupted measurement, by cell: a cell that has all of them is not made ready again */
  constructor(
    plan: BenchPlan,
    context: Pick<CommandContext, 'err' | 'errIsTerminal'>,
    finished: FinishedRuns = new Map(),
  ) {
    this.#plan = plan;
    this.#finished = finished;
    this.#line = new ProgressLine(context);
  }

  readonly onReady = (cell: MeasuredCell): void => {
    this.#cells[cell.index] = cell;
  };

  readonly onWarmupStart = (): void => {
    this.#startMs ??= performance.now();
    this.#draw();
  };

  readonly onWarmup = (): void => this.#draw();

  readonly onRun = (): void => {
    this.#startMs ??= performance.now();
    this.#draw();
  };

  /** Before other output, so that the two do not share a line. */
  clear(): void {
    this.#line.clear();
  }

  #draw(): void {
    const cells = this.#plan.cells.map(
      ({ id }, index) => this.#cells[index] ?? { warmups: [], runs: this.#finished.get(id) ?? [] },
    );
    const elapsedMs = performance.now() - (this.#startMs ?? performance.now());
    this.#line.clear();
    this.#line.draw(formatProgress(estimateProgress(this.#plan, cells, elapsedMs)));
  }
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
