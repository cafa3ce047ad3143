import { SAMPLE_RATE_HZ } from '../audio/audioClip.js';

/** One step of 16-bit samples: what dither leaves where nothing was recorded. A quiet room is far louder. */
const SILENCE_PEAK = 2 ** -15;

/** Least silence at an end that counts: a segment of sound may well be cut where the sound is 0 for a moment. */
const MIN_SILENCE_SAMPLES = 0.02 * SAMPLE_RATE_HZ;

/** Stays, or is put, at either end: utterances begin and end with about as much. */
const MARGIN_SAMPLES = 0.3 * SAMPLE_RATE_HZ;

/**
 * Gives a segment that begins or ends in digital silence exactly 0.3 s of it there. More of it says nothing, costs as much
 * as speech, and makes models that were trained on utterances take a short one for another; less is what a cut through
 * a silence leaves, of which the rest is in the neighbour.
 *
 * @param samples [n] f32
 * @returns [m] f32, a view of the same samples where nothing has to be put; all of them when there is only silence.
 */
export function trimDigitalSilence(samples: Float32Array): Float32Array {
  const first = samples.findIndex(isSound);
  if (first < 0) return samples;
  const last = samples.findLastIndex(isSound);
  const start = first < MIN_SILENCE_SAMPLES ? 0 : first - MARGIN_SAMPLES;
  const silentEnd = samples.length - 1 - last;
  const end = silentEnd < MIN_SILENCE_SAMPLES ? samples.length : last + 1 + MARGIN_SAMPLES;
  if (start >= 0 && end <= samples.length) return samples.subarray(start, end);
  const trimmed = new Float32Array(end - start);
  const kept = Math.max(0, start);
  trimmed.set(samples.subarray(kept, end), kept - start);
  return trimmed;
}

/** True for NaN, which somebody else refuses. */
function isSound(value: number): boolean {
  return !(Math.abs(value) <= SILENCE_PEAK);
}
