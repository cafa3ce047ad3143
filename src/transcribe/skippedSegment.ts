import type { RecordingSegment, TranscriptSegment } from './types.js';

/** What stands for a segment of which nothing was left to hear: nothing was computed, so nothing is counted. */
export function skippedSegment({ index, startMs, endMs }: RecordingSegment): TranscriptSegment {
  return {
    index,
    startMs,
    endMs,
    durationMs: endMs - startMs,
    skipped: true,
    text: '',
    language: '',
    raw: '',
    tokenIds: [],
    logProbabilities: [],
    textTokenCount: 0,
    promptTokenCount: 0,
    audioTokenCount: 0,
    truncated: false,
    timings: {
      melMs: 0,
      convStemMs: 0,
      encoderLayersMs: 0,
      prefillMs: 0,
      decodeMs: 0,
      detokenizeMs: 0,
      otherMs: 0,
      totalMs: 0,
      firstTokenMs: null,
      decodeStepsMs: [],
    },
  };
}
