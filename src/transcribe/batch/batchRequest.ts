import { QwenAsrError } from '../../error.js';
import type { BatchRequestOptions, RecordingSegment, TranscriptSegment } from '../types.js';

/** Segments that are read before there is a place for them. */
const READ_AHEAD = 1;

/** Finished segments that nobody has taken yet, beyond which no further one is begun. */
const MAX_UNTAKEN = 16;

/**
 * One caller's segments on their way through a batch that it shares with others: read ahead of their places, handed back
 * in their order.
 */
export class BatchRequest {
  readonly options: BatchRequestOptions;
  readonly startMs = performance.now();
  /** Places in the batch that its segments hold. */
  placeCount = 0;
  /** Whether a segment of it has been decoded, or has begun to be. */
  hasText = false;
  readonly #source: AsyncIterator<RecordingSegment>;
  /** Tells the batch that there is something to do. */
  readonly #changed: () => void;
  readonly #ready: RecordingSegment[] = [];
  #isReading = false;
  #sourceEnded = false;
  #begun = 0;
  readonly #finished = new Map<number, TranscriptSegment>();
  #taken = 0;
  #error: unknown;
  #isOver = false;
  /** Wakes whoever waits for the next transcript. */
  #wake: () => void = () => {};

  constructor(segments: AsyncIterable<RecordingSegment>, options: BatchRequestOptions, changed: () => void) {
    this.#source = segments[Symbol.asyncIterator]();
    this.options = options;
    this.#changed = changed;
  }

  /** Nothing more is to be computed for it: it has failed, was stopped, or is done. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Whether a segment waits for a place. */
  get isWaiting(): boolean {
    return !this.#isOver && this.#ready.length > 0 && this.#begun - this.#taken < MAX_UNTAKEN;
  }

  /** Whether every segment has been begun: what is in the batch is all that is left. */
  get isEnding(): boolean {
    return this.#sourceEnded && this.#ready.length === 0;
  }

  /** The next segment, and its number: 0, 1, 2, … */
  next(): { segment: RecordingSegment; number: number } {
    const segment = this.#ready.shift()!;
    this.#readAhead();
    return { segment, number: this.#begun++ };
  }

  finish(number: number, transcript: TranscriptSegment): void {
    this.#finished.set(number, transcript);
    this.#wake();
  }

  fail(error: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#error = error;
    this.#wake();
  }

  /** The transcripts in order. Leaving the loop ends the request. */
  async *transcripts(): AsyncGenerator<TranscriptSegment, void, undefined> {
    const { signal } = this.options;
    const stop = (): void =>
      this.#stop(new QwenAsrError('aborted', 'transcribe: stopped by the caller’s signal'));
    if (signal?.aborted) stop();
    signal?.addEventListener('abort', stop, { once: true });
    try {
      this.#readAhead();
      for (;;) {
        const transcript = this.#finished.get(this.#taken);
        if (transcript !== undefined) {
          this.#finished.delete(this.#taken++);
          this.#changed();
          yield transcript;
        } else if (this.#error !== undefined) throw this.#error;
        else if (this.#sourceEnded && this.#ready.length === 0 && this.#taken === this.#begun) return;
        else await new Promise<void>((resolve) => (this.#wake = resolve));
      }
    } finally {
      signal?.removeEventListener('abort', stop);
      this.#isOver = true;
      this.#changed();
      if (!this.#isReading) await this.#source.return?.();
    }
  }

  #stop(error: QwenAsrError): void {
    this.fail(error);
    this.#changed();
  }

  #readAhead(): void {
    if (this.#isReading || this.#sourceEnded || this.#isOver || this.#ready.length >= READ_AHEAD) return;
    this.#isReading = true;
    this.#source.next().then(
      ({ done, value }) => {
        this.#isReading = false;
        if (done === true) this.#sourceEnded = true;
        else this.#ready.push(value);
        if (this.#isOver) void this.#source.return?.();
        else this.#readAhead();
        this.#wake();
        this.#changed();
      },
      (error: unknown) => {
        this.#isReading = false;
        this.#sourceEnded = true;
        this.#stop(error as QwenAsrError);
      },
    );
  }
}
