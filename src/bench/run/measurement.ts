import { setTimeout as sleep } from 'node:timers/promises';
import { QwenAsrError } from '../../error.js';
import type { BackendChoice } from '../../transcribe/types.js';
import { joinCeilings } from '../analysis/roofline.js';
import { type BenchPlan, type CellPlan, runOrder } from '../plan/benchPlan.js';
import type { CeilingRates, CeilingsRecord } from '../schema/benchResult.js';
import type { RunRecord } from '../schema/runRecord.js';
import { isSteady } from '../statistics/driftTest.js';
import type { CellFacts, CellSession, OpenCell } from './cellSession.js';

/** A cell in the course of its measurement. */
export interface MeasuredCell {
  readonly plan: CellPlan;
  readonly index: number;
  /** Null until it is ready. */
  readonly facts: CellFacts | null;
  readonly warmups: readonly RunRecord[];
  readonly runs: readonly RunRecord[];
  /** Whether the warm-up became steady; null when it was not asked to. */
  readonly steady: boolean | null;
  /** Why it has fewer runs than planned; null when nothing went wrong. */
  readonly error: QwenAsrError | null;
}

/** Who watches a measurement. Everything comes between runs only, so that it costs the measurements nothing. */
export interface MeasurementWatcher {
  readonly signal?: AbortSignal | undefined;
  readonly onBackend?: (cell: CellPlan, choice: BackendChoice) => void;
  readonly onReady?: (cell: MeasuredCell, session: CellSession) => void;
  /** Before the warm-up, and again after the last run with all measurements. */
  readonly onCeilings?: (ceilings: CeilingsRecord | null, cell: MeasuredCell) => void;
  /** The warm-up begins. */
  readonly onWarmupStart?: (cell: MeasuredCell) => void;
  readonly onWarmup?: (cell: MeasuredCell, run: RunRecord) => void;
  readonly onWarmupEnd?: (cell: MeasuredCell) => void;
  /** A run ended; it is the cell's last. */
  readonly onRun?: (cell: MeasuredCell, run: RunRecord) => void;
  /** The cell cannot go on; the others do. */
  readonly onError?: (cell: MeasuredCell, error: QwenAsrError) => void;
}

/** How a measurement ended. */
export interface MeasurementEnd {
  readonly cells: readonly MeasuredCell[];
  /** Which cell ran first, second, … in each round that was begun. */
  readonly orders: readonly (readonly number[])[];
  readonly interrupted: boolean;
  /** The budget ended it. */
  readonly outOfBudget: boolean;
}

/** `--warmup auto` gives up after so many runs. */
export const MOST_WARMUPS = 20;

/** Measurements of the ceilings before the warm-up, and as many again after the last run. */
const CEILING_SAMPLES = 3;

/** More runs than any budget should buy. */
const MOST_RUNS = 10_000;

interface CellState extends MeasuredCell {
  facts: CellFacts | null;
  session: CellSession | null;
  readonly warmups: RunRecord[];
  readonly runs: RunRecord[];
  steady: boolean | null;
  error: QwenAsrError | null;
}

/** Ceilings of one set of threads and instructions, and the cell that measures them. */
interface CeilingState {
  readonly cell: CellState;
  readonly session: CellSession;
  readonly machinery: Pick<CeilingsRecord, 'threads' | 'backend' | 'isa'>;
  readonly samples: CeilingRates[];
}

/**
 * Measures the cells of a plan: makes all ready, warms each up, then runs them in rounds, every cell once a round in an
 * order that gives none of them the better place. An abort ends it early with the runs that were finished. In a sweep
 * a cell that fails leaves the others alone; elsewhere its error ends the measurement.
 *
 * @param finished runs of an interrupted measurement to go on from, by cell id
 * @throws QwenAsrError what cells throw, aborts excepted
 */
export async function measureCells(
  plan: BenchPlan,
  open: OpenCell,
  watcher: MeasurementWatcher,
  finished: ReadonlyMap<string, readonly RunRecord[]> = new Map(),
): Promise<MeasurementEnd> {
  const measurement = new Measurement(plan, open, watcher, finished);
  try {
    return await measurement.run();
  } finally {
    await measurement.close();
  }
}

