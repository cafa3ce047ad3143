import { QwenAsrError } from '../error.js';
import { limitPeak, peakOf } from './limitPeak.js';
import { padShortClip } from './padShortClip.js';
import { resample } from './resample.js';

/**
 * Makes the samples a model hears out of a recording: resampled to 16 kHz, divided by the peak if that exceeds 1, clipped
 * to [-1, 1], zero-padded to 0.5 s.
 *
 * @param mono [n] f32, n ≥ 1, finite; for several channels their mean.
 * @param rateHz integer from 1,000 to 768,000.
 * @returns [max(ceil(n·16000/rateHz), 8000)] f32. Shares memory with `mono` when there was nothing to do.
 * @throws QwenAsrError `audio` when there are no samples or the rate is out of range.
 * @example
 * const samples = prepareSamples(mono, 44100);
 */
export function prepareSamples(mono: Float32Array, rateHz: number): Float32Array {
  if (mono.length === 0) throw new QwenAsrError('audio', 'expected samples, found none');
  const samples = resample(mono, rateHz);
  return padShortClip(limitPeak(samples, peakOf(samples)));
}
