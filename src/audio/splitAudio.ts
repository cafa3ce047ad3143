import { QwenAsrError } from '../error.js';
import { SAMPLE_RATE_HZ } from './audioClip.js';
import { MIN_CLIP_SAMPLES, padShortClip } from './prepareSamples.js';

/** The search for a quiet point reaches at most this far to either side of the target (the published package's value). */
const MAX_REACH_SAMPLES = 5 * SAMPLE_RATE_HZ;

/** A part of a recording, short enough to be transcribed at once. */
export interface AudioSegment {
  /** [length] f32, or [8000] where the segment is shorter than 0.5 s: then zeros follow. */
  readonly samples: Float32Array;
  /** Where the segment begins in the recording, in samples. */
  readonly start: number;
  /** Samples of the recording, without padding; the next segment begins at start + length. */
  readonly length: number;
  /** Zeros appended to reach 0.5 s; they are not part of the recording. */
  readonly paddingSamples: number;
}

/** Where segments may end, in samples. */
export interface SplitRule {
  /** Length aimed at; a recording, or the rest of one, that is not longer stays whole. */
  readonly targetSamples: number;
  /** How far an end may be from the target: min(5 s, a quarter of the target). */
  readonly reachSamples: number;
}

/**
 * The rule for segments of about `segmentSeconds`: each ends within min(5 s, segmentSeconds/4) of that length, except the
 * last.
 *
 * @throws QwenAsrError `usage` for less than 1 s.
 */
export function splitRule(segmentSeconds: number): SplitRule {
  if (!(segmentSeconds >= 1) || !Number.isFinite(segmentSeconds)) {
    throw new QwenAsrError('usage', `segments: expected a length of at least 1 s, found ${segmentSeconds}`);
  }
  const targetSamples = Math.round(segmentSeconds * SAMPLE_RATE_HZ);
  return { targetSamples, reachSamples: Math.min(MAX_REACH_SAMPLES, Math.floor(targetSamples / 4)) };
}

/**
 * Splits a recording at its quietest points, so that words stay whole. While more than the target is left, the segment
 * ends at the quietest sample within reach of the target (see quietestSample); what is left then is the last segment.
 * Nothing is lost or doubled: the segments, without padding, put together are the recording.
 *
 * Memory is that of a segment, whatever the length of the recording. How the recording is cut into blocks makes no
 * difference.
 *
 * @param blocks [any] f32 each, 16 kHz mono: an AudioStream, or an array of them.
 * @param segmentSeconds length aimed at, at least 1 s.
 * @returns the segments in order; none for a recording without samples.
 * @throws QwenAsrError `usage` for segments of less than 1 s; and what `blocks` throws.
 * @example
 * for await (const { samples, start } of splitAudio(await openAudio('lecture.mp3'), 30)) {
 *   console.log(start / 16000, samples.length / 16000);
 * }
 */
export async function* splitAudio(
  blocks: AsyncIterable<Float32Array> | Iterable<Float32Array>,
  segmentSeconds: number,
): AsyncGenerator<AudioSegment, void, undefined> {
  const rule = splitRule(segmentSeconds);
  const { targetSamples, reachSamples } = rule;
  const needed = targetSamples + reachSamples;
  let held = new Float32Array(2 * needed);
  let filled = 0;
  let start = 0;
  const take = (length: number): AudioSegment => {
    const segment = makeSegment(held.slice(0, length), start);
    held.copyWithin(0, length, filled);
    filled -= length;
    start += length;
    return segment;
  };
  for await (const block of blocks) {
    if (filled + block.length > held.length) held = enlarged(held, filled + block.length);
    held.set(block, filled);
    filled += block.length;
    while (filled >= needed) yield take(endOfSegment(held.subarray(0, filled), rule));
  }
  while (filled > targetSamples) yield take(endOfSegment(held.subarray(0, filled), rule));
  if (filled > 0) yield take(filled);
}

