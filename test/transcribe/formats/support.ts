import {
  type RecordingTranscript,
  recordingTranscript,
} from '../../../src/transcribe/formats/recordingTranscript.js';
import type { TranscriptSegment } from '../../../src/transcribe/types.js';
import { FAKE_TIMINGS, INFO_1_7B } from '../../bench/fakeModel.js';

/** A segment of two seconds that says `text`; its raw output and tokens are made up to go with it. */
export function segmentSaying(text: string, changes: Partial<TranscriptSegment> = {}): TranscriptSegment {
  const index = changes.index ?? 0;
  return {
    index,
    startMs: 2000 * index,
    endMs: 2000 * (index + 1),
    durationMs: 2000,
    heardMs: 2000,
    text,
    language: text === '' ? '' : 'English',
    raw: `language ${text === '' ? 'None' : 'English'}<asr_text>${text}`,
    tokenIds: [10, 11 + index, 151645],
    logProbabilities: [-0.5, -0.25, -0.125],
    textTokenCount: 1,
    promptTokenCount: 40,
    audioTokenCount: 26,
    truncated: false,
    skipped: false,
    timings: FAKE_TIMINGS,
    ...changes,
  };
}

/** The recording that segments make up. */
export function recordingOf(segments: readonly TranscriptSegment[]): RecordingTranscript {
  return recordingTranscript(
    {
      input: 'talk.wav',
      durationMs: segments.at(-1)?.endMs ?? 0,
      format: 'wav',
      notes: [],
      audioMs: 16,
      totalMs: 1000,
      model: INFO_1_7B,
    },
    segments,
  );
}