class Measurement {
  readonly #plan: BenchPlan;
  readonly #open: OpenCell;
  readonly #watcher: MeasurementWatcher;
  readonly #cells: CellState[];
  readonly #orders: (readonly number[])[] = [];
  readonly #ceilings = new Map<string, CeilingState>();
  readonly #mostRuns: number;
  #budgetStartMs: number | null = null;
  #longestRoundMs = 0;

  constructor(
    plan: BenchPlan,
    open: OpenCell,
    watcher: MeasurementWatcher,
    finished: ReadonlyMap<string, readonly RunRecord[]>,
  ) {
    this.#plan = plan;
    this.#open = open;
    this.#watcher = watcher;
    this.#mostRuns = plan.runs ?? MOST_RUNS;
    this.#cells = plan.cells.map((cell, index) => ({
      plan: cell,
      index,
      facts: null,
      session: null,
      warmups: [],
      runs: [...(finished.get(cell.id) ?? [])],
      steady: null,
      error: null,
    }));
  }

  async run(): Promise<MeasurementEnd> {
    let outOfBudget = false;
    try {
      // A command that fails shows it before models are loaded.
      const isModel = ({ plan }: CellState): number => (plan.kind === 'model' ? 1 : 0);
      const inOrder = this.#unfinished().toSorted((a, b) => isModel(a) - isModel(b));
      for (const cell of inOrder) {
        await this.#attempt(cell, () => this.#prepare(cell));
        // Its process ends for the next one.
        if (this.#plan.isolated) await this.#attempt(cell, () => this.#warmUp(cell));
      }
      const cold = this.#plan.isolated ? [] : this.#unfinished();
      for (const cell of cold) await this.#attempt(cell, () => this.#warmUp(cell));
      const orderOf = runOrder(this.#cells.length);
      for (let round = this.#firstRound(); this.#unfinished().length > 0; round++) {
        this.#checkAborted();
        outOfBudget = this.#isOutOfBudget();
        if (outOfBudget) break;
        await this.#runRound(round, orderOf(round));
      }
      // The machine may have changed meanwhile. Not between the rounds: that would empty the caches for the next one.
      for (const ceilings of this.#ceilings.values()) {
        if (ceilings.samples.length > 0) await this.#sampleCeilings(ceilings);
      }
    } catch (error) {
      if (this.#watcher.signal?.aborted !== true) throw error;
    }
    const interrupted = this.#watcher.signal?.aborted === true;
    return { cells: this.#cells, orders: this.#orders, interrupted, outOfBudget };
  }

  async close(): Promise<void> {
    for (const { session } of this.#cells) await session?.close();
  }

  #unfinished(): CellState[] {
    return this.#cells.filter(({ error, runs }) => error === null && runs.length < this.#mostRuns);
  }

  /** The first round that some cell has not run. */
  #firstRound(): number {
    return Math.min(...this.#unfinished().map(({ runs }) => runs.length));
  }

  async #prepare(cell: CellState): Promise<void> {
    const { signal, onBackend, onReady } = this.#watcher;
    const session = await this.#open(cell.plan, {
      signal,
      ...(onBackend && { onBackend: (choice: BackendChoice) => onBackend(cell.plan, choice) }),
    });
    cell.session = session;
    cell.facts = session.facts;
    onReady?.(cell, session);
    if (this.#plan.roofline) await this.#measureCeilings(cell, session);
  }

  /** Once for every set of threads and instructions. */
  async #measureCeilings(cell: CellState, session: CellSession): Promise<void> {
    const { model } = session.facts;
    if (model === null) return;
    const { threads, backend, isa } = model;
    const key = `${threads} ${backend} ${isa}`;
    if (this.#ceilings.has(key)) return;
    const ceilings = { cell, session, machinery: { threads, backend, isa }, samples: [] };
    this.#ceilings.set(key, ceilings);
    await this.#sampleCeilings(ceilings);
  }

  async #sampleCeilings({ cell, session, machinery, samples }: CeilingState): Promise<void> {
    for (let sample = 0; sample < CEILING_SAMPLES; sample++) {
      this.#checkAborted();
      const rates = await session.measureCeilings();
      if (rates === null) break;
      samples.push(rates);
    }
    const [first, ...others] = samples;
    const joined = first === undefined ? null : { ...machinery, ...joinCeilings([first, ...others]) };
    this.#watcher.onCeilings?.(joined, cell);
  }

  async #warmUp(cell: CellState): Promise<void> {
    const { warmup } = this.#plan;
    const { session, warmups } = cell;
    if (session === null || warmup === 0) return;
    this.#budgetStartMs ??= performance.now();
    this.#watcher.onWarmupStart?.(cell);
    const most = warmup === 'auto' ? MOST_WARMUPS : warmup;
    while (warmups.length < most && cell.steady !== true) {
      this.#checkAborted();
      const run = await session.run();
      warmups.push(run);
      this.#watcher.onWarmup?.(cell, run);
      if (warmup === 'auto') cell.steady = isSteady(warmups.map(({ totalMs }) => totalMs));
    }
    this.#watcher.onWarmupEnd?.(cell);
  }

  async #runRound(round: number, order: readonly number[]): Promise<void> {
    this.#orders[round] = order;
    const startMs = performance.now();
    for (const index of order) {
      const cell = this.#cells[index];
      // A cell that is ahead, because an interruption came within a round, waits for the others.
      if (cell === undefined || cell.error !== null || cell.runs.length > round) continue;
      await this.#attempt(cell, () => this.#runOnce(cell, round));
    }
    this.#longestRoundMs = Math.max(this.#longestRoundMs, performance.now() - startMs);
  }

  async #runOnce(cell: CellState, round: number): Promise<void> {
    const { signal } = this.#watcher;
    if (this.#plan.delayMs > 0)
      await sleep(this.#plan.delayMs, undefined, signal === undefined ? {} : { signal });
    this.#checkAborted();
    this.#budgetStartMs ??= performance.now();
    const run = await cell.session!.run();
    const recorded = { ...run, round: this.#cells.length > 1 ? round : null };
    cell.runs.push(recorded);
    this.#watcher.onRun?.(cell, recorded);
  }

  /** In a sweep, a cell that fails is left out from there on. */
  async #attempt(cell: CellState, work: () => Promise<void>): Promise<void> {
    if (cell.error !== null) return;
    try {
      await work();
    } catch (error) {
      const isolated = this.#plan.kind === 'sweep' && this.#watcher.signal?.aborted !== true;
      if (!isolated || !(error instanceof QwenAsrError)) throw error;
      cell.error = error;
      this.#watcher.onError?.(cell, error);
    }
  }

  /** The first round is always made. */
  #isOutOfBudget(): boolean {
    const { budgetMs } = this.#plan;
    if (budgetMs === null || this.#budgetStartMs === null || this.#longestRoundMs === 0) return false;
    return performance.now() - this.#budgetStartMs + this.#longestRoundMs > budgetMs;
  }

  #checkAborted(): void {
    this.#watcher.signal?.throwIfAborted();
  }
}

/** One watcher that tells all of them, in their order. */
export function joinWatchers(
  watchers: readonly MeasurementWatcher[],
  signal: AbortSignal | undefined,
): MeasurementWatcher {
  const tell = (event: (watcher: MeasurementWatcher) => void): void => {
    for (const watcher of watchers) event(watcher);
  };
  return {
    signal,
    onBackend: (...event) => tell((one) => one.onBackend?.(...event)),
    onReady: (...event) => tell((one) => one.onReady?.(...event)),
    onCeilings: (...event) => tell((one) => one.onCeilings?.(...event)),
    onWarmupStart: (...event) => tell((one) => one.onWarmupStart?.(...event)),
    onWarmup: (...event) => tell((one) => one.onWarmup?.(...event)),
    onWarmupEnd: (...event) => tell((one) => one.onWarmupEnd?.(...event)),
    onRun: (...event) => tell((one) => one.onRun?.(...event)),
    onError: (...event) => tell((one) => one.onError?.(...event)),
  };
}
