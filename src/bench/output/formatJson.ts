import { closeSync, existsSync, fstatSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { QwenAsrError } from '../../error.js';
import { type BenchEvent, resultEvents } from '../record/benchEvent.js';
import type { EventSink } from '../record/resultRecorder.js';
import type { BenchResult } from '../schema/benchResult.js';

/** Longest array of plain values that stays on one line; longer ones are wrapped there too. */
const LINE_CHARACTERS = 110;

/**
 * The document as JSON for programs, diffs and people: indented, with arrays of numbers filling their lines, so that
 * a thousand token ids are not a thousand lines.
 */
export function formatJson(result: BenchResult): string {
  return `${stringify(result, '')}\n`;
}

function stringify(value: unknown, indent: string): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const inner = `${indent}  `;
  const isArray = Array.isArray(value);
  const items = isArray
    ? value.map((item) => stringify(item, inner))
    : Object.entries(value)
        .filter(([, item]) => item !== undefined)
        .map(([name, item]) => `${JSON.stringify(name)}: ${stringify(item, inner)}`);
  const [open, close] = isArray ? ['[', ']'] : ['{', '}'];
  if (items.length === 0) return open + close;
  if (!isArray || value.some((item) => typeof item === 'object' && item !== null)) {
    return `${open}\n${inner}${items.join(`,\n${inner}`)}\n${indent}${close}`;
  }
  const line = items.join(', ');
  if (indent.length + line.length < LINE_CHARACTERS) return open + line + close;
  return `${open}\n${inner}${fillLines(items, LINE_CHARACTERS - inner.length).join(`\n${inner}`)}\n${indent}${close}`;
}

/** As many items a line as fit, each with its comma. */
function fillLines(items: readonly string[], width: number): string[] {
  const lines: string[] = [];
  let line = '';
  items.forEach((item, index) => {
    const piece = index === items.length - 1 ? item : `${item},`;
    if (line !== '' && line.length + piece.length >= width) {
      lines.push(line);
      line = '';
    }
    line += line === '' ? piece : ` ${piece}`;
  });
  return [...lines, line];
}

/** The document as JSONL: an event a line, the header first. */
export function formatJsonl(result: BenchResult): string {
  return resultEvents(result).map(formatEvent).join('');
}

/** One line of it. */
export function formatEvent(event: BenchEvent): string {
  return `${JSON.stringify(event)}\n`;
}

/** A JSONL file that grows as the benchmark goes on. */
export interface JsonlFile {
  /** Writes a line. When it returns the operating system has it: killing the process afterwards loses nothing. */
  readonly sink: EventSink;
  readonly close: () => void;
}

/**
 * A file for events. It is opened by the first of them, so that an earlier result stays until there is a new one.
 *
 * @param resume goes on with an interrupted measurement, less a last line that was cut off
 * @throws QwenAsrError `file` from the sink, when it cannot be written, or when something else has written it meanwhile
 */
export function openJsonlFile(path: string, resume = false): JsonlFile {
  const attempt = <Result>(work: () => Result): Result => {
    try {
      return work();
    } catch (error) {
      throw unwritable(path, error);
    }
  };
  let file: number | undefined;
  let sizeBytes = 0;
  return {
    sink: (event) =>
      attempt(() => {
        if (file === undefined) {
          file = resume ? openAtEnd(path) : openSync(path, 'w');
          sizeBytes = fstatSync(file).size;
        }
        checkAlone(file, sizeBytes);
        const line = Buffer.from(formatEvent(event));
        for (let written = 0; written < line.length; ) written += writeSync(file, line, written);
        sizeBytes += line.length;
      }),
    close: () => attempt(() => file !== undefined && closeSync(file)),
  };
}

/** A file that two write is lost to both. Pipes and devices have no size. */
function checkAlone(file: number, expectedBytes: number): void {
  const found = fstatSync(file);
  if (!found.isFile() || found.size === expectedBytes) return;
  throw new Error(`something else writes it too (${found.size} bytes instead of ${expectedBytes})`);
}

/** Opens a file to append to, without what follows its last line feed. */
function openAtEnd(path: string): number {
  const whole = existsSync(path) ? readFileSync(path).lastIndexOf('\n') + 1 : 0;
  const file = openSync(path, 'a');
  ftruncateSync(file, whole);
  return file;
}

/** The error of a file that cannot be written, in the words of the user. */
export function unwritable(path: string, error: unknown): QwenAsrError {
  const reasons: Readonly<Record<string, string>> = {
    EACCES: 'no permission',
    EPERM: 'no permission',
    EROFS: 'the file system is read-only',
    EISDIR: 'it is a directory',
    ENOENT: 'its directory does not exist',
    EEXIST: 'its directory is no directory',
    ENOTDIR: 'its directory is no directory',
    ENOSPC: 'the disk is full',
    ENAMETOOLONG: 'its name is too long',
  };
  const { code = '', message } = error as NodeJS.ErrnoException;
  return new QwenAsrError(
    'file',
    `${path}: expected a file that can be written: ${reasons[code] ?? message}`,
    {
      cause: error,
    },
  );
}
