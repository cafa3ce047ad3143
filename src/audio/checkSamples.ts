import { QwenAsrError } from '../error.js';

/**
 * What every clip must be before anything is computed from it.
 *
 * @param samples [n] f32
 * @throws QwenAsrError `audio` when there are no samples or one of them is not finite
 */
export function checkSamples(samples: Float32Array): void {
  if (samples.length === 0) throw new QwenAsrError('audio', 'audio: expected samples, found none');
  for (let i = 0; i < samples.length; i++) {
    if (Number.isFinite(samples[i])) continue;
    throw new QwenAsrError('audio', `audio: sample ${i} is ${samples[i]}, expected a finite value`);
  }
}
