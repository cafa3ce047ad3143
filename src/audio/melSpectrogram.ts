import { MEL_BINS, melFrameCount } from '../ops/logMelShape.js';
import { logMel } from '../ops/reference/logMel.js';
import { checkSamples } from './checkSamples.js';
import type { Mel } from './mel.js';
import { melFilters } from './melFilters.js';
import { padShortClip } from './padShortClip.js';

/**
 * Log-mel spectrogram as the models expect it (WhisperFeatureExtractor with 128 bins, without its padding to 30 s).
 * Clips under 0.5 s are zero-padded to 8000 samples. Values lie between max − 2 and max of the clip, about −1 … 1.5.
 *
 * @param samples [n] f32, mono, 16 kHz, n ≥ 1.
 * @returns [128, floor(n/160)] f32: one column every 10 ms.
 * @throws QwenAsrError `audio` when there are no samples or one of them is not finite.
 * @example
 * const second = Float32Array.from({ length: 16000 }, (_, i) => 0.5 * Math.sin((2 * Math.PI * 440 * i) / 16000));
 * const mel = melSpectrogram(second);
 * console.log(mel.bins, mel.frames); // 128 100
 */
export function melSpectrogram(samples: Float32Array): Mel {
  checkSamples(samples);
  const clip = padShortClip(samples);
  return { data: logMel(clip, melFilters()), bins: MEL_BINS, frames: melFrameCount(clip.length) };
}
