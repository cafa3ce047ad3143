import type { ModelCellPlan } from '../plan/benchPlan.js';
import type { WorkRecord } from '../schema/benchResult.js';
import type { CellSession, OpenCellOptions } from './cellSession.js';
import { openIsolatedCell } from './openIsolatedCell.js';

/** Starts the process of a cell; stands in for it in tests. */
type OpenProcess = (plan: ModelCellPlan, options: OpenCellOptions) => Promise<CellSession>;

/**
 * Cells that have a process of their own each (--isolate). One process at a time: only the cell whose turn it is holds a
 * model, so that large ones never share the memory. A cell whose process had to end starts another one for its turn and
 * brings it back to the state after the warm-up.
 */
export class IsolatedCells {
  readonly #openProcess: OpenProcess;
  #holder: { readonly plan: ModelCellPlan; readonly session: CellSession } | null = null;

  constructor(openProcess: OpenProcess = openIsolatedCell) {
    this.#openProcess = openProcess;
  }

  /** @throws QwenAsrError what openIsolatedCell throws */
  async open(plan: ModelCellPlan, options: OpenCellOptions): Promise<CellSession> {
    const { facts } = await this.#turnOf(plan, options);
    // What a cell tells while it opens was heard.
    const again = { signal: options.signal };
    let work: readonly WorkRecord[] = [];
    return {
      facts,
      run: async () => {
        const isFresh = this.#holder?.plan !== plan;
        const session = await this.#turnOf(plan, again);
        if (isFresh) await session.run();
        const run = await session.run();
        work = session.work(run);
        return run;
      },
      work: () => work,
      measureCeilings: async () => (await this.#turnOf(plan, again)).measureCeilings(),
      close: async () => {
        if (this.#holder?.plan === plan) await this.release();
      },
    };
  }

  /** Ends the process that there is. */
  async release(): Promise<void> {
    const holder = this.#holder;
    this.#holder = null;
    await holder?.session.close();
  }

  async #turnOf(plan: ModelCellPlan, options: OpenCellOptions): Promise<CellSession> {
    if (this.#holder?.plan === plan) return this.#holder.session;
    await this.release();
    const session = await this.#openProcess(plan, options);
    this.#holder = { plan, session };
    return session;
  }
}
