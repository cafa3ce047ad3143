import { constants, openSync } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { Socket } from 'node:net';
import { QwenAsrError } from '../error.js';
import { fileError } from '../model/fileError.js';
import type { BytePieces, ByteSource } from './byteReader.js';
import { checkPath } from './checkPath.js';
import { pathLabel } from './pathLabel.js';
import { spool } from './spool.js';

/** Bytes read at a time: some milliseconds of decoding, so that the event loop is visited often. */
const PIECE_BYTES = 65_536;

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
export async function openFileSource(path: string | Buffer, signal?: AbortSignal): Promise<FileSource> {
  checkPath(path);
  const label = pathLabel(path);
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
export async function* readPieces(path: string | Buffer, label: string, signal?: AbortSignal): BytePieces {
  try {
    const file = await open(path);
    try {
      const buffer = new Uint8Array(PIECE_BYTES);
      for (;;) {
        if (signal?.aborted) throw new QwenAsrError('aborted', `${label}: reading was aborted`);
        const { bytesRead } = await file.read(buffer, 0, PIECE_BYTES);
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
export async function readRange(
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
