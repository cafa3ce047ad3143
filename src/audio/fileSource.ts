import { constants, openSync } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { Socket } from 'node:net';
import { QwenAsrError } from '../error.js';
import { fileError } from '../model/fileError.js';
import type { BytePieces, ByteSource } from './byteReader.js';
import { checkPath } from './checkPath.js';
import { spool } from './spool.js';

/** Bytes read at a time: some milliseconds of decoding, so that the event loop is visited often. */
const PIECE_BYTES = 65_536;

/** The bytes of a file or of a pipe. */
export interface FileSource extends ByteSource {
  /** A file that holds them all, for programs that read it themselves. */
  path(): Promise<string>;
  /** Removes what was copied from a pipe. */
  close(): Promise<void>;
}

/**
 * Opens a file, or takes in a pipe to its end.
 *
 * @param path a file, a named pipe, or `-` for standard input.
 * @throws QwenAsrError `file` when it cannot be read, or standard input is a terminal; `aborted`. Reading throws them
 * too.
 */
export async function openFileSource(path: string, signal?: AbortSignal): Promise<FileSource> {
  checkPath(path);
  if (path === '-') {
    if (process.stdin.isTTY) {
      throw new QwenAsrError('file', 'standard input: expected audio from a pipe, found a terminal');
    }
    return await spool(process.stdin, 'standard input', signal);
  }
  try {
    const entry = await stat(path);
    if (entry.isFile()) return regularFile(path, entry.size, signal);
    if (entry.isFIFO()) return await spool(openPipe(path), path, signal);
    const found = entry.isDirectory() ? 'a directory' : 'a device or socket';
    throw new QwenAsrError('file', `${path}: expected an audio file, found ${found}`);
  } catch (cause) {
    throw fileError(path, cause);
  }
}

/**
 * A named pipe, which may have no writer yet. Opened as a file it would hold a thread of libuv's pool until one comes, and
 * not even a signal could end the process before.
 */
export function openPipe(path: string): Socket {
  return new Socket({ fd: openSync(path, constants.O_RDONLY | constants.O_NONBLOCK), writable: false });
}

function regularFile(path: string, totalBytes: number, signal?: AbortSignal): FileSource {
  return {
    label: path,
    totalBytes,
    pieces: () => readPieces(path, path, signal),
    path: async () => path,
    close: async () => {},
  };
}

/** Reads a file from its start. The pieces share their memory. */
export async function* readPieces(path: string, label: string, signal?: AbortSignal): BytePieces {
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
