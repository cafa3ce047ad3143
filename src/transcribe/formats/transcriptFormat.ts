import type { TranscriptSegment } from '../types.js';
import { jsonDocument } from './jsonDocument.js';
import { jsonLines } from './jsonLines.js';
import { plainText } from './plainText.js';
import type { RecordingTranscript } from './recordingTranscript.js';
import { subRip, webVtt } from './subtitles.js';

/** The names of the output formats, which are the extensions of their files too. */
export const TRANSCRIPT_FORMATS = ['txt', 'json', 'jsonl', 'srt', 'vtt'] as const;

export type TranscriptFormatName = (typeof TRANSCRIPT_FORMATS)[number];

/**
 * Writes the transcript of one recording: what its calls return, one after the other, is the output. A format that needs
 * the whole recording returns nothing before the end.
 */
export interface TranscriptWriter {
  begin(): string;
  /** Segments in their order. */
  segment(segment: TranscriptSegment): string;
  end(transcript: RecordingTranscript): string;
}

/** What a writer has to know beforehand. */
export interface WriterContext {
  readonly input: string;
  /** Whether the JSON formats list the log-probability of every token. */
  readonly logProbabilities: boolean;
}

const WRITERS: Readonly<Record<TranscriptFormatName, (context: WriterContext) => TranscriptWriter>> = {
  txt: plainText,
  json: jsonDocument,
  jsonl: jsonLines,
  srt: subRip,
  vtt: webVtt,
};

/**
 * A writer for one recording; docs/output.md describes the formats.
 *
 * @example
 * const writer = transcriptWriter('srt', { input: 'talk.wav', logProbabilities: false });
 * process.stdout.write(writer.begin());
 * for await (const segment of model.transcribeLong(audio)) process.stdout.write(writer.segment(segment));
 */
export function transcriptWriter(name: TranscriptFormatName, context: WriterContext): TranscriptWriter {
  return WRITERS[name](context);
}
