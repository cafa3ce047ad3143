import { SAMPLE_RATE_HZ } from './audioClip.js';

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
