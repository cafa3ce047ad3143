import { QwenAsrError } from '../error.js';
import { describeArgument, kindOf } from '../model/describe.js';
import { SAMPLE_RATE_HZ } from './audioClip.js';
import { resample } from './resample.js';

/**
 * Makes the samples a model hears out of a recording: resampled to 16 kHz, divided by the peak if that exceeds 1, clipped
 * to [-1, 1], zero-padded to 0.5 s.
 *
 * @param mono [n] f32, n ≥ 1, finite; for several channels their mean.
 * @param rateHz integer from 1,000 to 768,000.
 * @returns [max(ceil(n·16000/rateHz), 8000)] f32, in memory of its own.
 * @throws QwenAsrError `audio` when they are no Float32Array, there are none, or the rate is out of range.
 * @example
 * const samples = prepareSamples(mono, 44100);
 */
export function prepareSamples(mono: Float32Array, rateHz: number): Float32Array {
  const own = takeSamples(mono);
  if (own.length === 0) throw new QwenAsrError('audio', 'expected samples, found none');
  const samples = resample(own, rateHz);
  return padShortClip(limitPeak(samples, peakOf(samples)));
}

/**
 * What every clip must be before anything is computed from it.
 *
 * @param samples [n] f32
 * @throws QwenAsrError `audio` when it is no Float32Array, has no samples or one of them is not finite
 */
export function checkSamples(samples: Float32Array): void {
  checkSampleType(samples);
  if (samples.length === 0) throw new QwenAsrError('audio', 'audio: expected samples, found none');
  for (let i = 0; i < samples.length; i++) {
    if (Number.isFinite(samples[i])) continue;
    throw new QwenAsrError('audio', `audio: sample ${i} is ${samples[i]}, expected a finite value`);
  }
}

/**
 * For callers without a type checker: integers and doubles would be heard as noise, or as nothing.
 *
 * @throws QwenAsrError `audio` when it is no Float32Array
 */
export function checkSampleType(samples: unknown): asserts samples is Float32Array {
  if (isFloat32Array(samples)) return;
  throw new QwenAsrError(
    'audio',
    `audio: expected samples as a Float32Array, found ${describeArgument(samples)}`,
  );
}

/**
 * A copy of samples, which the caller may overwrite from now on: recorders use one buffer again and again.
 *
 * @throws QwenAsrError `audio` when they are no Float32Array
 */
export function takeSamples(samples: unknown): Float32Array<ArrayBuffer> {
  checkSampleType(samples);
  return new Float32Array(samples);
}

export function isFloat32Array(value: unknown): value is Float32Array {
  return kindOf(value) === 'Float32Array';
}

/**
 * Largest magnitude among samples.
 *
 * @param samples [n] f32, finite.
 */
export function peakOf(samples: Float32Array): number {
  let peak = 0;
  for (let i = 0; i < samples.length; i++) peak = Math.max(peak, Math.abs(samples[i]!));
  return peak;
}

/**
 * Divides by the peak of the whole clip, only where it exceeds 1; the clip to [-1, 1] then takes what rounding leaves
 * above.
 *
 * @param samples [n] f32, all of the clip or a part of it.
 * @returns [n] f32; the same array when the peak does not exceed 1.
 */
export function limitPeak(samples: Float32Array, peak: number): Float32Array {
  if (peak <= 1) return samples;
  return samples.map((value) => Math.max(-1, Math.min(1, value / peak)));
}

/** Shortest clip the models are given, 0.5 s at 16 kHz, as in the native transformers processor. */
export const MIN_CLIP_SAMPLES = SAMPLE_RATE_HZ / 2;

/**
 * Appends zeros to clips under 0.5 s.
 *
 * @param samples [n] f32 at 16 kHz.
 * @returns [max(n, 8000)] f32; the same array when it is long enough.
 * @example
 * padShortClip(new Float32Array(100)).length; // 8000
 */
export function padShortClip(samples: Float32Array): Float32Array {
  if (samples.length >= MIN_CLIP_SAMPLES) return samples;
  const padded = new Float32Array(MIN_CLIP_SAMPLES);
  padded.set(samples);
  return padded;
}

/** Pieces [any] f32 as one array; a single piece as it is. */
export function joinSamples(pieces: readonly Float32Array[]): Float32Array {
  if (pieces.length === 1) return pieces[0]!;
  const joined = new Float32Array(pieces.reduce((length, piece) => length + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    joined.set(piece, at);
    at += piece.length;
  }
  return joined;
}
