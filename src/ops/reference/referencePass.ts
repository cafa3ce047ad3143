import { QwenAsrError } from '../../error.js';
import { nextTurn } from '../../runtime/nextTurn.js';
import type { Pass } from '../operators.js';

/** Longest time the event loop is kept waiting, besides the one operator that is running. */
const YIELD_AFTER_MS = 10;

/** Runs the passes of one backend one at a time, in the order of their calls. */
export class PassQueue {
  #tail: Promise<void> = Promise.resolve();
  #closed = false;

  /** Throws `closed` after {@link close}. */
  check(what: string): void {
    if (this.#closed) throw new QwenAsrError('closed', `${what}: the backend has been closed`);
  }

  /** A pass of recorded operators. */
  pass(label: string, steps: readonly (() => void)[]): Pass {
    return { label, run: (signal) => this.#enqueue(() => this.#runSteps(label, steps, signal)) };
  }

  /** Ends the running pass at its next operator and all later ones at once. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#tail;
  }

  #enqueue(task: () => Promise<void>): Promise<void> {
    const done = this.#tail.then(task);
    this.#tail = done.catch(() => {});
    return done;
  }

  async #runSteps(
    label: string,
    steps: readonly (() => void)[],
    signal: AbortSignal | undefined,
  ): Promise<void> {
    let yieldedAt = performance.now();
    for (const step of steps) {
      this.check(label);
      if (signal?.aborted) throw new QwenAsrError('aborted', `${label}: stopped by the caller's signal`);
      step();
      if (performance.now() - yieldedAt > YIELD_AFTER_MS) {
        await nextTurn();
        yieldedAt = performance.now();
      }
    }
    this.check(label);
  }
}
