import { randomBytes } from 'node:crypto';
import { closeSync, mkdirSync, mkdtempSync, openSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { type FileHandle, open, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileError, QwenAsrError } from '../error.js';
import { replaceFile } from './replaceFile.js';
import { checkWindowsNames } from './windowsNames.js';

/** Makes a file that was not there, and never goes through a link (POSIX: O_EXCL). */
const DRAFT_FLAG = 'wx';

/**
 * Writes a file as a whole: under another name first, so that nobody ever reads half of it and a full disk leaves the old
 * one. A pipe or a device is written as it is: renaming would replace it. What went wrong is thrown as it is, after the
 * draft is gone.
 *
 * @example
 * writeWhole('talk.srt', text);
 */
export function writeWhole(path: string, content: string): void {
  if (isSpecial(path)) return writeFileSync(path, content);
  const draft = draftOf(path);
  try {
    writeFileSync(draft, content, { flag: DRAFT_FLAG });
    replaceFile(draft, path);
  } catch (error) {
    removeQuietly(draft);
    throw error;
  }
}

/**
 * Tries whether a file could be written as a whole, and leaves nothing behind. Permissions do not tell: root may write
 * everywhere, yet nothing can be made in /proc.
 *
 * @throws the system's error
 */
export function tryDraft(path: string): void {
  const draft = draftOf(path);
  closeSync(openSync(draft, DRAFT_FLAG));
  removeQuietly(draft);
}

/** A file that is written piece by piece, under another name until it is complete. */
export class Draft {
  readonly fileName: string;
  readonly #path: string;
  readonly #draftPath: string;
  readonly #handle: FileHandle;

  private constructor(fileName: string, path: string, draftPath: string, handle: FileHandle) {
    this.fileName = fileName;
    this.#path = path;
    this.#draftPath = draftPath;
    this.#handle = handle;
  }

  static async create(directory: string, fileName: string): Promise<Draft> {
    const path = join(directory, fileName);
    const draftPath = draftOf(path);
    try {
      return new Draft(fileName, path, draftPath, await open(draftPath, DRAFT_FLAG));
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
      replaceFile(this.#draftPath, this.#path);
    } catch (cause) {
      throw fileError(this.#path, cause);
    }
  }

  /** Best effort: the error that led here matters more. */
  async discard(): Promise<void> {
    await this.#handle.close().catch(() => {});
    await rm(this.#draftPath, { force: true }).catch(() => {});
  }
}

/**
 * A name in a file's folder that is not taken: nobody can have put a link there, and it is short, so that every name that
 * a file may have leaves room for it. What is made there must not go through a link (O_EXCL).
 */
export function draftOf(path: string): string {
  return join(dirname(path), `.qwen-asr-${randomBytes(8).toString('hex')}.part`);
}

/** Removes a file that may never have been made. */
function removeQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It was never made.
  }
}

function isSpecial(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  return found !== undefined && !found.isFile();
}

/**
 * Makes a folder and those above it, unless they are there. One by one, because `mkdirSync(…, { recursive: true })` of
 * Node 20 never returns where nothing can be made, as in /proc: it fills the memory instead.
 *
 * @throws the system's error
 */
export function makeFolder(path: string): void {
  if (isFolder(path)) return;
  const above = dirname(path);
  if (above !== path) makeFolder(above);
  try {
    mkdirSync(path);
  } catch (error) {
    // Another process may have been faster.
    if (!isFolder(path)) throw error;
  }
}

/** False where there is nothing; of a path that leads through a file all versions of Node throw only this way. */
function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false;
    throw error;
  }
}

/**
 * Makes a folder for results, and those above it, unless they are there.
 *
 * @throws QwenAsrError `file` saying what is there instead, or that nothing can be made there
 * @example
 * makeOutputFolder('results/today');
 */
export function makeOutputFolder(path: string): void {
  checkWindowsNames(path, process.platform);
  try {
    makeFolder(path);
  } catch (cause) {
    // All folders above it exist by then: the file system itself takes none, as /proc.
    const takesNone = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
    if (takesNone) throw new QwenAsrError('file', `${path}: no directory can be made there`, { cause });
    throw fileError(path, cause);
  }
}

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

/**
 * Makes a folder of one's own where the system keeps temporary files; whoever asked for it removes it.
 *
 * @throws QwenAsrError `file` naming the place, which TMPDIR may have set wrongly
 * @example
 * const folder = makeTemporaryFolder(); // '/tmp/qwen-asr-Zk3vQa'
 */
export function makeTemporaryFolder(): string {
  const place = tmpdir();
  try {
    return mkdtempSync(join(place, 'qwen-asr-'));
  } catch (cause) {
    throw fileError(`${place}: no temporary folder can be made there (TMPDIR sets the place)`, cause);
  }
}
