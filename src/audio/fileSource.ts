import { constants, openSync } from 'node:fs';
import { type FileHandle, open, rm, stat, writeFile } from 'node:fs/promises';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { fileError, QwenAsrError } from '../error.js';
import {
  type ByteInput,
  checkOptions,
  isByteInput,
  nameOfBytes,
  takeBytes,
} from '../model/checkArguments.js';
import { describeArgument } from '../model/describe.js';
import { makeTemporaryFolder } from '../model/writeWhole.js';
import { type BytePieces, type ByteSource, bytesInMemory } from './byteReader.js';

/** A path that is no text: a name that is not UTF-8. */
export interface UndecodedPath {
  readonly path: Buffer;
}

/** Where a recording comes from: a path, `-` for standard input, or its bytes. */
export type AudioInput = string | UndecodedPath | ByteInput;

/**
 * Opens what a caller gives for a recording. Bytes are copied before this returns.
 *
 * @throws QwenAsrError `usage` for anything else; `file` when it cannot be read; `aborted`
 */
export async function openInput(
  input: AudioInput,
  options: { signal?: AbortSignal | undefined; label?: string | undefined },
): Promise<FileSource> {
  checkOptions(options);
  if (isUndecodedPath(input)) return openFileSource(input.path, options);
  if (!isByteInput(input)) return openFileSource(input, options);
  const label = options.label ?? nameOfBytes(input, 'audio');
  return sourceInMemory(await takeBytes(input, label), label, options.signal ?? undefined);
}

function isUndecodedPath(input: AudioInput): input is UndecodedPath {
  return typeof input === 'object' && input !== null && 'path' in input && Buffer.isBuffer(input.path);
}

/** Bytes read at a time: some milliseconds of decoding, so that the event loop is visited often. */
const READ_BYTES = 65_536;

/** The bytes of a file or of a pipe. */
export interface FileSource extends ByteSource {
  /** A file that holds them all, for programs that read it themselves; in bytes where its name is no text. */
  path(): Promise<string | Buffer>;
  /** Removes what was copied from a pipe. */
  close(): Promise<void>;
}

/**
 * Opens a file, or takes in a pipe to its end.
 *
 * @param path a file, a named pipe, or `-` for standard input; bytes for a name that is not UTF-8.
 * @throws QwenAsrError `file` when it cannot be read, or standard input is a terminal; `aborted`. Reading throws them
 * too.
 */
async function openFileSource(
  path: string | Buffer,
  options: { signal?: AbortSignal | undefined; label?: string | undefined },
): Promise<FileSource> {
  checkPath(path);
  const label = options.label ?? pathLabel(path);
  const signal = options.signal ?? undefined;
  if (path === '-') {
    if (process.stdin.isTTY) {
      throw new QwenAsrError('file', 'standard input: expected audio from a pipe, found a terminal');
    }
    return await spool(process.stdin, 'standard input', signal);
  }
  try {
    const entry = await stat(path);
    if (entry.isFile()) return regularFile(path, label, entry.size, signal);
    if (entry.isFIFO()) return await spool(openPipe(path), label, signal);
    const found = entry.isDirectory() ? 'a directory' : 'a device or socket';
    throw new QwenAsrError('file', `${label}: expected an audio file, found ${found}`);
  } catch (cause) {
    throw fileError(label, cause);
  }
}

/**
 * A named pipe, which may have no writer yet. Opened as a file it would hold a thread of libuv's pool until one comes, and
 * not even a signal could end the process before.
 */
export function openPipe(path: string | Buffer): Socket {
  return new Socket({ fd: openSync(path, constants.O_RDONLY | constants.O_NONBLOCK), writable: false });
}

function regularFile(
  path: string | Buffer,
  label: string,
  totalBytes: number,
  signal?: AbortSignal,
): FileSource {
  return {
    label,
    totalBytes,
    pieces: () => readPieces(path, label, signal),
    read: (at, length) => readRange(path, label, at, length),
    path: async () => path,
    close: async () => {},
  };
}

