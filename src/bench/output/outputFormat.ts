import { extname } from 'node:path';
import { QwenAsrError } from '../../error.js';
import { printableDocument } from '../../printable.js';
import type { BenchResult } from '../schema/benchResult.js';
import { formatCsv } from './formatCsv.js';
import { formatJson } from './formatJson.js';
import { formatJsonl } from './formatJsonl.js';
import { formatMarkdown } from './formatMarkdown.js';
import { formatText } from './formatText.js';

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

const FORMATTERS: Readonly<Record<(typeof OUTPUT_FORMATS)[number], (result: BenchResult) => string>> = {
  text: (result) => formatText(printableDocument(result)),
  md: (result) => formatMarkdown(printableDocument(result)),
  csv: formatCsv,
  json: formatJson,
  jsonl: formatJsonl,
};

/** The document in one of the formats that standard output takes. */
export function formatResult(result: BenchResult, format: (typeof OUTPUT_FORMATS)[number]): string {
  return FORMATTERS[format](result);
}
