import { QwenAsrError } from '../error.js';
import { describeArgument, kindOf } from '../model/describe.js';

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
