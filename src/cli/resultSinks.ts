import type { QwenAsrError } from '../error.js';
import { printableLine } from '../printable.js';
import { textSeparator } from '../text/joinTexts.js';
import { failureDocument, type RecordingTranscript } from '../transcribe/formats/recordingTranscript.js';
import {
  type TranscriptFormatName,
  type TranscriptWriter,
  transcriptWriter,
  type WriterContext,
} from '../transcribe/formats/transcriptFormat.js';
import type { SegmentToken, TranscriptSegment } from '../transcribe/types.js';
import type { InputRecording } from './inputRecordings.js';

/** Where the results of recordings go. Results of one recording come in the order of these methods. */
export interface ResultSink {
  segment(recording: InputRecording, segment: TranscriptSegment): void;
  /** @throws QwenAsrError `file` when the result cannot be written */
  finish(recording: InputRecording, transcript: RecordingTranscript): void;
  fail(input: string, error: QwenAsrError): void;
  /** After the last result, or when the run has been stopped. */
  close(): void;
}

type Out = (text: string) => void;
type SinkContext = Omit<WriterContext, 'input'>;

/** Writes a document for every recording, those that failed included; for several one array of them. */
export function jsonSink(out: Out, context: SinkContext, several: boolean): ResultSink {
  let opened = false;
  const write = (document: string): void => {
    if (several) out(`${opened ? ',\n' : '[\n'}${document.trimEnd()}`);
    else out(document);
    opened = true;
  };
  return {
    segment: () => {},
    finish: ({ input }, transcript) => write(transcriptWriter('json', { ...context, input }).end(transcript)),
    fail: (input, { code, message }) =>
      write(`${JSON.stringify(failureDocument(input, code, message), null, 2)}\n`),
    close: () => {
      if (several) out(opened ? '\n]\n' : '[]\n');
    },
  };
}

/** Writes lines for every recording, each as soon as there is something to say. */
export function jsonLinesSink(out: Out, context: SinkContext): ResultSink {
  const writers = new Map<string, TranscriptWriter>();
  const writerFor = (input: string): TranscriptWriter => {
    const writer = writers.get(input) ?? transcriptWriter('jsonl', { ...context, input });
    writers.set(input, writer);
    return writer;
  };
  return {
    segment: ({ input }, segment) => out(writerFor(input).segment(segment)),
    finish: ({ input }, transcript) => {
      out(writerFor(input).end(transcript));
      writers.delete(input);
    },
    fail: (input, { code, message }) => {
      out(`${JSON.stringify({ type: 'error', ...failureDocument(input, code, message) })}\n`);
      writers.delete(input);
    },
    close: () => {},
  };
}

/** Writes a single recording in a text format, every segment as soon as it is done. */
export function streamSink(
  out: Out,
  format: Exclude<TranscriptFormatName, 'json' | 'jsonl'>,
  context: WriterContext,
): ResultSink {
  const writer = transcriptWriter(format, context);
  let begun = false;
  let lineOpen = false;
  const write = (text: string): void => {
    const whole = begun ? text : writer.begin() + text;
    begun = true;
    if (whole === '') return;
    out(whole);
    lineOpen = !whole.endsWith('\n');
  };
  return {
    segment: (_, segment) => write(writer.segment(segment)),
    finish: (_, transcript) => write(writer.end(transcript)),
    fail: () => {},
    close: () => {
      if (lineOpen) out('\n');
    },
  };
}

/** Writes a line for every recording: its path and its text. */
export function textListSink(out: Out): ResultSink {
  return {
    segment: () => {},
    finish: ({ input }, { text }) => out(`${printableLine(input)}: ${text}\n`),
    fail: () => {},
    close: () => {},
  };
}

/**
 * Shows the text of a single recording as it is decoded. Segments are decoded side by side: what those behind the first
 * unfinished one say is held back until it is their turn.
 */
export class LiveTranscript implements ResultSink {
  readonly #out: (text: string) => void;
  /** Text of segments that have not ended, by number. */
  readonly #pieces = new Map<number, string>();
  /** The segment whose text is being shown, and what of it stands there. */
  #current = 0;
  #shown = '';
  /** The last text of a segment before it. */
  #before = '';
  #lineOpen = false;

  constructor(out: (text: string) => void) {
    this.#out = out;
  }

  token({ segment, textPiece }: SegmentToken): void {
    if (segment < this.#current || textPiece === '') return;
    if (segment === this.#current) this.#show(textPiece);
    else this.#pieces.set(segment, (this.#pieces.get(segment) ?? '') + textPiece);
  }

  segment(_: InputRecording, { text }: TranscriptSegment): void {
    if (this.#shown !== text) this.#correct(text);
    if (text !== '') this.#before = text;
    this.#shown = '';
    this.#current++;
    this.#show(this.#pieces.get(this.#current) ?? '');
    this.#pieces.delete(this.#current);
  }

  /** A line for silence too. */
  finish(): void {
    this.#out('\n');
    this.#lineOpen = false;
  }

  fail(): void {
    this.close();
  }

  close(): void {
    if (this.#lineOpen) this.#out('\n');
    this.#lineOpen = false;
  }

  #show(piece: string): void {
    if (piece === '') return;
    const separator = this.#shown === '' && this.#lineOpen ? textSeparator(this.#before, piece) : '';
    this.#out(separator + piece);
    this.#shown += piece;
    this.#lineOpen = true;
  }

  /** The end of a loop changed the text (repetitions are collapsed), or nothing was shown: the whole of it, anew. */
  #correct(text: string): void {
    if (this.#shown !== '') this.#out('\n');
    this.#lineOpen &&= this.#shown === '';
    this.#shown = '';
    this.#show(text);
  }
}
