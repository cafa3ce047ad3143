import { SAMPLE_RATE_HZ } from '../../audio/audioClip.js';

/** What stands in the stream besides samples: a segment ends here, or everything does. */
export type StreamMark = 'endSegment' | 'finish';

/** More than this is only taken in a single piece: who does not wait cannot fill the memory. */
const MAX_WAITING_SAMPLES = 60 * SAMPLE_RATE_HZ;

/** Samples on their way to the transcription, in their order. */
export class StreamInput {
  #items: (Float32Array | StreamMark)[] = [];
  /** Samples of the first item that have been taken. */
  #taken = 0;
  /** Samples that wait to be taken. */
  #waiting = 0;
  /** Those who wait for more, and those who wait for room. */
  #readers: (() => void)[] = [];
  #writers: (() => void)[] = [];

  get waiting(): number {
    return this.#waiting;
  }

  get isFull(): boolean {
    return this.#waiting > MAX_WAITING_SAMPLES;
  }

  push(item: Float32Array | StreamMark): void {
    if (typeof item !== 'string') {
      if (item.length === 0) return;
      this.#waiting += item.length;
    }
    this.#items.push(item);
    wakeAll(this.#readers);
  }

  /** The next samples, at most so many of them, or the next mark; null when nothing is there. */
  take(count: number): Float32Array | StreamMark | null {
    const first = this.#items[0];
    if (first === undefined || typeof first === 'string') {
      this.#items.shift();
      return first ?? null;
    }
    const samples = first.subarray(this.#taken, this.#taken + count);
    this.#taken += samples.length;
    this.#waiting -= samples.length;
    if (this.#taken === first.length) {
      this.#items.shift();
      this.#taken = 0;
    }
    return samples;
  }

  /** Drops all samples, and the ends of segments among them. @returns how many samples */
  clear(): number {
    const dropped = this.#waiting;
    this.#items = this.#items.filter((item) => item === 'finish');
    this.#taken = 0;
    this.#waiting = 0;
    this.wakeWriters();
    return dropped;
  }

  /** Until something has been pushed, or everybody is woken. */
  async more(): Promise<void> {
    if (this.#items.length === 0) await new Promise<void>((resolve) => this.#readers.push(resolve));
  }

  /** Until somebody has woken those who wait for room. */
  room(): Promise<void> {
    return new Promise((resolve) => this.#writers.push(resolve));
  }

  wakeWriters(): void {
    wakeAll(this.#writers);
  }

  wakeEverybody(): void {
    wakeAll(this.#readers);
    wakeAll(this.#writers);
  }
}

function wakeAll(waiting: (() => void)[]): void {
  for (const wake of waiting.splice(0)) wake();
}
