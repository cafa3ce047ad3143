import {
  type OpenedUpload,
  transcribeUpload,
  type UploadEngine,
  type UploadTranscript,
} from '../engine/transcribeUpload.js';
import { OrderedText } from './orderedText.js';
import { type AnswerBody, transcriptionAnswer } from './transcriptionAnswer.js';
import type { TranscriptionRequest } from './transcriptionRequest.js';

/** The answer to a request, and what was transcribed for it. */
export interface RecordingAnswer extends AnswerBody {
  /** What has no place in the documented fields. */
  readonly headers: Readonly<Record<string, string>>;
  readonly upload: UploadTranscript;
}

/** How a transcription is followed and stopped. */
export interface AnswerWatch {
  readonly signal: AbortSignal;
  /** Milliseconds of the recording that have been transcribed. */
  readonly onProgress?: ((doneMs: number) => void) | undefined;
  /** Told once, when the first of the text is there. */
  readonly onFirstText?: (() => void) | undefined;
}

/**
 * Transcribes a recording and writes the answer.
 *
 * @throws as transcribeUpload
 */
export async function answerRecording(
  engine: UploadEngine,
  opened: OpenedUpload,
  request: TranscriptionRequest,
  watch: AnswerWatch,
): Promise<RecordingAnswer> {
  const text = new OrderedText();
  const upload = await transcribeAsAsked(engine, opened, request, text, watch);
  return {
    ...transcriptionAnswer(upload, request, text.tokens),
    headers: answerHeaders(request, upload),
    upload,
  };
}

/** Transcribes a recording, whose text comes to `text` bit by bit. */
export function transcribeAsAsked(
  engine: UploadEngine,
  opened: OpenedUpload,
  request: TranscriptionRequest,
  text: OrderedText,
  { signal, onProgress, onFirstText }: AnswerWatch,
): Promise<UploadTranscript> {
  const { language, prompt: context, vad, format, granularities } = request;
  let hasText = false;
  return transcribeUpload(engine, opened, {
    language,
    context,
    vad,
    withSpeechProbability: format === 'verbose_json',
    withWords: granularities.has('word'),
    onToken: (token) => {
      text.push(token);
      if (hasText || token.textPiece === '') return;
      hasText = true;
      onFirstText?.();
    },
    onSegment: ({ index, endMs }) => {
      text.end(index);
      onProgress?.(endMs);
    },
    signal,
  });
}

/** The headers of an answer to a request; of a stream before anything is transcribed. */
export function answerHeaders(
  request: TranscriptionRequest,
  upload?: UploadTranscript,
): Record<string, string> {
  const { notes = [], segments = [] } = upload?.transcript ?? {};
  const allNotes = [...notes, ...new Set(segments.flatMap(({ wordNotes = [] }) => wordNotes))];
  return {
    ...(request.temperature > 0 && { 'x-qwen-asr-temperature': '0' }),
    ...(allNotes.length > 0 && { 'x-qwen-asr-notes': allNotes.map(inAscii).join('; ') }),
  };
}

/** Headers hold nothing else. */
function inAscii(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, (letter) => (letter === '−' ? '-' : '?'));
}
