import { DECODER_DELAY, type Mp3Info } from './mp3Info.js';

/** The most that can follow a recording: LAME's largest padding, the decoder's delay, one frame. */
const MAX_TAIL = 4095 + DECODER_DELAY + 1152;

/** Cuts off what encoder and decoder put before and behind a recording. */
export class Mp3Trim {
  /** Samples of the recording so far. */
  kept = 0;
  #leading: number;
  /** Samples of the recording; infinite when unknown. */
  #sampleCount: number;
  #tail: Float32Array[] = [];
  #tailSamples = 0;

  constructor(info: Mp3Info | undefined) {
    this.#leading = info?.leadingSamples ?? DECODER_DELAY;
    this.#sampleCount = info?.sampleCount ?? Number.POSITIVE_INFINITY;
  }

  /** Samples that the file announced and that have not come. */
  get missing(): number {
    return Number.isFinite(this.#sampleCount) ? this.#sampleCount - this.kept : 0;
  }

  /**
   * What of a frame's samples belongs to the recording. Where more follows its announced end than padding (files that
   * were joined), the announcement is dropped and everything belongs to it.
   */
  apply(samples: Float32Array): Float32Array {
    const skipped = Math.min(this.#leading, samples.length);
    this.#leading -= skipped;
    const room = this.#sampleCount - this.kept;
    const inside = samples.subarray(skipped, Math.min(samples.length, skipped + room));
    this.kept += inside.length;
    const outside = samples.subarray(skipped + inside.length);
    if (outside.length === 0) return inside;
    this.#tail.push(outside);
    this.#tailSamples += outside.length;
    return this.#tailSamples <= MAX_TAIL ? inside : this.#releaseTail(inside);
  }

  #releaseTail(inside: Float32Array): Float32Array {
    const all = new Float32Array(inside.length + this.#tailSamples);
    all.set(inside);
    let at = inside.length;
    for (const piece of this.#tail) {
      all.set(piece, at);
      at += piece.length;
    }
    this.kept += this.#tailSamples;
    this.#tail = [];
    this.#sampleCount = Number.POSITIVE_INFINITY;
    return all;
  }
}
