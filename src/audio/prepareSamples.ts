import { QwenAsrError } from '../error.js';
import { takeSamples } from './checkSamples.js';
import { limitPeak, peakOf } from './limitPeak.js';
import { padShortClip } from './padShortClip.js';
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
