import type { Native } from './native.js';

/** A file in memory, by the shape that model readers expect of an opened file. */
export interface MappedModelFile {
  readonly buffer: ArrayBufferLike;
  readonly byteLength: number;
  release(): void;
}

/** Maps files instead of reading them: weights are used where the page cache has them. */
export function fileMapper(native: Native): (path: string) => Promise<MappedModelFile> {
  return async (path) => {
    const file = native.mapFile(path);
    return { buffer: file.buffer, byteLength: file.byteLength, release: file.unmap };
  };
}
