import { closeSync, openSync, writeSync } from 'node:fs';
import { QwenAsrError } from '../../error.js';
import type { EventSink } from '../record/resultRecorder.js';
import { formatEvent } from './formatJsonl.js';

/** A JSONL file that grows as the benchmark goes on. */
export interface JsonlFile {
  /** Writes a line. When it returns the operating system has it: killing the process afterwards loses nothing. */
  readonly sink: EventSink;
  readonly close: () => void;
}

/**
 * Opens a file for events.
 *
 * @param flags `w` begins anew, `a` goes on with an interrupted measurement
 * @throws QwenAsrError `file` when it cannot be opened, and from the sink when it cannot be written
 */
export function openJsonlFile(path: string, flags: 'w' | 'a' = 'w'): JsonlFile {
  const attempt = <Result>(work: () => Result): Result => {
    try {
      return work();
    } catch (error) {
      throw unwritable(path, error);
    }
  };
  const file = attempt(() => openSync(path, flags));
  return {
    sink: (event) => {
      const line = Buffer.from(formatEvent(event));
      for (let written = 0; written < line.length; ) {
        written += attempt(() => writeSync(file, line, written));
      }
    },
    close: () => attempt(() => closeSync(file)),
  };
}

/** The error of a file that cannot be written, in the words of the user. */
export function unwritable(path: string, error: unknown): QwenAsrError {
  const reasons: Readonly<Record<string, string>> = {
    EACCES: 'no permission',
    EPERM: 'no permission',
    EROFS: 'the file system is read-only',
    EISDIR: 'it is a directory',
    ENOENT: 'its directory does not exist',
    ENOTDIR: 'its directory is no directory',
    ENOSPC: 'the disk is full',
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
