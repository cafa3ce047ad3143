import { SAMPLE_RATE_HZ } from '../audio/audioClip.js';
import { isFloat32Array, joinSamples, takeSamples } from '../audio/prepareSamples.js';
import { type AudioSegment, soundRanges, splitAudio } from '../audio/splitAudio.js';
import { splitSpeech, type VadOptions, vadOptionsOf } from '../audio/vad/speechSegmenter.js';
import { QwenAsrError } from '../error.js';
import { checkOptions } from '../model/checkArguments.js';
import { describeArgument } from '../model/describe.js';
import type { HeardPiece, RecordingSegment, SegmentationOptions } from './types.js';

/** A recording up to this length is transcribed as a whole unless the caller says otherwise. */
const WHOLE_SECONDS = 60;

/** Segments of a longer one; docs/adr/0007-segments-side-by-side.md. */
const AUTOMATIC_SEGMENT_SECONDS = 30;

/** As splitRule: shorter ones could not be searched for a quiet point. */
const MIN_SEGMENT_MS = 1000;

/** The length at which the published package splits; a segment is held in memory. */
const MAX_SEGMENT_MS = 1_200_000;

/** Length of the blocks that an array is split in, as those of an AudioStream. */
const BLOCK_SAMPLES = SAMPLE_RATE_HZ;

/**
 * Cuts a recording into segments that follow one another without gap. A recording that becomes a single segment is heard
 * as it is; of the segments of a longer one the digital silence at both ends is left out (see trimDigitalSilence). With
 * `skipSilence` everything silent is (see soundRanges). With `vad` segments hold speech and there are gaps between them;
 * a recording without speech has none (see SpeechSegmenter).
 *
 * @param source [n] f32 in [-1, 1], mono, 16 kHz; whole, or in blocks of any size. Copied at the call and when a block
 * comes: it may change afterwards.
 * @throws QwenAsrError `usage` for segments under 1 s or over 20 min; `audio` for a recording without samples; what the source throws
 * @example
 * for await (const { startMs, endMs } of segmentRecording(clip.samples, { segmentMs: 10_000 })) console.log(startMs, endMs);
 */
export function segmentRecording(
  source: Float32Array | AsyncIterable<Float32Array>,
  options: SegmentationOptions = {},
): AsyncGenerator<RecordingSegment, void, undefined> {
  return segments(isFloat32Array(source) ? takeSamples(source) : source, options);
}

async function* segments(
  source: Float32Array | AsyncIterable<Float32Array>,
  options: SegmentationOptions,
): AsyncGenerator<RecordingSegment, void, undefined> {
  checkOptions(options);
  const { segmentMs, skipSilence = false, longestMs = Number.POSITIVE_INFINITY } = options;
  const vad = vadOptionsOf(options.vad);
  if (segmentMs !== undefined && !isSegmentLength(segmentMs)) {
    const range = `from ${MIN_SEGMENT_MS} to ${MAX_SEGMENT_MS}, or Infinity`;
    const line = `expected a number ${range}, found ${describeArgument(segmentMs)}`;
    throw new QwenAsrError('usage', line, { option: 'segmentMs' });
  }
  const blocks = new CountedBlocks(blocksOf(source));
  let index = 0;
  const cut = vad === null ? split(blocks, segmentMs, longestMs) : speech(blocks, vad, segmentMs, longestMs);
  for await (const { samples, start, length } of cut) {
    const recorded = samples.subarray(0, length);
    const isWhole = start === 0 && blocks.ended && length === blocks.sampleCount;
    const heard = skipSilence ? soundOf(recorded) : isWhole ? allOf(recorded) : withoutSilentEnds(recorded);
    yield {
      index: index++,
      startMs: start / 16,
      endMs: (start + length) / 16,
      samples: heard.samples,
      ...(heard.samples !== recorded && { pieces: heard.ranges.map((range) => pieceOf(range, start)) }),
    };
  }
  if (blocks.sampleCount === 0) throw new QwenAsrError('audio', 'expected samples, found none');
}

/** Samples that are heard, and where they lie in the segment. */
interface HeardSamples {
  readonly samples: Float32Array;
  readonly ranges: readonly HeardRange[];
}

interface HeardRange {
  /** In what is heard. */
  readonly at: number;
  /** In the segment. */
  readonly start: number;
  readonly end: number;
}

function allOf(samples: Float32Array): HeardSamples {
  return { samples, ranges: [{ at: 0, start: 0, end: samples.length }] };
}

function pieceOf({ at, start, end }: HeardRange, segmentStart: number): HeardPiece {
  return { atMs: at / 16, startMs: (segmentStart + start) / 16, endMs: (segmentStart + end) / 16 };
}

function isSegmentLength(ms: unknown): boolean {
  if (typeof ms !== 'number') return false;
  return ms === Number.POSITIVE_INFINITY || (ms >= MIN_SEGMENT_MS && ms <= MAX_SEGMENT_MS);
}

/** The blocks of a source, counted. */
class CountedBlocks implements AsyncIterable<Float32Array> {
  readonly #source: AsyncIterable<Float32Array> | Iterable<Float32Array>;
  /** Samples handed out so far. */
  sampleCount = 0;
  /** No block follows. */
  ended = false;

