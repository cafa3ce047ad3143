import { type FileHandle, open, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { QwenAsrError } from '../error.js';
import { fileError } from '../model/fileError.js';
import { makeTemporaryFolder } from '../model/makeTemporaryFolder.js';
import { bytesInMemory } from './byteReader.js';
import { type FileSource, readPieces, readRange } from './fileSource.js';

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
export function sourceInMemory(bytes: Uint8Array, label: string, signal?: AbortSignal): FileSource {
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
