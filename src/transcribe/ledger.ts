import type { TranscriptTimings } from './types.js';

/** The phases that are timed one by one. */
export type Phase = 'melMs' | 'convStemMs' | 'encoderLayersMs' | 'prefillMs' | 'detokenizeMs';

/** Where the wall time of one transcribe() call went. */
export class Ledger {
  readonly #startMs: number;
  readonly #phases: Record<Phase, number> = {
    melMs: 0,
    convStemMs: 0,
    encoderLayersMs: 0,
    prefillMs: 0,
    detokenizeMs: 0,
  };
  readonly #decodeStepsMs: number[] = [];
  #firstTokenMs: number | null = null;

  /** @param startMs performance.now() at the call */
  constructor(startMs: number) {
    this.#startMs = startMs;
  }

  /** Milliseconds since the call. */
  elapsedMs(): number {
    return performance.now() - this.#startMs;
  }

  add(phase: Phase, ms: number): void {
    this.#phases[phase] += ms;
  }

  /** Runs `work` and charges its time to `phase`. */
  time<T>(phase: Phase, work: () => T): T {
    const startMs = performance.now();
    const result = work();
    this.add(phase, performance.now() - startMs);
    return result;
  }

  /** The same for work that is awaited. */
  async timeAsync<T>(phase: Phase, work: () => Promise<T>): Promise<T> {
    const startMs = performance.now();
    const result = await work();
    this.add(phase, performance.now() - startMs);
    return result;
  }

  /** Notes when the first token was known. */
  markFirstToken(): void {
    this.#firstTokenMs ??= this.elapsedMs();
  }

  addDecodeStep(ms: number): void {
    this.#decodeStepsMs.push(ms);
  }

  /** The parts so far; `otherMs` is what no phase was charged with, so that all sum to totalMs. */
  close(): TranscriptTimings {
    const decodeMs = sum(this.#decodeStepsMs);
    const totalMs = this.elapsedMs();
    const otherMs = Math.max(0, totalMs - decodeMs - sum(Object.values(this.#phases)));
    return {
      ...this.#phases,
      decodeMs,
      otherMs,
      totalMs,
      firstTokenMs: this.#firstTokenMs,
      decodeStepsMs: this.#decodeStepsMs,
    };
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
