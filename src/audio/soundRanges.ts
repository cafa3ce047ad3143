import { QwenAsrError } from '../error.js';
import { SAMPLE_RATE_HZ } from './audioClip.js';

/** A stretch of a recording, in samples: [start, end). */
export interface SampleRange {
  readonly start: number;
  readonly end: number;
}

/** Sound is looked for in steps of 10 ms. */
const FRAME_SAMPLES = SAMPLE_RATE_HZ / 100;

/** Below it there is silence; far below the quietest speech that recognisers understand, above the noise of 16 bits. */
export const SILENCE_DBFS = -60;

/** Silence shorter than this is part of the sound round it: pauses between words and sentences. */
const MIN_SILENCE_MS = 1000;

/** Kept of a silence at either end, so that no soft beginning or end of a word is lost. */
const MARGIN_MS = 200;

/**
 * Finds what is not silence. What lies outside the ranges is silent for certain, in this sense: each 10 ms of it, counted
 * from the start of the recording, has a root mean square below the threshold, and it is part of at least 1 s of that
 * (200 ms at either end stay in the ranges) or of a recording that is silent from start to end. It says nothing about what is in the ranges: noise and music are sound too.
 *
 * @param samples [n] f32 in [-1, 1], 16 kHz mono.
 * @param thresholdDbfs against full scale: 20·log10 of the root mean square; default −60.
 * @returns the ranges in order, apart from each other; none when all of it is silent.
 * @throws QwenAsrError `usage` for a threshold that is not below 0.
 * @example
 * if (soundRanges(segment.samples).length === 0) return ''; // nothing to transcribe
 */
export function soundRanges(samples: Float32Array, thresholdDbfs = SILENCE_DBFS): SampleRange[] {
  if (!(thresholdDbfs < 0)) {
    throw new QwenAsrError('usage', `silence: expected a threshold below 0 dBFS, found ${thresholdDbfs}`);
  }
  const leastSilence = (MIN_SILENCE_MS * SAMPLE_RATE_HZ) / 1000;
  const margin = (MARGIN_MS * SAMPLE_RATE_HZ) / 1000;
  const ranges: SampleRange[] = [];
  let soundStart = 0;
  const endSound = (end: number) => {
    if (end > soundStart) ranges.push({ start: soundStart, end });
  };
  for (const silence of silences(samples, 10 ** (thresholdDbfs / 20))) {
    const [atStart, atEnd] = [silence.start === 0, silence.end === samples.length];
    if (silence.end - silence.start < leastSilence && !(atStart && atEnd)) continue;
    endSound(atStart ? 0 : silence.start + margin);
    soundStart = atEnd ? silence.end : silence.end - margin;
  }
  endSound(samples.length);
  return ranges;
}

/** The longest runs of silent frames; the last frame may be shorter. */
function silences(samples: Float32Array, threshold: number): SampleRange[] {
  const runs: SampleRange[] = [];
  let start: number | null = null;
  for (let at = 0; at < samples.length; at += FRAME_SAMPLES) {
    const silent = meanSquare(samples.subarray(at, at + FRAME_SAMPLES)) < threshold ** 2;
    if (silent) start ??= at;
    else if (start !== null) {
      runs.push({ start, end: at });
      start = null;
    }
  }
  if (start !== null) runs.push({ start, end: samples.length });
  return runs;
}

function meanSquare(frame: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < frame.length; i++) sum += frame[i]! ** 2;
  return sum / frame.length;
}
