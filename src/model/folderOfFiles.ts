import { QwenAsrError } from '../error.js';
import { type ByteInput, isByteInput, takeBytes, viewBytes } from './checkArguments.js';
import { describeArgument } from './describe.js';
import { checkTextSize, decodeModelText } from './modelText.js';
import type { ModelFolder, Place } from './readModelFolder.js';
import type { FileInParts } from './stagedTensors.js';

/** One file of a model whose bytes are at hand. They must not change before the model is loaded. */
export interface NamedBytes {
  /** Without folders. */
  readonly name: string;
  readonly bytes: ByteInput;
}

/**
 * One file of a model outside of any file system. A `File` of a page is one, and so is what fetchModelFiles makes.
 */
export interface ModelFile {
  /** Without folders. */
  readonly name: string;
  /** Length in bytes. */
  readonly size: number;
  /** Its bytes from the first one on, in pieces of any size. */
  stream(): ReadableStream<Uint8Array>;
  /** Some of its bytes, as a Blob gives them; left out where there is but the stream. */
  slice?(start: number, end: number): { arrayBuffer(): Promise<ArrayBuffer> };
}

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
  const areSliced = [...byName].every(([name, { slice }]) => !isWeightFile(name) || slice !== undefined);
  return {
    source,
    names: [...byName.keys()],
    openParts: areSliced
      ? async (name) => openParts(byName.get(name), { path: pathOf(name), onRead, signal })
      : undefined,
    pathOf,
    readText: async (name) => {
      const byteLength = byName.get(name)?.size ?? 0;
      checkTextSize(byteLength, pathOf(name));
      const buffer = new ArrayBuffer(byteLength);
      await read(name, { buffer, byteOffset: 0 });
      const bytes = new Uint8Array(buffer);
      const text = decodeModelText(bytes, pathOf(name));
      return { bytes, decode: () => text };
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

/** Asked for at once: what lies in memory twice. */
const PART_BYTES = 2 ** 23;

function openParts(file: ModelFile | undefined, { path, onRead, signal }: FillOptions): FileInParts {
  if (file === undefined) throw new QwenAsrError('file', `${path}: no such file`);
  const read = async (start: number, into: Uint8Array): Promise<void> => {
    for (let at = 0; at < into.length; at += PART_BYTES) {
      if (signal?.aborted) throw new QwenAsrError('aborted', `${path}: reading was aborted`);
      const length = Math.min(PART_BYTES, into.length - at);
      const part = await file.slice!(start + at, start + at + length)
        .arrayBuffer()
        .catch((cause) => {
          throw cause instanceof QwenAsrError ? cause : readError(path, cause);
        });
      if (part.byteLength !== length) throw changed(path, file.size, 'fewer');
      into.set(new Uint8Array(part), at);
      onRead?.(length);
    }
  };
  return { byteLength: file.size, read, close: async () => {} };
}

/** Whether a file of this name holds weights. */
export function isWeightFile(name: string): boolean {
  return name.endsWith('.safetensors');
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

/**
 * The files of a model as a caller gives them: files of a page, streams, or names with bytes.
 *
 * @throws QwenAsrError `usage` for anything else; `file` for a Blob that cannot be read
 */
export async function givenModelFiles(files: Iterable<ModelFile | NamedBytes>): Promise<ModelFile[]> {
  if (typeof files !== 'object' || files === null || !(Symbol.iterator in files)) {
    const expected = 'expected the address of a model or its files';
    throw new QwenAsrError('usage', `model: ${expected}, found ${describeArgument(files)}`);
  }
  return Promise.all(Array.from(files, modelFileOf));
}

async function modelFileOf(file: ModelFile | NamedBytes): Promise<ModelFile> {
  const { name, size, stream, bytes } = Object(file) as Partial<ModelFile & NamedBytes>;
  if (typeof name === 'string' && name !== '') {
    if (isFile(bytes)) {
      const slice = bytes.slice && { slice: (start: number, end: number) => bytes.slice!(start, end) };
      return { name, size: bytes.size, stream: () => bytes.stream(), ...slice };
    }
    if (isByteInput(bytes)) return inMemory(name, bytes);
    if (typeof size === 'number' && typeof stream === 'function') return file as ModelFile;
  }
  const expected = 'expected files with a name and bytes, such as those of a file input';
  throw new QwenAsrError('usage', `model: ${expected}, found ${describeArgument(file)}`);
}

async function inMemory(name: string, input: NamedBytes['bytes']): Promise<ModelFile> {
  const isBlob = 'arrayBuffer' in input;
  const bytes = isBlob ? await takeBytes(input, name) : viewBytes(input, name);
  const stream = () =>
    new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(bytes);
        controller.close();
      },
    });
  const slice = (start: number, end: number) => ({
    arrayBuffer: async () => bytes.slice(start, end).buffer,
  });
  return { name, size: bytes.length, stream, slice };
}

/** A Blob tells its size and can be read piece by piece. */
function isFile(value: unknown): value is Omit<ModelFile, 'name'> {
  const { size, stream } = Object(value) as Partial<ModelFile>;
  return typeof size === 'number' && typeof stream === 'function';
}
