import type { BenchPlan } from '../bench/plan/benchPlan.js';
import type { MeasuredCell, MeasurementWatcher, measureCells } from '../bench/run/measurement.js';
import { estimateProgress, formatProgress } from '../bench/text/planText.js';
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
