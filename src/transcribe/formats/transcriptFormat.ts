import { textSeparator } from '../../text/joinTexts.js';
import type { TranscriptSegment } from '../types.js';
import { CUE_FORMATS, type CueFormat } from './cueFormats.js';
import { type RecordingTranscript, segmentDocument, transcriptDocument } from './recordingTranscript.js';
import { type SubtitleCue, SubtitleCues } from './subtitleCues.js';
import type { SpokenText } from './timedPieces.js';

/** The names of the output formats, which are the extensions of their files too. */
export const TRANSCRIPT_FORMATS = ['txt', 'json', 'jsonl', 'srt', 'vtt', 'lrc', 'tsv'] as const;

export type TranscriptFormatName = (typeof TRANSCRIPT_FORMATS)[number];

/** Those whose cues are best where people pause. */
export function isCueFormat(name: TranscriptFormatName): boolean {
  return name in CUE_FORMATS;
}

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
  srt: () => cueList('srt'),
  vtt: () => cueList('vtt'),
  lrc: () => cueList('lrc'),
  tsv: () => cueList('tsv'),
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

/** Needs no more of a transcript than its texts and their times. */
interface CueWriter extends TranscriptWriter {
  segment(segment: SpokenText): string;
  end(): string;
}

/** Cues as soon as they are certain. */
export function cueList(name: keyof typeof CUE_FORMATS): CueWriter {
  const format: CueFormat = CUE_FORMATS[name];
  const cues = new SubtitleCues();
  let number = 0;
  let held: SubtitleCue | null = null;
  const write = (next: SubtitleCue | null): string => {
    const text = held === null ? '' : format.cue(held, ++number, next?.spokenStartMs ?? null);
    held = next;
    return text;
  };
  return {
    begin: () => format.header,
    segment: (segment) => cues.add(segment).map(write).join(''),
    end: () => [...cues.finish(), null].map(write).join(''),
  };
}
