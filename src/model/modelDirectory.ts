import { isUtf8 } from 'node:buffer';
import { type FileHandle, open, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileError, QwenAsrError } from '../error.js';
import { checkTextSize, decodeModelText } from './modelText.js';
import {
  type FileBytes,
  type ModelFiles,
  type Place,
  readModelFolder,
  type Utf8Text,
} from './readModelFolder.js';
import type { FileInParts, StagingOptions } from './stagedTensors.js';
import { syntheticFileList } from './synthesizeModel.js';
import { parseSyntheticName } from './syntheticName.js';

/**
 * Reads a model directory: see readModelFolder.
 *
 * @param openFile How weight files come into memory; reads them by default.
 * @param staging For a backend that is to hold integers only as packed copies: weights are then read while it packs.
 * @throws QwenAsrError `file` (missing or unreadable), `model` (not a model directory), `memory`, `aborted`.
 *
 * @example
 * const files = await readModelDirectory('models/demo');
 * console.log(files.tensors.parameterCount);
 * files.release();
 */
export async function readModelDirectory(
  directory: string,
  openFile: OpenFile = readFileBytes,
  signal?: AbortSignal,
  staging?: StagingOptions,
): Promise<ModelFiles> {
  const names = await listDirectory(directory);
  const folder = {
    source: directory,
    names,
    pathOf: (name: string) => join(directory, name),
    readText: (name: string) => readTextFile(join(directory, name)),
    openWeights: (name: string) => openFile(join(directory, name), signal),
    openParts: (name: string) => openParts(join(directory, name), signal),
  };
  return readModelFolder(folder, signal, staging);
}

async function openParts(path: string, signal: AbortSignal | undefined): Promise<FileInParts> {
  const byteLength = await fileLength(path);
  const handle = await open(path, 'r').catch((cause) => {
    throw fileError(path, cause);
  });
  return {
    byteLength,
    read: async (start, into) => {
      const place = { buffer: into.buffer, byteOffset: into.byteOffset, byteLength: into.byteLength };
      await fill(place, handle, path, signal, start).catch((cause) => {
        throw fileError(path, cause);
      });
    },
    close: () => handle.close(),
  };
}

async function listDirectory(directory: string): Promise<string[]> {
  try {
    if (!(await stat(directory)).isDirectory()) {
      throw new QwenAsrError('file', `${directory}: expected a model directory, found a file`);
    }
    return await readdir(directory);
  } catch (cause) {
    throw fileError(directory, cause);
  }
}

async function readTextFile(path: string): Promise<Utf8Text> {
  try {
    const status = await stat(path);
    if (!status.isFile()) throw new QwenAsrError('file', `${path}: expected a file, found something else`);
    checkTextSize(status.size, path);
    const bytes = await readFile(path);
    const text = isUtf8(bytes) ? null : decodeModelText(bytes, path); // whose error says what is wrong
    return { bytes, decode: () => text ?? decodeModelText(bytes, path) };
  } catch (cause) {
    throw fileError(path, cause);
  }
}

/** Text of a directory's config.json; undefined where there is none, or what its reader will complain about. */
export async function readConfigText(source: string): Promise<string | undefined> {
  const text = await readTextFile(join(source, 'config.json')).catch(() => undefined);
  return text?.decode();
}

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
  start = 0,
): Promise<void> {
  for (let position = 0; position < place.byteLength; ) {
    if (signal?.aborted) throw new QwenAsrError('aborted', `${path}: reading was aborted`);
    const piece = new Uint8Array(
      place.buffer,
      place.byteOffset + position,
      Math.min(PIECE_BYTES, place.byteLength - position),
    );
    const { bytesRead } = await handle.read(piece, 0, piece.length, start + position);
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

/**
 * Bytes of a model's weight files, for backends that must make room before they read them; 0 for a directory that
 * cannot be read, which its reader will complain about.
 */
export async function weightBytes(source: string): Promise<number> {
  const synthetic = parseSyntheticName(source);
  if (synthetic !== null) return syntheticFileList(synthetic.size).totalBytes;
  try {
    const names = (await readdir(source)).filter((name) => name.endsWith('.safetensors'));
    const sizes = await Promise.all(names.map(async (name) => (await stat(join(source, name))).size));
    return sizes.reduce((sum, size) => sum + size, 0);
  } catch {
    return 0;
  }
}
