import { QwenAsrError } from '../error.js';
import { viewBytes } from './byteInput.js';
import type { ModelFile } from './modelFile.js';
import type { ModelFolder, Place } from './modelFolder.js';
import { checkTextSize, decodeModelText } from './modelText.js';

export interface FolderOfFilesOptions {
  /** Names the model in messages. */
  readonly source: string;
  /** Makes room for a weight file. */
  readonly provide: (byteLength: number) => Place;
  /** Told after every piece of a weight file how many bytes it had. */
  readonly onRead?: ((byteLength: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * A model whose files are streams, such as those that a visitor of a page has chosen. Weights are read piece by piece
 * straight to where they stay.
 *
 * @throws QwenAsrError `model` when two files have one name
 * @example
 * const folder = folderOfFiles(input.files, { source: 'my-model', provide });
 * const files = await readModelFolder(folder);
 */
export function folderOfFiles(files: Iterable<ModelFile>, options: FolderOfFilesOptions): ModelFolder {
  const { source, provide, onRead, signal } = options;
  const byName = new Map<string, ModelFile>();
  for (const file of files) {
    if (byName.has(file.name)) {
      throw new QwenAsrError('model', `${source}: expected one file ${file.name}, found two`);
    }
    byName.set(file.name, file);
  }
  const pathOf = (name: string) => `${source}/${name}`;
  const read = (name: string, place: Place, told?: (byteLength: number) => void) =>
    fill(byName.get(name), place, { path: pathOf(name), onRead: told, signal });
  return {
    source,
    names: [...byName.keys()],
    pathOf,
    readText: async (name) => {
      const byteLength = byName.get(name)?.size ?? 0;
      checkTextSize(byteLength, pathOf(name));
      const buffer = new ArrayBuffer(byteLength);
      await read(name, { buffer, byteOffset: 0 });
      return decodeModelText(new Uint8Array(buffer), pathOf(name));
    },
    openWeights: async (name) => {
      const byteLength = byName.get(name)?.size ?? 0;
      const place = provide(byteLength);
      await read(name, place, onRead);
      return { ...place, byteLength, release: () => {} };
    },
  };
}

interface FillOptions {
  readonly path: string;
  readonly onRead?: ((byteLength: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

async function fill(
  file: ModelFile | undefined,
  { buffer, byteOffset }: Place,
  { path, onRead, signal }: FillOptions,
): Promise<void> {
  if (file === undefined) throw new QwenAsrError('file', `${path}: no such file`);
  let position = 0;
  for await (const piece of pieces(file, path)) {
    if (signal?.aborted) throw new QwenAsrError('aborted', `${path}: reading was aborted`);
    const room = file.size - position;
    if (piece.length > room) throw changed(path, file.size, 'more');
    new Uint8Array(buffer, byteOffset + position, piece.length).set(piece);
    position += piece.length;
    onRead?.(piece.length);
  }
  if (position < file.size) throw changed(path, file.size, `${position}`);
}

/** The stream's pieces; its own errors in this project's words. Leaving the loop ends the stream. */
async function* pieces(file: ModelFile, path: string): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = openReader(file, path);
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done || value === undefined) return;
      yield viewBytes(value, path);
    }
  } catch (cause) {
    throw cause instanceof QwenAsrError ? cause : readError(path, cause);
  } finally {
    await reader.cancel().catch(() => {}); // it has failed already, then
  }
}

function openReader(file: ModelFile, path: string): ReadableStreamDefaultReader<Uint8Array> {
  try {
    return file.stream().getReader();
  } catch (cause) {
    throw readError(path, cause);
  }
}

function readError(path: string, cause: unknown): QwenAsrError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new QwenAsrError('file', `${path}: could not be read: ${reason}`, { cause });
}

function changed(path: string, expected: number, found: string): QwenAsrError {
  return new QwenAsrError('file', `${path}: expected ${expected} bytes, found ${found}`);
}
