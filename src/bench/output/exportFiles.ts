import { accessSync, closeSync, constants, openSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { DRAFT_FLAG, draftOf, removeQuietly, replaceFile } from '../../model/replaceFile.js';
import { formatHtml } from '../report/formatHtml.js';
import type { BenchResult } from '../schema/benchResult.js';
import { unwritable } from './jsonlFile.js';
import { type ExportFormat, formatOfFile, formatResult } from './outputFormat.js';

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
  writeWhole(path, content);
}

/** The same for any text. */
export function writeWhole(path: string, content: string): void {
  try {
    // A pipe or a device must be written as it is: renaming would replace it.
    if (isSpecial(path)) return writeFileSync(path, content);
    replaceFile(path, content);
  } catch (error) {
    throw unwritable(path, error);
  }
}

/** @throws QwenAsrError `file` */
export function checkWritable(path: string): void {
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

/** Permissions do not tell: root may write everywhere, yet nothing can be made in /proc. */
function tryDraft(path: string): void {
  const draft = draftOf(path);
  closeSync(openSync(draft, DRAFT_FLAG));
  removeQuietly(draft);
}

function isSpecial(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  return found !== undefined && !found.isFile();
}
