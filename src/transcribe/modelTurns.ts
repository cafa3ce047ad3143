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
  /** Lets those in that wait, in the order of their calls. */
  readonly #waiting: (() => void)[] = [];
  #isBusy = false;
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
    if (signal?.aborted) throw stopped();
    // Every decode step of a segment comes here: with nobody before it, it goes straight on.
    if (this.#isBusy) await this.#turn(signal);
    this.#isBusy = true;
    try {
      this.checkOpen();
      return await task();
    } finally {
      this.#isBusy = false;
      this.#waiting.shift()?.();
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#parts.backend.close();
    if (this.#isBusy) await this.#turn(undefined);
    this.#parts.releaseFiles();
  }

  /** Waits until all earlier ones have ended, but no longer than until the signal fires. */
  #turn(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const enter = (): void => {
        signal?.removeEventListener('abort', stop);
        this.#isBusy = true; // nobody comes in between before the promise has been looked at
        resolve();
      };
      const stop = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(enter), 1);
        reject(stopped());
      };
      signal?.addEventListener('abort', stop, { once: true });
      this.#waiting.push(enter);
    });
  }
}

function stopped(): QwenAsrError {
  return new QwenAsrError('aborted', 'stopped by the caller’s signal');
}