  constructor(source: AsyncIterable<Float32Array> | Iterable<Float32Array>) {
    this.#source = source;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Float32Array, void, undefined> {
    for await (const block of this.#source) {
      const own = takeSamples(block);
      this.sampleCount += own.length;
      yield own;
    }
    this.ended = true;
  }
}

/** @throws QwenAsrError `audio` for what is neither samples nor anything that yields them */
function blocksOf(source: Float32Array | AsyncIterable<Float32Array>) {
  if (isFloat32Array(source)) return pieces(source);
  const yields =
    typeof source === 'object' &&
    source !== null &&
    (Symbol.asyncIterator in source || Symbol.iterator in source);
  if (yields && !ArrayBuffer.isView(source)) return source;
  const expected = 'expected samples as a Float32Array or in blocks of them';
  throw new QwenAsrError('audio', `audio: ${expected}, found ${describeArgument(source)}`);
}

function* pieces(samples: Float32Array): Generator<Float32Array, void, undefined> {
  for (let at = 0; at < samples.length; at += BLOCK_SAMPLES) yield samples.subarray(at, at + BLOCK_SAMPLES);
}

type Segments = AsyncIterable<Pick<AudioSegment, 'samples' | 'start' | 'length'>>;

function split(blocks: CountedBlocks, segmentMs: number | undefined, longestMs: number): Segments {
  if (segmentMs === undefined) return splitWhenLong(blocks, longestMs);
  return segmentMs === Number.POSITIVE_INFINITY ? whole(blocks) : splitAudio(blocks, segmentMs / 1000);
}

async function* speech(
  blocks: CountedBlocks,
  vad: VadOptions,
  segmentMs: number | undefined,
  longestMs: number,
): Segments {
  const maxSeconds = segmentMs === undefined ? automaticSeconds(longestMs) : segmentMs / 1000;
  for await (const { samples, start } of splitSpeech(blocks, vad, maxSeconds)) {
    yield { samples, start, length: samples.length };
  }
}

function automaticSeconds(longestMs: number): number {
  return Math.min(AUTOMATIC_SEGMENT_SECONDS, longestMs / 1000);
}

/** Looks how long the recording is, as far as matters. */
async function* splitWhenLong(blocks: CountedBlocks, longestMs: number): Segments {
  const wholeSeconds = Math.min(WHOLE_SECONDS, longestMs / 1000);
  const rest = blocks[Symbol.asyncIterator]();
  const first: Float32Array[] = [];
  while (blocks.sampleCount <= wholeSeconds * SAMPLE_RATE_HZ) {
    const { done, value } = await rest.next();
    if (done === true) return yield* whole(first);
    first.push(value);
  }
  yield* splitAudio(chain(first, rest), automaticSeconds(longestMs));
}

async function* chain(
  first: Float32Array[],
  rest: AsyncIterable<Float32Array>,
): AsyncGenerator<Float32Array, void, undefined> {
  yield* first.splice(0);
  yield* rest;
}

async function* whole(blocks: AsyncIterable<Float32Array> | Iterable<Float32Array>): Segments {
  const pieces: Float32Array[] = [];
  for await (const block of blocks) pieces.push(block);
  const samples = joinSamples(pieces);
  if (samples.length > 0) yield { samples, start: 0, length: samples.length };
}

/** What is left of samples when every silence is taken out. */
function soundOf(samples: Float32Array): HeardSamples {
  let at = 0;
  const ranges = soundRanges(samples).map(({ start, end }) => {
    at += end - start;
    return { at: at - (end - start), start, end };
  });
  return { samples: joinSamples(ranges.map(({ start, end }) => samples.subarray(start, end))), ranges };
}

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
  return withoutSilentEnds(samples).samples;
}

function withoutSilentEnds(samples: Float32Array): HeardSamples {
  const first = samples.findIndex(isSound);
  if (first < 0) return allOf(samples);
  const last = samples.findLastIndex(isSound);
  const start = first < MIN_SILENCE_SAMPLES ? 0 : first - MARGIN_SAMPLES;
  const silentEnd = samples.length - 1 - last;
  const end = silentEnd < MIN_SILENCE_SAMPLES ? samples.length : last + 1 + MARGIN_SAMPLES;
  const [keptStart, keptEnd] = [Math.max(0, start), Math.min(samples.length, end)];
  const kept = samples.subarray(keptStart, keptEnd);
  const ranges = [{ at: keptStart - start, start: keptStart, end: keptEnd }];
  if (start >= 0 && end <= samples.length) return { samples: kept, ranges };
  const padded = new Float32Array(end - start);
  padded.set(kept, keptStart - start);
  return { samples: padded, ranges };
}

/** True for NaN, which somebody else refuses. */
function isSound(value: number): boolean {
  return !(Math.abs(value) <= SILENCE_PEAK);
}

/**
 * When something that is heard was, in the recording. Between two pieces an end belongs to the first, a start to the
 * second: with pieces of 500 ms and 1 s and 1.5 s between them, what is heard at 500 ms ended then, or started at 2000 ms.
 *
 * @param pieces in order, at least one
 */
export function recordingTime(pieces: readonly HeardPiece[], ms: number, what: 'start' | 'end'): number {
  const begun = ({ atMs }: HeardPiece): boolean => (what === 'start' ? atMs <= ms : atMs < ms);
  const piece = pieces.findLast(begun) ?? pieces[0]!;
  return piece.startMs + Math.min(Math.max(0, ms - piece.atMs), piece.endMs - piece.startMs);
}
