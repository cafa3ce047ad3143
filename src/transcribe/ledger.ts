import type { MeasuredPhase, TranscriptTimings } from './types.js';

/** The phases that are timed one by one. */
export type TimedPhase = 'melMs' | 'convStemMs' | 'encoderLayersMs' | 'prefillMs' | 'detokenizeMs';

/** Where the wall time of one transcribe() call went. */
export class Ledger {
  readonly #startMs: number;
  readonly #phases: Record<TimedPhase, number> = {
    melMs: 0,
    convStemMs: 0,
    encoderLayersMs: 0,
    prefillMs: 0,
    detokenizeMs: 0,
  };
  readonly #decodeStepsMs: number[] = [];
  readonly #onPhaseEnd: ((phase: MeasuredPhase) => void) | undefined;
  #firstTokenMs: number | null = null;

  /**
   * @param startMs performance.now() at the call
   * @param onPhaseEnd see TranscribeOptions
   */
  constructor(startMs: number, onPhaseEnd?: (phase: MeasuredPhase) => void) {
    this.#startMs = startMs;
    this.#onPhaseEnd = onPhaseEnd;
  }

  /** Milliseconds since the call. */
  elapsedMs(): number {
    return performance.now() - this.#startMs;
  }

  add(phase: TimedPhase, ms: number): void {
    this.#phases[phase] += ms;
  }

  /** Runs `work` and charges its time to `phase`. */
  time<T>(phase: TimedPhase, work: () => T): T {
    const startMs = performance.now();
    const result = work();
    this.add(phase, performance.now() - startMs);
    return result;
  }

  /** The same for work that is awaited. */
  async timeAsync<T>(phase: TimedPhase, work: () => Promise<T>): Promise<T> {
    const startMs = performance.now();
    const result = await work();
    this.add(phase, performance.now() - startMs);
    return result;
  }

  /** Tells whoever measures that a phase is over; its time is not charged to any phase. */
  endPhase(phase: MeasuredPhase): void {
    this.#onPhaseEnd?.(phase);
  }

  /** Notes when the first token was known, which ends the prefill. */
  markFirstToken(): void {
    if (this.#firstTokenMs !== null) return;
    this.#firstTokenMs = this.elapsedMs();
    this.endPhase('prefill');
  }

  addDecodeStep(ms: number): void {
    this.#decodeStepsMs.push(ms);
  }

  /** The parts so far; `otherMs` is what no phase was charged with, so that all sum to totalMs. */
  close(): TranscriptTimings {
    if (this.#decodeStepsMs.length > 0) this.endPhase('decode');
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
