import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type ErrorCode, QwenAsrError } from '../../error.js';
import type { Ceilings } from '../../ops/operators.js';
import type { BackendChoice } from '../../transcribe/types.js';
import type { ModelCellPlan } from '../plan/benchPlan.js';
import type { WorkRecord } from '../schema/benchResult.js';
import type { RunRecord } from '../schema/runRecord.js';
import type { CellFacts, CellSession, OpenCellOptions } from './cellSession.js';

/** What a cell's own process is told; every request but `close` is answered. */
export type CellRequest =
  | { readonly request: 'open'; readonly plan: ModelCellPlan }
  | { readonly request: 'run' }
  | { readonly request: 'ceilings' }
  | { readonly request: 'close' };

/** What it says. `backend` comes by itself while it opens. */
export type CellAnswer =
  | { readonly answer: 'backend'; readonly choice: BackendChoice }
  | { readonly answer: 'open'; readonly facts: CellFacts }
  | { readonly answer: 'run'; readonly run: RunRecord; readonly work: readonly WorkRecord[] }
  | { readonly answer: 'ceilings'; readonly ceilings: Ceilings | null }
  | { readonly answer: 'error'; readonly code: string; readonly message: string };

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

/** How long a process may take to close its model before it is ended. */
const CLOSE_LIMIT_MS = 5000;

/**
 * A model cell in a process of its own, so that nothing of another cell (its memory, its threads, what the compiler of
 * Node has learnt from it) has a part in its times. It sleeps between its runs.
 *
 * @throws QwenAsrError what the cell throws; `internal` when its process dies
 */
export async function openIsolatedCell(plan: ModelCellPlan, options: OpenCellOptions): Promise<CellSession> {
  const cell = new CellClient(options);
  try {
    const { facts } = await cell.ask({ request: 'open', plan });
    let work: readonly WorkRecord[] = [];
    return {
      facts,
      run: async () => {
        const answer = await cell.ask({ request: 'run' });
        work = answer.work;
        return answer.run;
      },
      work: () => work,
      measureCeilings: async () => (await cell.ask({ request: 'ceilings' })).ceilings,
      close: () => cell.close(),
    };
  } catch (error) {
    await cell.close();
    throw error;
  }
}

/** The process and the one question it is being asked. */
class CellClient {
  readonly #child: ChildProcess;
  readonly #options: OpenCellOptions;
  readonly #ended: Promise<void>;
  #waiting: { resolve: (answer: CellAnswer) => void; reject: (error: unknown) => void } | undefined;

  constructor(options: OpenCellOptions) {
    this.#options = options;
    this.#child = fork(fileURLToPath(new URL('./cellProcess.js', import.meta.url)), {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    this.#child.on('message', (answer: CellAnswer) => this.#hear(answer));
    this.#ended = new Promise((resolve) => {
      this.#child.on('exit', (code, signal) => {
        this.#waiting?.reject(
          new QwenAsrError('internal', `the process of a cell ended with ${code ?? signal}`),
        );
        resolve();
      });
    });
    this.#child.on('error', (error) => this.#waiting?.reject(error));
    options.signal?.addEventListener('abort', this.#stop, { once: true });
    if (options.signal?.aborted) this.#stop();
  }

  /** @throws QwenAsrError what the process answers; `aborted` */
  async ask<Name extends Exclude<CellRequest['request'], 'close'>>(
    request: Extract<CellRequest, { request: Name }>,
  ): Promise<Extract<CellAnswer, { answer: Name }>> {
    this.#options.signal?.throwIfAborted();
    const answer = await new Promise<CellAnswer>((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#child.send(request, (error) => {
        if (error) reject(new QwenAsrError('internal', `the process of a cell is gone (${error.message})`));
      });
    });
    this.#waiting = undefined;
    if (answer.answer === 'error') throw new QwenAsrError(answer.code as ErrorCode, answer.message);
    return answer as Extract<CellAnswer, { answer: Name }>;
  }

  async close(): Promise<void> {
    this.#options.signal?.removeEventListener('abort', this.#stop);
    if (this.#child.connected) this.#child.send({ request: 'close' } satisfies CellRequest, () => {});
    const limit = setTimeout(() => this.#child.kill('SIGKILL'), CLOSE_LIMIT_MS);
    await this.#ended;
    clearTimeout(limit);
  }

  #hear(answer: CellAnswer): void {
    if (answer.answer === 'backend') this.#options.onBackend?.(answer.choice);
    else this.#waiting?.resolve(answer);
  }

  /** A run cannot be stopped from outside but with its process. */
  readonly #stop = (): void => {
    this.#waiting?.reject(this.#options.signal?.reason);
    this.#child.kill('SIGKILL');
  };
}
