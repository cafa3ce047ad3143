import type { EventSink } from '../record/resultRecorder.js';
import type { BenchResult } from '../schema/benchResult.js';
import { planExports, writeExport } from './exportFiles.js';
import { formatEvent } from './formatJsonl.js';
import { type JsonlFile, openJsonlFile } from './jsonlFile.js';
import { formatResult, type OUTPUT_FORMATS } from './outputFormat.js';

export interface OutputRequest {
  /** What standard output holds; `text` is not written here but as the benchmark goes on. */
  readonly format: (typeof OUTPUT_FORMATS)[number];
  /** Files, in the format of their extension. */
  readonly exports: readonly string[];
  /** Writes standard output. */
  readonly out: (text: string) => void;
}

/** Where a benchmark's results go. */
export interface Outputs {
  /** For the recorder: each event is in the JSONL outputs when the call returns. */
  readonly sinks: readonly EventSink[];
  /** Writes everything that is written as a whole. */
  readonly finish: (result: BenchResult) => void;
}

/**
 * Opens all outputs before anything is measured, so that one that cannot be written is an error at once.
 *
 * @throws QwenAsrError `usage` or `file`
 * @example
 * const outputs = openOutputs({ format: 'json', exports: ['runs.jsonl', 'report.html'], out: context.out });
 * const recorder = new ResultRecorder(header, outputs.sinks);
 * // … measure, record …
 * outputs.finish(recorder.result());
 */
export function openOutputs({ format, exports, out }: OutputRequest): Outputs {
  const files = planExports(exports);
  const growing: JsonlFile[] = files
    .filter((file) => file.format === 'jsonl')
    .map(({ path }) => openJsonlFile(path));
  const sinks = growing.map((file) => file.sink);
  if (format === 'jsonl') sinks.push((event) => out(formatEvent(event)));
  return {
    sinks,
    finish: (result) => {
      for (const file of growing) file.close();
      if (format !== 'jsonl' && format !== 'text') out(formatResult(result, format));
      for (const file of files) if (file.format !== 'jsonl') writeExport(file, result);
    },
  };
}
