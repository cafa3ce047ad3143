import type { ServerResponse } from 'node:http';
import { ApiError } from '../apiError.js';

/** The time that a request has, and what ends it before: a client that leaves, a server that stops. */
export class RequestScope {
  readonly #abort = new AbortController();
  readonly #timer: NodeJS.Timeout;
  readonly #outgoing: ServerResponse;
  readonly #shutdown: AbortSignal;
  readonly #onClose = (): void => {
    if (!this.#outgoing.writableFinished) this.end(new ApiError(499, 'the client left'));
  };
  readonly #onShutdown = (): void => {
    this.end(new ApiError(503, 'the server is shutting down', { reason: 'shutting_down' }));
  };

  constructor(outgoing: ServerResponse, totalTimeoutMs: number, shutdown: AbortSignal) {
    this.#outgoing = outgoing;
    this.#shutdown = shutdown;
    const late = `the request was not done after ${totalTimeoutMs / 1000} s`;
    this.#timer = setTimeout(() => this.end(new ApiError(504, late, { reason: 'timeout' })), totalTimeoutMs);
    outgoing.once('close', this.#onClose);
    shutdown.addEventListener('abort', this.#onShutdown, { once: true });
    if (shutdown.aborted) this.#onShutdown();
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  end(reason: ApiError): void {
    this.#abort.abort(reason);
  }

  /** An error of something that the signal stopped is the reason for which it was. */
  reasonFor(error: unknown): unknown {
    return this.signal.aborted ? this.signal.reason : error;
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#outgoing.off('close', this.#onClose);
    this.#shutdown.removeEventListener('abort', this.#onShutdown);
  }
}
