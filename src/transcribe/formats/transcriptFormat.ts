import { textSeparator } from '../../text/joinTexts.js';
import type { TranscriptSegment } from '../types.js';
import { type RecordingTranscript, segmentDocument, transcriptDocument } from './recordingTranscript.js';

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

/** The text in one line, unless the model itself breaks lines. */
function plainText(): TranscriptWriter {
  // What decides about the space before the next segment: the end of the last text that was not empty.
  let before = '';
  return {
    begin: () => '',
    segment: ({ text }) => {
      const piece = textSeparator(before, text) + text;
      if (text !== '') before = text;
      return piece;
    },
    end: () => '\n',
  };
}

/** One document for the recording, with a list of its segments. */
function jsonDocument({ logProbabilities }: WriterContext): TranscriptWriter {
  return {
    begin: () => '',
    segment: () => '',
    end: (transcript) => {
      const segments = transcript.segments.map((segment) => segmentDocument(segment, logProbabilities));
      return `${JSON.stringify({ ...transcriptDocument(transcript), segments }, null, 2)}\n`;
    },
  };
}

/** A line for every segment as soon as it is done, and one for the recording. */
function jsonLines({ input, logProbabilities }: WriterContext): TranscriptWriter {
  const line = (type: string, document: object): string => `${JSON.stringify({ type, ...document })}\n`;
  return {
    begin: () => '',
    segment: (segment) => line('segment', { input, ...segmentDocument(segment, logProbabilities) }),
    end: (transcript) => line('transcript', transcriptDocument(transcript)),
  };
}

/**
 * SubRip: numbered cues, times with a comma. A cue is a segment that has text; its times are the segment's. The format
 * has no specification; players take the text as it is.
 */
function subRip(): TranscriptWriter {
  let cues = 0;
  const cue = (segment: TranscriptSegment): string =>
    `${++cues}\n${cueTimes(segment, ',')}\n${cueText(segment)}\n\n`;
  return {
    begin: () => '',
    segment: (segment) => (segment.text === '' ? '' : cue(segment)),
    end: () => '',
  };
}

/** WebVTT (W3C): the same with a header, times with a point, and `&`, `<` and `>` as references. */
function webVtt(): TranscriptWriter {
  const cue = (segment: TranscriptSegment): string =>
    `${cueTimes(segment, '.')}\n${escapeVtt(cueText(segment))}\n\n`;
  return {
    begin: () => 'WEBVTT\n\n',
    segment: (segment) => (segment.text === '' ? '' : cue(segment)),
    end: () => '',
  };
}

function cueTimes({ startMs, endMs }: TranscriptSegment, decimalMark: ',' | '.'): string {
  return `${cueTime(startMs, decimalMark)} --> ${cueTime(endMs, decimalMark)}`;
}

/** `HH:MM:SS,mmm`; hours may have more digits. */
function cueTime(ms: number, decimalMark: ',' | '.'): string {
  const whole = Math.round(ms);
  const pad = (value: number, digits: number): string => String(value).padStart(digits, '0');
  const hours = pad(Math.floor(whole / 3_600_000), 2);
  const minutes = pad(Math.floor(whole / 60_000) % 60, 2);
  const seconds = pad(Math.floor(whole / 1000) % 60, 2);
  return `${hours}:${minutes}:${seconds}${decimalMark}${pad(whole % 1000, 3)}`;
}

/** An empty line would end the cue. */
function cueText({ text }: TranscriptSegment): string {
  return text.replace(/\s*[\r\n\u2028\u2029]+\s*/g, '\n');
}

function escapeVtt(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
