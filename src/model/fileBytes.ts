import { type FileHandle, open, stat } from 'node:fs/promises';
import { QwenAsrError } from '../error.js';
import { fileError } from './fileError.js';
import type { FileBytes, Place } from './modelFolder.js';

/** How weight files are brought into memory; a native runtime passes one that maps them. */
export type OpenFile = (path: string, signal?: AbortSignal) => Promise<FileBytes>;

/** Bytes asked for at once: large enough for full speed, small enough to abort soon. */
const PIECE_BYTES = 64 * 2 ** 20;

/**
 * Reads a whole file of any size into memory.
 *
 * @throws QwenAsrError `file` (missing, not a file, unreadable, changed meanwhile), `memory`, `aborted`.
 *
 * @example
 * const file = await readFileBytes('models/demo/model.safetensors');
 * console.log(file.byteLength);
 */
export function readFileBytes(path: string, signal?: AbortSignal): Promise<FileBytes> {
  return readFileInto((byteLength) => ({ buffer: allocate(byteLength, path), byteOffset: 0 }), path, signal);
}

/** Reads whole files into memory that `provide` makes, where kernels can use them in place. */
export function fileReaderInto(provide: (byteLength: number) => Place): OpenFile {
  return (path, signal) => readFileInto(provide, path, signal);
}

async function readFileInto(
  provide: (byteLength: number) => Place,
  path: string,
  signal: AbortSignal | undefined,
): Promise<FileBytes> {
  const byteLength = await fileLength(path);
  const { buffer, byteOffset } = provide(byteLength);
  try {
    const handle = await open(path, 'r');
    try {
      await fill({ buffer, byteOffset, byteLength }, handle, path, signal);
    } finally {
      await handle.close();
    }
  } catch (cause) {
    throw fileError(path, cause);
  }
  return { buffer, byteOffset, byteLength, release: () => {} };
}

async function fill(
  place: Place & { byteLength: number },
  handle: FileHandle,
  path: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (let position = 0; position < place.byteLength; ) {
    if (signal?.aborted) throw new QwenAsrError('aborted', `${path}: reading was aborted`);
    const piece = new Uint8Array(
      place.buffer,
      place.byteOffset + position,
      Math.min(PIECE_BYTES, place.byteLength - position),
    );
    const { bytesRead } = await handle.read(piece, 0, piece.length, position);
    if (bytesRead === 0) throw new QwenAsrError('file', `${path}: became shorter while it was read`);
    position += bytesRead;
  }
}

/** Size of a regular file; asked before opening it, because opening a pipe would wait for a writer. */
async function fileLength(path: string): Promise<number> {
  try {
    const status = await stat(path);
    if (!status.isFile()) throw new QwenAsrError('file', `${path}: expected a file, found something else`);
    return status.size;
  } catch (cause) {
    throw fileError(path, cause);
  }
}

function allocate(byteLength: number, path: string): ArrayBuffer {
  try {
    return new ArrayBuffer(byteLength);
  } catch (cause) {
    throw new QwenAsrError('memory', `${path}: cannot allocate ${byteLength} bytes`, { cause });
  }
}
