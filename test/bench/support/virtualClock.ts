import type { LoadClock } from '../../../src/bench/load/runLevel.js';

/** Time that passes only when everybody waits: what is simulated with it is exact, and takes no time. */
export class VirtualClock implements LoadClock {
  #nowMs = 0;
  readonly #sleepers: { readonly atMs: number; readonly wake: () => void }[] = [];

  nowMs(): number {
    return this.#nowMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const sleeper = { atMs: this.#nowMs + Math.max(0, ms), wake: resolve };
      this.#sleepers.push(sleeper);
      signal?.addEventListener('abort', () => {
        const index = this.#sleepers.indexOf(sleeper);
        if (index >= 0) this.#sleepers.splice(index, 1);
        resolve();
      });
    });
  }

  /** Lets time pass until the promise is settled. */
  async drive<Value>(promise: Promise<Value>): Promise<Value> {
    let isSettled = false;
    const settle = (): void => {
      isSettled = true;
    };
    promise.then(settle, settle);
    for (;;) {
      // Everything that follows from what has happened, before time goes on.
      await new Promise((resolve) => setImmediate(resolve));
      if (isSettled) return promise;
      // Of equal times the first to have slept: sorting keeps their order.
      this.#sleepers.sort((a, b) => a.atMs - b.atMs);
      const next = this.#sleepers.shift();
      if (next === undefined) throw new Error('everybody waits, and nobody sleeps');
      this.#nowMs = next.atMs;
      next.wake();
    }
  }
}
