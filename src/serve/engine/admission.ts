import { ApiError } from '../apiError.js';

/** Seconds after which a client that was refused may try again. */
const RETRY_AFTER_S = 5;

/** How many requests a server takes at a time: as many as its batch holds, and a queue. */
export class Admission {
  readonly #limit: number;
  #count = 0;
  #isClosed = false;
  /** Wakes whoever waits until nothing runs. */
  #onIdle: () => void = () => {};

  constructor(limit: number) {
    this.#limit = limit;
  }

  get count(): number {
    return this.#count;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /**
   * Takes a request.
   *
   * @returns lets it go; to be called once, whatever became of it
   * @throws ApiError 429 when there are too many; 503 once the server is stopping
   */
  enter(): () => void {
    if (this.#isClosed) {
      throw new ApiError(503, 'the server is shutting down', {
        reason: 'shutting_down',
        headers: { 'retry-after': String(RETRY_AFTER_S), connection: 'close' },
      });
    }
    if (this.#count >= this.#limit) {
      throw new ApiError(429, `too many requests: ${this.#limit} are being worked on or wait`, {
        reason: 'rate_limit_exceeded',
        headers: { 'retry-after': String(RETRY_AFTER_S) },
      });
    }
    this.#count++;
    let isIn = true;
    return () => {
      if (!isIn) return;
      isIn = false;
      if (--this.#count === 0) this.#onIdle();
    };
  }

  /** From here on nobody is let in; resolves when nobody is. */
  close(): Promise<void> {
    this.#isClosed = true;
    if (this.#count === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onIdle = resolve;
    });
  }
}
