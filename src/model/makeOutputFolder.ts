import { QwenAsrError } from '../error.js';
import { fileError } from './fileError.js';
import { makeFolder } from './makeFolder.js';

/**
 * Makes a folder for results, and those above it, unless they are there.
 *
 * @throws QwenAsrError `file` saying what is there instead, or that nothing can be made there
 * @example
 * makeOutputFolder('results/today');
 */
export function makeOutputFolder(path: string): void {
  try {
    makeFolder(path);
  } catch (cause) {
    // All folders above it exist by then: the file system itself takes none, as /proc.
    const takesNone = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
    if (takesNone) throw new QwenAsrError('file', `${path}: no directory can be made there`, { cause });
    throw fileError(path, cause);
  }
}
