import { QwenAsrError } from '../error.js';

/** Runs tasks one at a time, in the order of their calls. */
export class SerialQueue {
  #tail: Promise<void> = Promise.resolve();

  /**
   * Runs `task` after all earlier ones have ended, well or badly.
   *
   * @throws QwenAsrError `aborted` as soon as the signal fires while the task still waits
   */
  run<T>(task: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const turn = this.#tail;
    const done = untilAborted(turn, signal).then(task);
    // A task that gives up waiting must not let the next one overtake those before it. The results are let go of: the
    // queue would hold on to all that there have ever been.
    this.#tail = Promise.allSettled([turn, done]).then(() => {});
    return done;
  }

  /** Resolves when everything called so far has ended. */
  async idle(): Promise<void> {
    await this.#tail;
  }
}

/** Waits for `turn`, but no longer than until the signal fires. */
function untilAborted(turn: Promise<unknown>, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void =>
      reject(new QwenAsrError('aborted', 'transcribe: stopped by the caller’s signal'));
    if (signal?.aborted) return stop();
    signal?.addEventListener('abort', stop, { once: true });
    turn.then(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    });
  });
}
