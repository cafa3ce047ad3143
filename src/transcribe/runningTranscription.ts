import type { TokenEvent, Transcript, Transcription } from './types.js';

/**
 * A transcription that has been started. It runs to its end whether anybody listens or not; every iterator gets all
 * tokens from the first one on, and throws the run's error after them when the run failed.
 *
 * A failed run of which neither `result` nor an iterator is ever looked at is not reported as an unhandled rejection:
 * callers who only iterate would otherwise be ended by the promise that they do not use.
 */
export class RunningTranscription implements Transcription {
  readonly result: Promise<Transcript>;
  readonly #events: TokenEvent[] = [];
  #ended = false;
  /** Wakes the iterators that wait for the next token or the end. */
  #wake: () => void = () => {};
  #changed: Promise<void> = Promise.resolve();

  /** @param run the work; it is given the function that publishes a token. */
  constructor(run: (emit: (event: TokenEvent) => void) => Promise<Transcript>) {
    this.#expectChange();
    this.result = run((event) => {
      this.#events.push(event);
      this.#announce();
    }).finally(() => {
      this.#ended = true;
      this.#announce();
    });
    this.result.catch(() => {});
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<TokenEvent, void, undefined> {
    for (let next = 0; ; ) {
      const changed = this.#changed;
      while (next < this.#events.length) yield this.#events[next++]!;
      if (this.#ended) break;
      await changed;
    }
    await this.result;
  }

  #announce(): void {
    const wake = this.#wake;
    this.#expectChange();
    wake();
  }

  #expectChange(): void {
    this.#changed = new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
