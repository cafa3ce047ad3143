import { printableLine } from '../printable.js';
import {
  type TranscriptFormatName,
  transcriptWriter,
  type WriterContext,
} from '../transcribe/formats/transcriptFormat.js';
import type { ResultSink } from './resultSink.js';

type Out = (text: string) => void;

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
