import type { Interference, PeakMemory } from '../schema/runRecord.js';
import { type InterferenceCounters, InterferenceMeter } from './interferenceMeter.js';
import { MemoryMeter } from './memoryMeter.js';

/** What was observed around one timed call. */
export interface Observed<Result> {
  readonly result: Result;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  /** Wall time of the call. */
  readonly totalMs: number;
  /** Null where nothing of it can be read: in browsers. */
  readonly interference: Interference | null;
  readonly memory: PeakMemory | null;
}

/** The meters of a process, read before and after each timed call, and at the ends of its phases. */
export class RunMeters {
  readonly memory = new MemoryMeter();
  readonly #interference = new InterferenceMeter();

  /** Makes a call and times it. */
  async observe<Result>(call: () => Promise<Result>): Promise<Observed<Result>> {
    const before: InterferenceCounters = this.#interference.read();
    this.memory.start();
    const startedAt = new Date().toISOString();
    const startMs = performance.now();
    const result = await call();
    const totalMs = performance.now() - startMs;
    const memory = this.memory.stop();
    return { result, startedAt, totalMs, interference: this.#interference.since(before), memory };
  }

  close(): void {
    this.memory.close();
    this.#interference.close();
  }
}
