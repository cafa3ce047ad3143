import { ApiError, apiErrorOf } from '../apiError.js';
import type { RequestScope } from './requestScope.js';

/** Bytes that may wait for a client that does not read; who lets so many wait is gone. */
const MAX_WAITING_BYTES = 2 ** 22;

/**
 * Server-sent events, each a JSON document. Nothing is sent before the first one, so that an error before it can still be
 * an answer with its own status; after it an error is an event, and the stream ends.
 */
export class EventStream {
  /** Resolves with the first event; rejects with an error before it. */
  readonly begun: Promise<void>;
  readonly #body: ReadableStream<Uint8Array>;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #begin: () => void = () => {};
  #fail: (error: unknown) => void = () => {};
  readonly #scope: Pick<RequestScope, 'end'>;
  #hasBegun = false;
  #isOver = false;

  /** @param scope ends when the client leaves, or does not read */
  constructor(scope: Pick<RequestScope, 'end'>) {
    this.begun = new Promise((resolve, reject) => {
      this.#begin = resolve;
      this.#fail = reject;
    });
    this.begun.catch(() => {});
    this.#body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        cancel: () => {
          this.#isOver = true;
          scope.end(new ApiError(499, 'the client left'));
        },
      },
      new ByteLengthQueuingStrategy({ highWaterMark: MAX_WAITING_BYTES }),
    );
    this.#scope = scope;
  }

  response(headers: Readonly<Record<string, string>>): Response {
    const own = { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' };
    return new Response(this.#body, { headers: { ...own, ...headers } });
  }

  send(event: unknown): void {
    this.#write(typeof event === 'string' ? event : JSON.stringify(event));
    this.#hasBegun = true;
    this.#begin();
  }

  end(): void {
    this.#begin();
    if (this.#isOver) return;
    this.#isOver = true;
    this.#controller?.close();
  }

  /** Ends it with an error: as an event if something was sent, else by rejecting `begun`. */
  fail(error: unknown): void {
    if (!this.#hasBegun) {
      this.#fail(error);
      return;
    }
    this.#write(JSON.stringify(apiErrorOf(error)));
    this.end();
  }

  #write(data: string): void {
    if (this.#isOver) return;
    if ((this.#controller?.desiredSize ?? 0) <= 0) {
      this.#isOver = true;
      this.#controller?.error(new Error('the client does not read'));
      this.#scope.end(new ApiError(499, 'the client does not read'));
      return;
    }
    this.#controller?.enqueue(Buffer.from(`data: ${data}\n\n`));
  }
}
