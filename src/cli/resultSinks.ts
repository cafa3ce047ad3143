import type { QwenAsrError } from '../error.js';
import { printableLine } from '../printable.js';
import { failureDocument, type RecordingTranscript } from '../transcribe/formats/recordingTranscript.js';
import {
  type TranscriptFormatName,
  type TranscriptWriter,
  transcriptWriter,
  type WriterContext,
} from '../transcribe/formats/transcriptFormat.js';
import type { TranscriptSegment } from '../transcribe/types.js';
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
type Context = Omit<WriterContext, 'input'>;

/** Writes a document for every recording, those that failed included; for several one array of them. */
export function jsonSink(out: Out, context: Context, several: boolean): ResultSink {
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
export function jsonLinesSink(out: Out, context: Context): ResultSink {
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
