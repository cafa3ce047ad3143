import { setTimeout as sleep } from 'node:timers/promises';
import type { LoadLevel } from '../plan/endpointPlan.js';
import type { FailureKind } from '../schema/runRecord.js';
import { createRandom } from '../statistics/random.js';

/** What became of a request. */
export type Outcome =
  | {
      readonly failure: null;
      readonly text: string;
      readonly language: string | null;
      /** From the call until the first text; null when it came as a whole. */
      readonly firstTextMs: number | null;
    }
  | { readonly failure: FailureKind; readonly status: number | null; readonly detail: string };

/** A request that has ended. Times count from the beginning of the level. */
export interface EndedRequest {
  /** Its number, in the order of sending. */
  readonly number: number;
  readonly client: number | null;
  readonly intendedMs: number;
  readonly sentMs: number;
  readonly endMs: number;
  readonly outcome: Outcome;
}

/** Time as a level sees it; tests have one of their own. */
export interface LoadClock {
  nowMs(): number;
  /** Returns early when the signal fires. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

export const REAL_CLOCK: LoadClock = {
  nowMs: () => performance.now(),
  sleep: (ms, signal) => sleep(ms, undefined, { signal }).catch(() => {}),
};

/** One level of load and how it ends. */
export interface LevelRun {
  readonly level: LoadLevel;
  readonly seed: number;
  readonly rampMs: number;
  readonly durationMs: number;
  /** Measured requests after which it ends; null: by its time. */
  readonly requests: number | null;
  /** Sends a request; never throws but when the signal fires. */
  readonly send: (number: number, signal: AbortSignal) => Promise<Outcome>;
  readonly onRequest: (request: EndedRequest) => void;
  readonly clock: LoadClock;
  readonly signal: AbortSignal;
}

/** How a level ended before its time; null when it did not. */
export type EarlyEnd = 'gone' | 'stopped' | null;

/** Requests in a row without a connection, after which a server is taken to be gone, beside one of each client. */
const GONE_AFTER = 20;

/** A client that was refused waits, as clients do. */
const BACK_OFF_MS = 100;

/** More would run out of sockets; what arrives beyond waits here, and its time counts from when it was to be sent. */
const MOST_UNDER_WAY = 500;

/**
 * Puts load on a server until its time is over, and waits for what is under way.
 *
 *   closed: every client sends, waits for its answer, sends again. While the server stands still nothing is sent, so
 *           what a stall would have cost others is not seen (coordinated omission).
 *   open:   requests are sent at times that were drawn before, answered or not; times count from when a request was to
 *           be sent, not from when it was, so a stall costs all that arrive in it.
 */
export async function runLevel(run: LevelRun): Promise<EarlyEnd> {
  const level = new Level(run);
  await (run.level.kind === 'closed'
    ? level.runClients(run.level.clients)
    : level.runArrivals(run.level.ratePerSecond));
  return run.signal.aborted ? 'stopped' : level.isGone ? 'gone' : null;
}

class Level {
  readonly #run: LevelRun;
  readonly #startMs: number;
  readonly #ended = new AbortController();
  #next = 0;
  #measured = 0;
  #underWay = 0;
  #unconnected = 0;
  #wakeSender: () => void = () => {};

  constructor(run: LevelRun) {
    this.#run = run;
    this.#startMs = run.clock.nowMs();
    if (run.signal.aborted) this.#ended.abort();
    run.signal.addEventListener('abort', () => this.#ended.abort(), { once: true });
  }

  /** Nobody answers any more. */
  get isGone(): boolean {
    const { level } = this.#run;
    return this.#unconnected >= GONE_AFTER + (level.kind === 'closed' ? level.clients : 0);
  }

  async runClients(clients: number): Promise<void> {
    const { rampMs, durationMs, clock } = this.#run;
    const client = async (index: number): Promise<void> => {
      while (this.#goesOn() && this.#nowMs() < rampMs + durationMs) {
        const outcome = await this.#request(this.#nowMs(), index);
        if (outcome?.failure != null) await clock.sleep(BACK_OFF_MS, this.#ended.signal);
      }
    };
    await Promise.all(Array.from({ length: clients }, (_, index) => client(index)));
  }

  async runArrivals(ratePerSecond: number): Promise<void> {
    const { rampMs, durationMs, seed, clock } = this.#run;
    const { signal } = this.#ended;
    const sent: Promise<unknown>[] = [];
    for (const intendedMs of arrivals(ratePerSecond, rampMs + durationMs, seed)) {
      const waitMs = intendedMs - this.#nowMs();
      if (waitMs > 0) await clock.sleep(waitMs, signal);
      while (this.#underWay >= MOST_UNDER_WAY) await new Promise<void>((wake) => (this.#wakeSender = wake));
      if (!this.#goesOn()) break;
      sent.push(this.#request(intendedMs, null));
    }
    await Promise.all(sent);
  }

  #goesOn(): boolean {
    const { requests } = this.#run;
    return !this.#ended.signal.aborted && !this.isGone && (requests === null || this.#measured < requests);
  }

  #nowMs(): number {
    return this.#run.clock.nowMs() - this.#startMs;
  }

  /** @returns null when the measurement was stopped meanwhile */
  async #request(intendedMs: number, client: number | null): Promise<Outcome | null> {
    const { send, onRequest, rampMs } = this.#run;
    const number = this.#next++;
    const sentMs = this.#nowMs();
    if (intendedMs >= rampMs) this.#measured++;
    this.#underWay++;
    try {
      const outcome = await send(number, this.#ended.signal);
      if (this.#run.signal.aborted) return null;
      this.#unconnected = outcome.failure === 'connection' ? this.#unconnected + 1 : 0;
      onRequest({ number, client, intendedMs, sentMs, endMs: this.#nowMs(), outcome });
      return outcome;
    } finally {
      this.#underWay--;
      this.#wakeSender();
    }
  }
}

/**
 * When requests arrive that do not know of one another: a Poisson process, whose gaps are exponential with a mean of
 * 1 ÷ rate. The same seed gives the same times.
 *
 * @param ratePerSecond arrivals a second on the mean
 * @param durationMs none arrive later
 * @returns milliseconds from the beginning, ascending
 * @example
 * arrivals(2, 10_000, 1).length; // about 20
 */
export function arrivals(ratePerSecond: number, durationMs: number, seed: number): number[] {
  const random = createRandom(seed);
  const times: number[] = [];
  for (let timeMs = 0; ; ) {
    timeMs += (-1000 / ratePerSecond) * Math.log(random.uniform());
    if (timeMs >= durationMs) return times;
    times.push(timeMs);
  }
}
