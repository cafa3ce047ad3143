import type { ErrorCode } from '../../error.js';
import type { TranscriptSegment } from '../types.js';
import type { RecordingTranscript } from './recordingTranscript.js';

/** Name and version of the documents; fields may be added within a version. schemas/transcript-v1.schema.json is their schema. */
const SCHEMA = { schema: 'qwen-asr-transcript', version: 1 } as const;

/** One segment as data. What cannot be known of it is null. */
export function segmentDocument(segment: TranscriptSegment, logProbabilities: boolean) {
  const { index, startMs, endMs, text, language, tokenIds, truncated, skipped } = segment;
  const { decodeStepsMs: _, ...timings } = segment.timings;
  return {
    index,
    startMs,
    endMs,
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
  };
}

/** A whole recording as data, without its segments. */
export function transcriptDocument(transcript: RecordingTranscript) {
  const { input, text, language, truncated, durationMs, segments, format, notes, timings, model } =
    transcript;
  const sum = (count: 'promptTokenCount' | 'audioTokenCount' | 'textTokenCount'): number =>
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