/** Reads a file from its start. The pieces share their memory. */
async function* readPieces(path: string | Buffer, label: string, signal?: AbortSignal): BytePieces {
  try {
    const file = await open(path);
    try {
      const buffer = new Uint8Array(READ_BYTES);
      for (;;) {
        if (signal?.aborted) throw new QwenAsrError('aborted', `${label}: reading was aborted`);
        const { bytesRead } = await file.read(buffer, 0, READ_BYTES);
        if (bytesRead === 0) return;
        yield buffer.subarray(0, bytesRead);
      }
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw fileError(label, cause);
  }
}

/** Bytes [at, at + length) of a file, fewer at its end. */
async function readRange(
  path: string | Buffer,
  label: string,
  at: number,
  length: number,
): Promise<Uint8Array> {
  try {
    const file = await open(path);
    try {
      const bytes = new Uint8Array(length);
      let filled = 0;
      for (let read = 1; read > 0 && filled < length; filled += read) {
        read = (await file.read(bytes, filled, length - filled, at + filled)).bytesRead;
      }
      return bytes.subarray(0, filled);
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw fileError(label, cause);
  }
}

/** What is kept of a pipe in memory; more goes to a file in the system's temporary folder. */
const MAX_MEMORY_BYTES = 2 ** 23;

/**
 * Takes in a pipe to its end, so that it can be read as often as a file.
 *
 * @param label names it in errors.
 * @throws QwenAsrError `file` when it cannot be read or kept; `aborted`.
 */
export async function spool(pipe: Readable, label: string, signal?: AbortSignal): Promise<FileSource> {
  const spooled = new Spool(label);
  const stop = () => pipe.destroy(new QwenAsrError('aborted', `${label}: reading was aborted`));
  signal?.addEventListener('abort', stop);
  try {
    if (signal?.aborted) stop();
    for await (const piece of pipe as AsyncIterable<Uint8Array>) await spooled.add(piece);
    return await spooled.finish(signal);
  } catch (cause) {
    await spooled.remove();
    throw fileError(label, cause);
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

/** The source of a recording in memory; a program that reads files itself is given a copy in the temporary folder. */
function sourceInMemory(bytes: Uint8Array, label: string, signal?: AbortSignal): FileSource {
  const source = bytesInMemory(bytes, label);
  let copy: Promise<FileSource> | undefined;
  return {
    label,
    totalBytes: source.totalBytes,
    async *pieces() {
      for await (const piece of source.pieces()) {
        if (signal?.aborted) throw new QwenAsrError('aborted', `${label}: reading was aborted`);
        yield piece;
      }
    },
    read: (at, length) => source.read(at, length),
    path: async () => {
      copy ??= spool(Readable.from([bytes]), label, signal);
      return (await copy).path();
    },
    close: async () => (await copy)?.close(),
  };
}

class Spool {
  readonly #label: string;
  #inMemory: Uint8Array[] = [];
  #totalBytes = 0;
  #folder: string | null = null;
  #file: FileHandle | null = null;

  constructor(label: string) {
    this.#label = label;
  }

  async add(piece: Uint8Array): Promise<void> {
    this.#totalBytes += piece.length;
    if (this.#file === null && this.#totalBytes <= MAX_MEMORY_BYTES) {
      this.#inMemory.push(piece);
      return;
    }
    this.#file ??= await open(await this.#path(), 'wx');
    for (const kept of this.#inMemory.splice(0)) await this.#file.writeFile(kept);
    await this.#file.writeFile(piece);
  }

  async finish(signal?: AbortSignal): Promise<FileSource> {
    const close = () => this.remove();
    if (this.#file !== null) {
      await this.#file.close();
      this.#file = null;
      const path = await this.#path();
      return {
        label: this.#label,
        totalBytes: this.#totalBytes,
        pieces: () => readPieces(path, this.#label, signal),
        read: (at, length) => readRange(path, this.#label, at, length),
        path: async () => path,
        close,
      };
    }
    const bytes = Buffer.concat(this.#inMemory.splice(0));
    return {
      ...bytesInMemory(bytes, this.#label),
      path: async () => {
        const path = await this.#path();
        await writeFile(path, bytes);
        return path;
      },
      close,
    };
  }

  async remove(): Promise<void> {
    await this.#file?.close();
    if (this.#folder !== null) await rm(this.#folder, { recursive: true, force: true });
    this.#file = null;
    this.#folder = null;
  }

  async #path(): Promise<string> {
    this.#folder ??= makeTemporaryFolder();
    return join(this.#folder, 'audio');
  }
}

/** Longest character in UTF-8, in bytes. */
const MAX_CHARACTER_BYTES = 4;
const UTF_8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * A file's name as text, for messages, results and the names of other files. Bytes that are no UTF-8 (names from systems
 * with another encoding) are written out, so that different names stay different.
 *
 * @example
 * pathLabel(Buffer.from([0x63, 0x61, 0x66, 0xe9])); // 'caf\\xe9'
 */
export function pathLabel(path: string | Uint8Array): string {
  if (typeof path === 'string') return path;
  const whole = textOf(path);
  if (whole !== undefined) return whole;
  const parts: string[] = [];
  for (let at = 0; at < path.length; ) {
    let bytes = 1;
    while (bytes < MAX_CHARACTER_BYTES && textOf(path.subarray(at, at + bytes)) === undefined) bytes++;
    const character = textOf(path.subarray(at, at + bytes));
    parts.push(character ?? `\\x${path[at]!.toString(16).padStart(2, '0')}`);
    at += character === undefined ? 1 : bytes;
  }
  return parts.join('');
}

/** UTF-8 as text; undefined for other bytes. */
function textOf(bytes: Uint8Array): string | undefined {
  try {
    return UTF_8.decode(bytes);
  } catch {
    return undefined;
  }
}

/**
 * For callers without a type checker.
 *
 * @throws QwenAsrError `usage` when this cannot be the name of a file
 */
export function checkPath(path: unknown): asserts path is string | Buffer {
  if ((typeof path === 'string' || Buffer.isBuffer(path)) && path.length > 0) return;
  throw new QwenAsrError(
    'usage',
    `path: expected the name of a file or its bytes, found ${describeArgument(path)}`,
  );
}
