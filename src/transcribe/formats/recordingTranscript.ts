import type { AudioFormat } from '../../audio/audioClip.js';
import type { ErrorCode } from '../../error.js';
import { joinLanguages, joinTexts } from '../../text/joinTexts.js';
import type { ModelInfo, TranscriptSegment, TranscriptTimings } from '../types.js';

/** What was transcribed. */
export interface RecordingFacts {
  /** The path as the user wrote it; `-` for standard input. */
  readonly input: string;
  readonly durationMs: number;
  /** `browser`: whatever the page's browser can decode. */
  readonly format: AudioFormat | 'browser';
  /** What was wrong with the recording and could be coped with, a line each. */
  readonly notes: readonly string[];
  /** Reading, decoding and resampling. */
  readonly audioMs: number;
  /** Wall time from opening the recording to its last segment. */
  readonly totalMs: number;
  readonly model: ModelInfo;
}

/** The phases that computing a segment is made of. */
type SegmentPhaseTimes = Pick<
  TranscriptTimings,
  'melMs' | 'convStemMs' | 'encoderLayersMs' | 'prefillMs' | 'decodeMs' | 'detokenizeMs'
>;

/** Times of a whole recording. Its parts sum to totalMs, unless recordings were transcribed together. */
interface RecordingTimings extends SegmentPhaseTimes {
  readonly audioMs: number;
  /** Everything else: waiting, other recordings, and what lies between the phases. */
  readonly otherMs: number;
  readonly totalMs: number;
}

/** The transcript of a whole recording. */
export interface RecordingTranscript extends Omit<RecordingFacts, 'audioMs' | 'totalMs'> {
  readonly text: string;
  /** Names joined with commas; '' when the model named none. */
  readonly language: string;
  /** True when any segment was. */
  readonly truncated: boolean;
  readonly segments: readonly TranscriptSegment[];
  readonly timings: RecordingTimings;
}

/** Puts the segments of a recording together. */
export function recordingTranscript(
  { audioMs, totalMs, ...facts }: RecordingFacts,
  segments: readonly TranscriptSegment[],
): RecordingTranscript {
  return {
    ...facts,
    text: joinTexts(segments.map(({ text }) => text)),
    language: joinLanguages(segments.map(({ language }) => language)),
    truncated: segments.some(({ truncated }) => truncated),
    segments,
    timings: sumTimings(segments, audioMs, totalMs),
  };
}

function sumTimings(
  segments: readonly TranscriptSegment[],
  audioMs: number,
  totalMs: number,
): RecordingTimings {
  const sum = (phase: keyof SegmentPhaseTimes): number =>
    segments.reduce((total, { timings }) => total + timings[phase], 0);
  const phases = {
    melMs: sum('melMs'),
    convStemMs: sum('convStemMs'),
    encoderLayersMs: sum('encoderLayersMs'),
    prefillMs: sum('prefillMs'),
    decodeMs: sum('decodeMs'),
    detokenizeMs: sum('detokenizeMs'),
  };
  const known = Object.values(phases).reduce((total, ms) => total + ms, audioMs);
  return { audioMs, ...phases, otherMs: Math.max(0, totalMs - known), totalMs };
}

/** Name and version of the documents; fields may be added within a version. schemas/transcript-v1.schema.json is their schema. */
const SCHEMA = { schema: 'qwen-asr-transcript', version: 1 } as const;

/** One segment as data. What cannot be known of it is null. */
export function segmentDocument(segment: TranscriptSegment, logProbabilities: boolean) {
  const { index, startMs, endMs, heardMs, text, language, tokenIds, truncated, skipped } = segment;
  const { decodeStepsMs: _, ...timings } = segment.timings;
  return {
    index,
    startMs,
    endMs,
    heardMs,
    text,
    language: language === '' ? null : language,
    raw: skipped ? null : segment.raw,
    tokenIds,
    logProbabilities: logProbabilities ? segment.logProbabilities : null,
    truncated,
    skipped,
    promptTokens: segment.promptTokenCount,
    audioTokens: segment.audioTokenCount,
    textTokens: segment.textTokenCount,
    timings: skipped ? null : timings,
    words: segment.words ?? null,
    wordNotes: segment.wordNotes ?? [],
  };
}

/** A whole recording as data, without its segments. */
export function transcriptDocument(transcript: RecordingTranscript) {
  const { input, text, language, truncated, durationMs, segments, format, notes, timings, model } =
    transcript;
  const sum = (count: 'heardMs' | 'promptTokenCount' | 'audioTokenCount' | 'textTokenCount'): number =>
    segments.reduce((total, segment) => total + segment[count], 0);
  const [only] = segments.length === 1 ? segments : [];
  return {
    ...SCHEMA,
    input,
    text,
    // A model that heard no speech names no language.
    language: language === '' ? null : language,
    tokenIds: segments.flatMap(({ tokenIds }) => tokenIds),
    // The raw outputs of several segments are no output of the model when put together.
    raw: only === undefined || only.skipped ? null : only.raw,
    truncated,
    durationMs,
    heardMs: sum('heardMs'),
    promptTokens: sum('promptTokenCount'),
    audioTokens: sum('audioTokenCount'),
    textTokens: sum('textTokenCount'),
    audio: { format, notes },
    timings: { loadMs: model.loadMs, ...timings },
    realTimeFactor: durationMs > 0 ? timings.totalMs / durationMs : null,
    model,
  };
}

/** A recording that could not be transcribed, as data. */
export function failureDocument(input: string, code: ErrorCode, message: string) {
  return { ...SCHEMA, input, error: { code, message } };
}
