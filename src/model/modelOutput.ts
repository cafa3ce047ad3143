import { type FileHandle, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { QwenAsrError } from '../error.js';
import { fileError } from './fileError.js';
import { makeOutputFolder } from './makeOutputFolder.js';
import { DRAFT_FLAG, draftOf } from './replaceFile.js';

/**
 * Makes a folder for a model's files.
 *
 * @param forbidden Names that must not be there yet, as little as any weight file; none: everything may.
 * @throws QwenAsrError `usage` (no name), `file`
 */
export async function prepareModelFolder(directory: string, forbidden: readonly string[]): Promise<void> {
  if (directory === '') throw new QwenAsrError('usage', 'expected a directory, found ""');
  makeOutputFolder(directory);
  let present: string[];
  try {
    present = await readdir(directory);
  } catch (cause) {
    throw fileError(directory, cause);
  }
  const other = present.find((name) => forbidden.includes(name) || isWeightFile(name));
  if (other !== undefined && forbidden.length > 0) {
    throw new QwenAsrError('file', `${directory}: expected an empty directory, found ${other}`);
  }
}

function isWeightFile(name: string): boolean {
  return name.endsWith('.safetensors') || name.endsWith('.safetensors.index.json');
}

/** A file that is written under another name until it is complete. */
export class OpenOutput {
  readonly fileName: string;
  readonly #path: string;
  readonly #partialPath: string;
  readonly #handle: FileHandle;

  private constructor(fileName: string, path: string, partialPath: string, handle: FileHandle) {
    this.fileName = fileName;
    this.#path = path;
    this.#partialPath = partialPath;
    this.#handle = handle;
  }

  static async create(directory: string, fileName: string): Promise<OpenOutput> {
    const path = join(directory, fileName);
    const partialPath = draftOf(path);
    try {
      return new OpenOutput(fileName, path, partialPath, await open(partialPath, DRAFT_FLAG));
    } catch (cause) {
      throw fileError(path, cause);
    }
  }

  async write(bytes: Uint8Array): Promise<void> {
    try {
      for (let start = 0; start < bytes.length; ) {
        const { bytesWritten } = await this.#handle.write(bytes, start, bytes.length - start);
        start += bytesWritten;
      }
    } catch (cause) {
      throw fileError(this.#path, cause);
    }
  }

  async finish(): Promise<void> {
    try {
      await this.#handle.close();
      await rename(this.#partialPath, this.#path);
    } catch (cause) {
      throw fileError(this.#path, cause);
    }
  }

  /** Best effort: the error that led here matters more. */
  async discard(): Promise<void> {
    await this.#handle.close().catch(() => {});
    await rm(this.#partialPath, { force: true }).catch(() => {});
  }
}
