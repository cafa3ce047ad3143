import type { AudioClip, ModelInfo, Transcript } from '../transcribe/types.js';

/** Name and version of the document; fields may be added within a version. */
export const TRANSCRIPT_SCHEMA = { schema: 'qwen-asr-transcript', version: 1 } as const;

/** The transcript as data: what `qwen_asr --json` prints. */
export function formatTranscriptJson(
  input: string,
  transcript: Transcript,
  model: ModelInfo,
  { decodeMs, resampleMs }: AudioClip,
): string {
  const { text, language, tokenIds, truncated, durationMs, raw, timings } = transcript;
  const document = {
    ...TRANSCRIPT_SCHEMA,
    input,
    text,
    // A model that heard no speech names no language.
    language: language === '' ? null : language,
    tokenIds,
    raw,
    truncated,
    durationMs,
    promptTokens: transcript.promptTokenCount,
    audioTokens: transcript.audioTokenCount,
    textTokens: transcript.textTokenCount,
    timings: { loadMs: model.loadMs, audioDecodeMs: decodeMs, resampleMs, ...timings },
    model,
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}
