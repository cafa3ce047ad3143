import { QwenAsrError } from '../error.js';
import { describeArgument } from '../model/describe.js';
import { SAMPLE_RATE_HZ } from './audioClip.js';
import { GROUP, PolyphaseFilter } from './polyphaseFilter.js';

/** Rates accepted: bounds on memory (a sample becomes at most 16) and on filter length (4,608 taps). */
export const MIN_RATE_HZ = 1000;
export const MAX_RATE_HZ = 768_000;

/**
 * Holds the rate in a file's header to those accepted.
 *
 * @throws QwenAsrError `audio`; its cause is a RangeError, as no program could make sound of such a file.
 */
export function checkHeaderRate(sampleRateHz: number, label: string): void {
  if (sampleRateHz >= MIN_RATE_HZ && sampleRateHz <= MAX_RATE_HZ) return;
  const cause = new RangeError(`${sampleRateHz} Hz`);
  const expected = `expected a sample rate of ${MIN_RATE_HZ} to ${MAX_RATE_HZ} Hz`;
  throw new QwenAsrError('audio', `${label}: ${expected}, found ${sampleRateHz}`, { cause });
}

/** Input samples taken in at a time, so that memory does not grow with the clip. */
const BLOCK = 16384;

/** Rates whose ratio to 16 kHz has a larger denominator have their outputs computed one by one. */
const MAX_GROUPED_DOWN = 8192;

/**
 * Resamples a whole clip, to 16 kHz unless told otherwise, with a Kaiser-windowed sinc filter of 48 samples radius (of the lower rate):
 * passband to 0.44 of the lower rate (7.05 kHz when reducing to 16 kHz) flat within 1e-4, at least 88 dB suppression
 * above its half, linear phase, no delay. Outside the clip the signal is taken as 0.
 *
 * @param samples [n] f32, mono.
 * @param rateHz integer from 1,000 to 768,000.
 * @param toHz the same of what comes out.
 * @returns [ceil(n·toHz/rateHz)] f32; the same array when that is its rate. Peaks may exceed those of the
 * input, as between-sample peaks become visible.
 * @throws QwenAsrError `audio` for another rate.
 * @example
 * const clip = resample(samples, 44100);
 */
export function resample(samples: Float32Array, rateHz: number, toHz: number = SAMPLE_RATE_HZ): Float32Array {
  if (rateHz === toHz) return samples;
  const resampler = new Resampler(rateHz, toHz);
  const body = resampler.push(samples);
  const tail = resampler.flush();
  const whole = new Float32Array(body.length + tail.length);
  whole.set(body);
  whole.set(tail, body.length);
  return whole;
}

/**
 * The same piece by piece: what all calls return, put together, equals `resample` of all pieces put together, bit for
 * bit. An output is returned as soon as the 48 samples (of the lower rate) after it are known. Memory does not depend on
 * the length of the clip.
 *
 * @example
 * const resampler = new Resampler(48000);
 * for (const piece of pieces) consume(resampler.push(piece));
 * consume(resampler.flush());
 */
export class Resampler {
  readonly #up: number;
  readonly #down: number;
  readonly #filter: PolyphaseFilter;
  readonly #grouped: boolean;
  /** Input that outputs to come are made of, as f64. */
  readonly #buffer: Float64Array;
  #filled = 0;
  /** The next output: where its first tap is in the buffer, and how far it lies, in 1/up, past an input sample. */
  #start = 0;
  #phase = 0;

  /** @throws QwenAsrError `audio` for a rate that is not an integer from 1,000 to 768,000. */
  constructor(rateHz: number, toHz: number = SAMPLE_RATE_HZ) {
    for (const hz of [rateHz, toHz]) {
      if (Number.isInteger(hz) && hz >= MIN_RATE_HZ && hz <= MAX_RATE_HZ) continue;
      const expected = `expected an integer rate of ${MIN_RATE_HZ} to ${MAX_RATE_HZ} Hz`;
      throw new QwenAsrError('audio', `resampler: ${expected}, found ${describeArgument(hz)}`);
    }
    const divisor = greatestCommonDivisor(rateHz, toHz);
    this.#up = toHz / divisor;
    this.#down = rateHz / divisor;
    this.#filter = new PolyphaseFilter(this.#up, this.#down);
    this.#grouped = this.#down <= MAX_GROUPED_DOWN;
    this.#buffer = new Float64Array(this.#filter.taps + (this.#grouped ? GROUP * this.#down : 0) + BLOCK);
    this.#reset();
  }

  /** Takes samples [n] f32 and returns the outputs that they complete. */
  push(samples: Float32Array): Float32Array {
    if (this.#up === this.#down) return samples.slice();
    const y = new Float32Array(this.#outputsWith(samples.length));
    let made = 0;
    for (let at = 0; at < samples.length; at += BLOCK) {
      this.#take(samples.subarray(at, at + BLOCK));
      made = this.#grouped ? this.#makeGroups(y, made) : this.#makeSingles(y, made);
    }
    this.#makeSingles(y, made);
    return y;
  }

  /** Returns the outputs that reach past the end of the clip; the resampler is then ready for another clip. */
  flush(): Float32Array {
    const tail = this.push(new Float32Array(this.#up === this.#down ? 0 : this.#filter.taps / 2));
    this.#reset();
    return tail;
  }

  /** Before a clip there are as many zeros as the first output has taps before its position. */
  #reset(): void {
    this.#buffer.fill(0);
    this.#filled = this.#filter.taps / 2 - 1;
    this.#start = 0;
    this.#phase = 0;
  }

  /** How many outputs are complete when `count` more samples have been taken. */
  #outputsWith(count: number): number {
    const positions = this.#filled + count - this.#filter.taps - this.#start + 1;
    return Math.max(0, Math.ceil((positions * this.#up - this.#phase) / this.#down));
  }

  #take(block: Float32Array): void {
    this.#buffer.copyWithin(0, this.#start, this.#filled);
    this.#filled -= this.#start;
    this.#start = 0;
    this.#buffer.set(block, this.#filled);
    this.#filled += block.length;
  }

  /** Makes GROUP periods of outputs at a time while their input is there; returns the number of outputs in y. */
  #makeGroups(y: Float32Array, made: number): number {
    let at = made;
    while (this.#start + GROUP * this.#down + this.#filter.taps <= this.#filled) {
      for (let j = 0; j < this.#up; j++) {
        const position = this.#phase + j * this.#down;
        const phase = position % this.#up;
        const start = this.#start + (position - phase) / this.#up;
        this.#filter.eight(phase, this.#buffer, start, y, at + j);
      }
      this.#start += GROUP * this.#down;
      at += GROUP * this.#up;
    }
    return at;
  }

  /** Makes outputs one by one while their input is there; returns the number of outputs in y. */
  #makeSingles(y: Float32Array, made: number): number {
    let at = made;
    while (this.#start + this.#filter.taps <= this.#filled) {
      y[at++] = this.#filter.one(this.#phase, this.#buffer, this.#start);
      const position = this.#phase + this.#down;
      this.#phase = position % this.#up;
      this.#start += (position - this.#phase) / this.#up;
    }
    return at;
  }
}

export function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
