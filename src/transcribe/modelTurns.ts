import { QwenAsrError } from '../error.js';
import type { Backend } from '../ops/operators.js';

/** What a loaded model or aligner holds on to, and gives back when it is closed. */
export interface HeldParts {
  readonly backend: Backend;
  /** Gives back the memory of the weights. */
  readonly releaseFiles: () => void;
}

/**
 * The life of a loaded model: tasks run one at a time, in the order of their calls, until it is closed. A task that runs
 * then ends with the backend; those that wait are refused.
 */
export class ModelTurns {
  readonly #parts: HeldParts;
  readonly #closed: string;
  #tail: Promise<void> = Promise.resolve();
  #closing: Promise<void> | undefined;

  /** @param closed the message of calls that come too late */
  constructor(parts: HeldParts, closed: string) {
    this.#parts = parts;
    this.#closed = closed;
  }

  /** @throws QwenAsrError `closed` */
  checkOpen(): void {
    if (this.#closing !== undefined) throw new QwenAsrError('closed', this.#closed);
  }

  /**
   * Runs `task` after all earlier ones have ended, well or badly.
   *
   * @throws QwenAsrError `closed`; `aborted` as soon as the signal fires while the task still waits
   */
  async run<T>(task: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    this.checkOpen();
    const turn = this.#tail;
    const done = untilAborted(turn, signal).then(() => {
      this.checkOpen();
      return task();
    });
    // A task that gives up waiting must not let the next one overtake those before it. The results are let go of: the
    // queue would hold on to all that there have ever been.
    this.#tail = Promise.allSettled([turn, done]).then(() => {});
    return done;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#parts.backend.close();
    await this.#tail;
    this.#parts.releaseFiles();
  }
}

/** Waits for `turn`, but no longer than until the signal fires. */
function untilAborted(turn: Promise<unknown>, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(new QwenAsrError('aborted', 'stopped by the caller’s signal'));
    if (signal?.aborted) return stop();
    signal?.addEventListener('abort', stop, { once: true });
    turn.then(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    });
  });
}
