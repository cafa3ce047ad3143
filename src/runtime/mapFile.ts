import { open, stat } from 'node:fs/promises';
import { QwenAsrError } from '../error.js';
import type { Native } from './native.js';

/** A file in memory, by the shape that model readers expect of an opened file. */
export interface MappedModelFile {
  readonly buffer: ArrayBufferLike;
  readonly byteOffset: 0;
  readonly byteLength: number;
  release(): void;
}

/**
 * Maps files instead of reading them: weights are used where the page cache has them.
 *
 * A mapping shows the file as it is at every moment. One that is replaced (a new file renamed over it) stays as it was;
 * one that is overwritten in place changes under the model, and one that is truncated ends the process with SIGBUS at
 * the next read past its new end, which no program can turn into an error. Do neither while a model is loaded.
 *
 * @throws QwenAsrError `file` for what is no regular file, is empty or cannot be mapped; errors of node:fs as they are
 */
export function fileMapper(native: Native): (path: string) => Promise<MappedModelFile> {
  return async (path) => {
    // Asked before opening: opening a pipe would wait for a writer.
    if (!(await stat(path)).isFile()) throw unusable(path, 'expected a file, found something else');
    const handle = await open(path, 'r');
    try {
      const { size } = await handle.stat();
      if (size === 0) throw unusable(path, 'the file is empty');
      const { buffer, unmap } = native.mapFile(handle.fd, size, path);
      return { buffer, byteOffset: 0, byteLength: size, release: unmap };
    } finally {
      await handle.close();
    }
  };
}

function unusable(path: string, why: string): QwenAsrError {
  return new QwenAsrError('file', `${path}: ${why}`);
}
