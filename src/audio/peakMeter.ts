import { SAMPLE_RATE_HZ } from './audioClip.js';
import { KERNEL_RADIUS } from './polyphaseFilter.js';
import { peakOf } from './prepareSamples.js';
import { greatestCommonDivisor, Resampler } from './resample.js';

/**
 * Bound on how much the resampler can enlarge a peak: the sum of the magnitudes of the coefficients that make an
 * output. The largest, 2.517, is that of outputs half way between two samples when the rate is raised; a test sums them.
 */
export const MAX_GAIN = 2.52;

/** Least length of the stretches that are resampled or not, in input samples. */
const MIN_STRETCH = 4096;

/**
 * Finds the peak of a clip after resampling to 16 kHz, without resampling most of it: a stretch whose samples stay below
 * 1/MAX_GAIN, with its neighbours, has no output above 1. Peaks above 1 are found exactly, to the last bit; a peak of 1 or
 * less is only known to be one.
 *
 * @example
 * const meter = new PeakMeter(44100);
 * for (const block of blocks) meter.push(block);
 * meter.finish(); // 1.04: divide by it
 */
export class PeakMeter {
  readonly #rateHz: number;
  /** [stretch] f32: the samples since the last full stretch. */
  readonly #stretch: Float32Array;
  #filled = 0;
  /** The stretch before, and whether it or its neighbour before was loud: then `#resampler` has taken it. */
  #before: Float32Array;
  #beforeIsLoud = false;
  #resampler: Resampler | null = null;
  #peak = 0;

  constructor(rateHz: number) {
    this.#rateHz = rateHz;
    // A multiple of the input samples after which outputs fall on input samples again, so that a resampler that begins
    // there makes the same outputs as one that began with the clip; and longer than its filter.
    const period = rateHz / greatestCommonDivisor(rateHz, SAMPLE_RATE_HZ);
    const filter = 2 * Math.ceil(KERNEL_RADIUS * Math.max(1, rateHz / SAMPLE_RATE_HZ));
    const length = period * Math.ceil(Math.max(MIN_STRETCH, filter) / period);
    this.#stretch = new Float32Array(length);
    this.#before = new Float32Array(length);
  }

  /** Takes the clip's next samples [n] f32. */
  push(samples: Float32Array): void {
    if (this.#rateHz === SAMPLE_RATE_HZ) {
      this.#peak = Math.max(this.#peak, peakOf(samples));
      return;
    }
    for (let at = 0; at < samples.length; ) {
      const step = Math.min(this.#stretch.length - this.#filled, samples.length - at);
      this.#stretch.set(samples.subarray(at, at + step), this.#filled);
      this.#filled += step;
      at += step;
      if (this.#filled === this.#stretch.length) this.#endStretch(this.#stretch);
    }
  }

  /** The peak, exact where it exceeds 1. The clip ends here. */
  finish(): number {
    if (this.#filled > 0) this.#endStretch(this.#stretch.subarray(0, this.#filled));
    if (this.#resampler !== null) this.#note(this.#resampler.flush());
    return this.#peak;
  }

  #endStretch(stretch: Float32Array): void {
    const isLoud = peakOf(stretch) * MAX_GAIN > 1;
    if (isLoud || this.#beforeIsLoud) {
      // A resampler that starts late takes the samples before its start as 0. That spoils outputs among quiet samples
      // only, and no sum of a part of them reaches 1 either.
      if (this.#resampler === null) {
        this.#resampler = new Resampler(this.#rateHz);
        this.#note(this.#resampler.push(this.#before));
      }
      this.#note(this.#resampler.push(stretch));
    } else {
      this.#resampler = null; // what it still holds lies among quiet samples
    }
    this.#before.set(stretch);
    this.#beforeIsLoud = isLoud;
    this.#filled = 0;
  }

  #note(outputs: Float32Array): void {
    this.#peak = Math.max(this.#peak, peakOf(outputs));
  }
}
