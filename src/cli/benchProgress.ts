import type { BenchPlan } from '../bench/plan/benchPlan.js';
import type { MeasuredCell, MeasurementWatcher } from '../bench/run/measurement.js';
import { estimateProgress, formatProgress } from '../bench/text/planText.js';
import { ProgressLine } from './progressLine.js';
import type { CommandContext } from './runCommand.js';

/** How far a measurement has come, on a line that is only drawn between runs. */
export class BenchProgress implements MeasurementWatcher {
  readonly #plan: BenchPlan;
  readonly #line: ProgressLine;
  readonly #cells: MeasuredCell[] = [];
  #startMs: number | null = null;

  constructor(plan: BenchPlan, context: Pick<CommandContext, 'err' | 'errIsTerminal'>) {
    this.#plan = plan;
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
    const cells = this.#plan.cells.map((_, index) => this.#cells[index] ?? { warmups: [], runs: [] });
    const elapsedMs = performance.now() - (this.#startMs ?? performance.now());
    this.#line.clear();
    this.#line.draw(formatProgress(estimateProgress(this.#plan, cells, elapsedMs)));
  }
}