/**
 * Where a whole recording is split: the ends of all segments but the last.
 *
 * @param samples [n] f32, 16 kHz mono.
 * @example
 * splitPoints(clip.samples, 30); // [478912, 955040]
 */
export function splitPoints(samples: Float32Array, segmentSeconds: number): number[] {
  const rule = splitRule(segmentSeconds);
  const points: number[] = [];
  for (let start = 0; samples.length - start > rule.targetSamples; start = points.at(-1)!) {
    points.push(start + endOfSegment(samples.subarray(start), rule));
  }
  return points;
}

/** @param rest [> targetSamples] f32: the recording from the segment's start, to its end or at least as far as is looked. */
function endOfSegment(rest: Float32Array, { targetSamples, reachSamples }: SplitRule): number {
  const from = targetSamples - reachSamples;
  const until = Math.min(rest.length, targetSamples + reachSamples);
  return from + quietestSample(rest.subarray(from, until), targetSamples - from);
}

function makeSegment(samples: Float32Array, start: number): AudioSegment {
  const paddingSamples = Math.max(0, MIN_CLIP_SAMPLES - samples.length);
  return { samples: padShortClip(samples), start, length: samples.length, paddingSamples };
}

function enlarged(samples: Float32Array, length: number): Float32Array<ArrayBuffer> {
  const larger = new Float32Array(2 * length);
  larger.set(samples);
  return larger;
}

/** Length of the window whose sum of magnitudes is compared: 100 ms. */
const WINDOW_SAMPLES = SAMPLE_RATE_HZ / 10;

/** Magnitudes are compared in these steps, so that sums of them are exact in f64 and equal windows are equal. */
const STEP = 2 ** -31;

/**
 * The quietest point of a stretch of sound: the window of 100 ms with the least sum of magnitudes, and in it the sample
 * with the least magnitude. Among equal windows (digital silence) the one nearest to `wanted` wins, so that segments keep
 * their length, and among equal samples the one nearest to the window's middle, so that sound on either side of a silence
 * keeps some of it; of two equally near the earlier. A stretch shorter than the window is one window.
 *
 * @param samples [n ≥ 1] f32 in [-1, 1].
 * @param wanted index in the stretch; a window is as near as its middle.
 * @returns index in the stretch.
 */
export function quietestSample(samples: Float32Array, wanted: number): number {
  const magnitudes = new Float64Array(samples.length); // ≤ 2^31; `from` with a function takes many times as long
  for (let i = 0; i < samples.length; i++) magnitudes[i] = Math.round(Math.abs(samples[i]!) / STEP);
  const window = Math.min(WINDOW_SAMPLES, samples.length);
  const start = quietestWindow(magnitudes, window, wanted - window / 2);
  const middle = start + window / 2;
  let best = start;
  for (let i = start; i < start + window; i++) {
    const difference = magnitudes[i]! - magnitudes[best]!;
    if (difference < 0 || (difference === 0 && Math.abs(i - middle) < Math.abs(best - middle))) best = i;
  }
  return best;
}

/** First sample of the window with the least sum; the sums stay below 1600·2^31, exact in f64. */
function quietestWindow(magnitudes: Float64Array, window: number, wantedStart: number): number {
  let sum = 0;
  for (let i = 0; i < window; i++) sum += magnitudes[i]!;
  let least = sum;
  let best = 0;
  for (let start = 1; start + window <= magnitudes.length; start++) {
    sum += magnitudes[start + window - 1]! - magnitudes[start - 1]!;
    if (sum > least) continue;
    if (sum === least && Math.abs(start - wantedStart) >= Math.abs(best - wantedStart)) continue;
    least = sum;
    best = start;
  }
  return best;
}

/** A stretch of a recording, in samples: [start, end). */
export interface SampleRange {
  readonly start: number;
  readonly end: number;
}

/** Sound is looked for in steps of 10 ms. */
const FRAME_SAMPLES = SAMPLE_RATE_HZ / 100;

/** Below it there is silence; far below the quietest speech that recognisers understand, above the noise of 16 bits. */
const SILENCE_DBFS = -60;

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
