import type { TestContext } from 'node:test';

/** How far a delay moves the clock. */
export const DELAY_MS = 50;

/** A clock that stands still but when it is told to go on: what a busy machine does is in no phase then. */
export class TestClock {
  #nowMs = 1000;

  constructor(t: TestContext) {
    t.mock.method(performance, 'now', () => this.#nowMs);
  }

  readonly delay = (): void => {
    this.#nowMs += DELAY_MS;
  };
}
