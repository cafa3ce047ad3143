import { failureDocument } from '../transcribe/formats/recordingTranscript.js';
import {
  type TranscriptWriter,
  transcriptWriter,
  type WriterContext,
} from '../transcribe/formats/transcriptFormat.js';
import type { ResultSink } from './resultSink.js';

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
