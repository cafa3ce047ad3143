import { accessSync, constants, statSync } from 'node:fs';
import { basename, dirname, extname } from 'node:path';
import { QwenAsrError } from '../../error.js';
import { checkWindowsNames } from '../../model/windowsNames.js';
import { tryDraft, writeWhole } from '../../model/writeWhole.js';
import { printableDocument } from '../../printable.js';
import type { EventSink } from '../record/resultRecorder.js';
import { formatHtml } from '../render/html.js';
import { formatMarkdown } from '../render/markdown.js';
import { formatText } from '../render/text.js';
import type { BenchResult } from '../schema/benchResult.js';
import { formatCsv } from './formatCsv.js';
import {
  formatEvent,
  formatJson,
  formatJsonl,
  type JsonlFile,
  openJsonlFile,
  unwritable,
} from './formatJson.js';

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

/** What `-o` takes. */
export const OUTPUT_FORMATS = ['text', 'md', 'csv', 'json', 'jsonl'] as const;

/** What a file may hold too. */
export type ExportFormat = (typeof OUTPUT_FORMATS)[number] | 'html';

const FORMATS_BY_EXTENSION: Readonly<Record<string, ExportFormat>> = {
  '.txt': 'text',
  '.md': 'md',
  '.csv': 'csv',
  '.json': 'json',
  '.jsonl': 'jsonl',
  '.html': 'html',
};

/**
 * The format that a file's name asks for.
 *
 * @throws QwenAsrError `usage` for a name without a known extension
 * @example
 * formatOfFile('results/today.md'); // 'md'
 */
export function formatOfFile(path: string): ExportFormat {
  const format = FORMATS_BY_EXTENSION[extname(path).toLowerCase()];
  if (format !== undefined) return format;
  const known = Object.keys(FORMATS_BY_EXTENSION).join(', ');
  throw new QwenAsrError('usage', `--export ${path}: expected a name that ends in ${known}`);
}

const FORMATTERS: Readonly<
  Record<(typeof OUTPUT_FORMATS)[number], (result: BenchResult, columns?: number) => string>
> = {
  text: (result, columns) => formatText(printableDocument(result), columns),
  md: (result) => formatMarkdown(printableDocument(result)),
  csv: (result) => formatCsv(result),
  json: (result) => formatJson(result),
  jsonl: (result) => formatJsonl(result),
};

/**
 * The document in one of the formats that standard output takes.
 *
 * @param columns of the terminal that text is for
 */
export function formatResult(
  result: BenchResult,
  format: (typeof OUTPUT_FORMATS)[number],
  columns?: number,
): string {
  return FORMATTERS[format](result, columns);
}

/** A file that a result is to be written to. */
export interface ExportFile {
  readonly path: string;
  readonly format: ExportFormat;
}

/**
 * Checks, before anything is measured, that every file can be written and what it will hold; leaves nothing behind.
 *
 * @throws QwenAsrError `usage` for a name without a known extension; `file` for one that cannot be written
 */
export function planExports(paths: readonly string[]): ExportFile[] {
  return paths.map((path) => {
    const format = formatOfFile(path);
    checkWritable(path);
    return { path, format };
  });
}

/**
 * Writes the document to a file as a whole: under another name first, so that a reader never sees half of it and a
 * full disk leaves the old one.
 *
 * @throws QwenAsrError `file`
 */
export function writeExport({ path, format }: ExportFile, result: BenchResult): void {
  const content =
    format === 'html'
      ? formatHtml([{ name: basename(path, '.html'), result }])
      : formatResult(result, format);
  writeText(path, content);
}

/** The same for any text. */
export function writeText(path: string, content: string): void {
  try {
    writeWhole(path, content);
  } catch (error) {
    throw unwritable(path, error);
  }
}

/** @throws QwenAsrError `file` */
export function checkWritable(path: string): void {
  checkWindowsNames(path, process.platform);
  try {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found?.isDirectory()) throw Object.assign(new Error(), { code: 'EISDIR' });
    if (found !== undefined) accessSync(path, constants.W_OK);
    if (found === undefined || found.isFile()) {
      const folder = dirname(path);
      if (!statSync(folder).isDirectory()) throw Object.assign(new Error(), { code: 'ENOTDIR' });
      tryDraft(path);
    }
  } catch (error) {
    throw unwritable(path, error);
  }
}
