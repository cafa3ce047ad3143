import { deflateSync } from 'node:zlib';
import type { RecordingTranscript } from '../../transcribe/formats/recordingTranscript.js';
import { transcriptWriter } from '../../transcribe/formats/transcriptFormat.js';
import type { TranscriptSegment } from '../../transcribe/types.js';
import type { UploadTranscript } from '../engine/transcribeUpload.js';
import type { TextToken } from './orderedText.js';
import type { ResponseFormat, TranscriptionRequest } from './transcriptionRequest.js';

/** The part of a request that an answer's form depends on. */
type AnswerChoices = Pick<TranscriptionRequest, 'format' | 'granularities' | 'logProbabilities'>;

/** An answer's body and what it is. */
export interface AnswerBody {
  readonly type: 'application/json' | 'text/plain; charset=utf-8';
  readonly body: string;
}

const WRITERS: Readonly<
  Record<
    ResponseFormat,
    (upload: UploadTranscript, request: AnswerChoices, tokens: readonly TextToken[]) => AnswerBody
  >
> = {
  json: ({ transcript }, { logProbabilities }, tokens) =>
    json({
      text: transcript.text,
      ...(logProbabilities && { logprobs: logProbabilitiesOf(tokens) }),
      usage: tokenUsage(transcript),
    }),
  text: ({ transcript }) => plain(transcript.text),
  srt: ({ transcript }) => plain(subtitles('srt', transcript)),
  vtt: ({ transcript }) => plain(subtitles('vtt', transcript)),
  verbose_json: (upload, request) => json(verbose(upload, request)),
};

/** The answer to a transcription request. It holds the documented fields and no others: typed clients refuse those. */
export function transcriptionAnswer(
  upload: UploadTranscript,
  request: AnswerChoices,
  tokens: readonly TextToken[],
): AnswerBody {
  return WRITERS[request.format](upload, request, tokens);
}

function json(value: unknown): AnswerBody {
  return { type: 'application/json', body: JSON.stringify(value) };
}

function plain(body: string): AnswerBody {
  return { type: 'text/plain; charset=utf-8', body };
}

function subtitles(format: 'srt' | 'vtt', transcript: RecordingTranscript): string {
  const writer = transcriptWriter(format, { input: 'file', logProbabilities: false });
  const cues = transcript.segments.map((segment) => writer.segment(segment));
  return writer.begin() + cues.join('') + writer.end(transcript);
}

/** Tokens as the API counts them: of the prompt, which holds the audio, and of the output. */
export function tokenUsage({ segments }: RecordingTranscript) {
  const sum = (count: (segment: TranscriptSegment) => number): number =>
    segments.reduce((total, segment) => total + count(segment), 0);
  const input = sum(({ promptTokenCount }) => promptTokenCount);
  const output = sum(({ tokenIds }) => tokenIds.length);
  const audio = sum(({ audioTokenCount }) => audioTokenCount);
  return {
    type: 'tokens',
    input_tokens: input,
    output_tokens: output,
    total_tokens: input + output,
    input_token_details: { audio_tokens: audio, text_tokens: input - audio },
  };
}

/** The log-probabilities of the text, a piece of text each. */
export function logProbabilitiesOf(tokens: readonly TextToken[]) {
  return tokens.map(({ piece, logProbability }) => ({
    token: piece,
    logprob: logProbability,
    bytes: [...Buffer.from(piece)],
  }));
}

function verbose({ transcript, speechProbabilities }: UploadTranscript, { granularities }: AnswerChoices) {
  const seconds = transcript.durationMs / 1000;
  return {
    task: 'transcribe',
    language: transcript.language.toLowerCase(),
    duration: seconds,
    text: transcript.text,
    segments: transcript.segments.map((segment, i) => verboseSegment(segment, speechProbabilities[i] ?? 0)),
    ...(granularities.has('word') && { words: wordsOf(transcript) }),
    usage: { type: 'duration', seconds: Math.ceil(seconds) },
  };
}

function verboseSegment(segment: TranscriptSegment, speechProbability: number) {
  const { index, startMs, endMs, text } = segment;
  const { tokens, logProbabilities } = textTokens(segment);
  const mean = logProbabilities.reduce((sum, value) => sum + value, 0) / Math.max(1, logProbabilities.length);
  return {
    id: index,
    seek: Math.round(startMs / 10),
    start: startMs / 1000,
    end: endMs / 1000,
    text,
    tokens,
    temperature: 0,
    avg_logprob: mean,
    compression_ratio: compressionRatio(text),
    no_speech_prob: 1 - speechProbability,
  };
}

/** Those of the text: without the language before it and the end behind it. */
function textTokens({ tokenIds, logProbabilities, textTokenCount, truncated }: TranscriptSegment) {
  const end = truncated || textTokenCount === tokenIds.length ? tokenIds.length : tokenIds.length - 1;
  const start = Math.max(0, end - textTokenCount);
  return { tokens: tokenIds.slice(start, end), logProbabilities: logProbabilities.slice(start, end) };
}

/** Bytes of a text by those of what zlib makes of it: repetitions make it large. */
function compressionRatio(text: string): number {
  const bytes = Buffer.from(text);
  return bytes.length / deflateSync(bytes).length;
}

function wordsOf({ segments }: RecordingTranscript) {
  const words = segments.flatMap(({ words = [] }) => words);
  return words.map(({ text, startMs, endMs }) => ({ word: text, start: startMs / 1000, end: endMs / 1000 }));
}
