import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { fileError } from '../error.js';
import { replaceFile } from '../model/replaceFile.js';
import { writeWhole } from '../model/writeWhole.js';
import { abortError } from './hubClient.js';
import type { HubFile } from './revisionAnswer.js';

/** Bytes from the first up to the second, which does not belong to it. */
export type ByteRange = readonly [start: number, end: number];

/** What the journal beside a partial file holds. */
interface Journal {
  readonly sizeBytes: number;
  readonly validator: string | null;
  readonly done: readonly ByteRange[];
}

/** A killed process loses what came in since the last entry. */
const JOURNAL_INTERVAL_MS = 300;

const HASH_BLOCK_BYTES = 2 ** 20;

/**
 * A file that is coming in, in ranges of any order: the bytes under a name of our own, and a journal that says which of
 * them are there. Both stay where a process ends, and the next one goes on.
 */
export class PartialFile {
  readonly path: string;
  readonly #file: HubFile;
  #handle: FileHandle;
  #done: readonly ByteRange[];
  #validator: string | null;
  #journalAtMs = 0;

  private constructor(path: string, file: HubFile, handle: FileHandle, journal: Journal) {
    this.path = path;
    this.#file = file;
    this.#handle = handle;
    this.#done = journal.done;
    this.#validator = journal.validator;
  }

  /**
   * Opens what an earlier process left, or an empty one.
   *
   * @param path without extension
   * @throws QwenAsrError `file`
   */
  static async open(path: string, file: HubFile): Promise<PartialFile> {
    const data = `${path}.part`;
    try {
      let handle = await openOrMake(data);
      const journal = readJournal(`${path}.journal`, file.sizeBytes);
      const { size } = await handle.stat();
      // A journal whose bytes are not there, after the power failed for example, is worth nothing.
      const isWhole = journal?.done.every(([, end]) => end <= size) === true;
      if (!isWhole) handle = await makeAnew(handle, data);
      const blank: Journal = { sizeBytes: file.sizeBytes, validator: null, done: [] };
      return new PartialFile(path, file, handle, isWhole ? journal : blank);
    } catch (cause) {
      throw fileError(data, cause);
    }
  }

  /** The entity tag of the server's file that these bytes are from; null before the first answer. */
  get validator(): string | null {
    return this.#validator;
  }

  set validator(validator: string | null) {
    this.#validator = validator;
  }

  get doneBytes(): number {
    return this.#done.reduce((sum, [start, end]) => sum + end - start, 0);
  }

  /** What is still to come, in ranges of at most `rangeBytes`. */
  missing(rangeBytes: number): ByteRange[] {
    const ranges: ByteRange[] = [];
    let at = 0;
    for (const [start, end] of [...this.#done, [this.#file.sizeBytes, this.#file.sizeBytes] as const]) {
      for (; at < start; at += rangeBytes) ranges.push([at, Math.min(at + rangeBytes, start)]);
      at = end;
    }
    return ranges;
  }

  /** @throws QwenAsrError `file`: the disk is full, for example */
  async write(bytes: Uint8Array, position: number): Promise<void> {
    try {
      for (let at = 0; at < bytes.byteLength; ) {
        const { bytesWritten } = await this.#handle.write(bytes, at, bytes.byteLength - at, position + at);
        at += bytesWritten;
      }
      this.#done = withRange(this.#done, [position, position + bytes.byteLength]);
      if (performance.now() - this.#journalAtMs > JOURNAL_INTERVAL_MS) this.#writeJournal();
    } catch (cause) {
      throw fileError(`${this.path}.part`, cause);
    }
  }

  /** Forgets what came in. */
  async restart(): Promise<void> {
    this.#done = [];
    this.#validator = null;
    this.#handle = await makeAnew(this.#handle, `${this.path}.part`);
    this.#writeJournal();
  }

  /** The hash of all bytes, read back from the disk, whoever wrote them. */
  async hash(signal?: AbortSignal): Promise<string> {
    return hashFile(this.#handle, this.#file, signal);
  }

  /** Gives the whole file its name. */
  async finish(path: string): Promise<void> {
    try {
      await this.#handle.sync();
      replaceFile(`${this.path}.part`, path);
      await rm(`${this.path}.journal`, { force: true });
    } catch (cause) {
      throw fileError(path, cause);
    }
  }

  async discard(): Promise<void> {
    await rm(`${this.path}.journal`, { force: true });
    await rm(`${this.path}.part`, { force: true });
  }

  /** Leaves the rest to another time. */
  async close({ keep = true } = {}): Promise<void> {
    if (keep && this.#done.length > 0) {
      try {
        this.#writeJournal();
      } catch {
        // The disk is full; the last entry stands.
      }
    }
    await this.#handle.close();
  }

  #writeJournal(): void {
    const { sizeBytes } = this.#file;
    const journal: Journal = { sizeBytes, validator: this.#validator, done: this.#done };
    writeWhole(`${this.path}.journal`, JSON.stringify(journal));
    this.#journalAtMs = performance.now();
  }
}

/** The hash that the hub knows a file by. */
export async function hashFile(
  handle: FileHandle,
  { algorithm, sizeBytes }: Pick<HubFile, 'algorithm' | 'sizeBytes'>,
  signal?: AbortSignal,
): Promise<string> {
  const hash = createHash(algorithm === 'sha256' ? 'sha256' : 'sha1');
  // Git hashes a header of its own first.
  if (algorithm === 'git-sha1') hash.update(`blob ${sizeBytes}\0`);
  const block = Buffer.allocUnsafe(HASH_BLOCK_BYTES);
  for (let at = 0; ; ) {
    if (signal?.aborted) throw abortError(signal);
    const { bytesRead } = await handle.read(block, 0, block.length, at);
    if (bytesRead === 0) return hash.digest('hex');
    hash.update(block.subarray(0, bytesRead));
    at += bytesRead;
  }
}

/**
 * Ranges in their order with one more; those that touch become one.
 *
 * @example
 * withRange([[0, 10], [20, 30]], [10, 20]); // [[0, 30]]
 */
function withRange(ranges: readonly ByteRange[], [start, end]: ByteRange): ByteRange[] {
  if (start >= end) return [...ranges];
  const apart = ranges.filter(([otherStart, otherEnd]) => otherEnd < start || otherStart > end);
  const touching = ranges.filter((range) => !apart.includes(range));
  const joined: ByteRange = [
    Math.min(start, ...touching.map(([first]) => first)),
    Math.max(end, ...touching.map(([, last]) => last)),
  ];
  return [...apart, joined].sort(([a], [b]) => a - b);
}

/** Another file rather than the same one shortened, which a process may have finished in the meantime. */
async function makeAnew(handle: FileHandle, path: string): Promise<FileHandle> {
  await handle.close();
  await rm(path, { force: true });
  return open(path, 'wx+');
}

async function openOrMake(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r+');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    return open(path, 'wx+');
  }
}

/** Null where there is none, or none of this file. */
function readJournal(path: string, sizeBytes: number): Journal | null {
  let journal: Partial<Journal>;
  try {
    journal = Object(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return null;
  }
  const { done, validator } = journal;
  const isUsable =
    journal.sizeBytes === sizeBytes &&
    (validator === null || typeof validator === 'string') &&
    Array.isArray(done) &&
    done.every((range) => Array.isArray(range) && isRange(range, sizeBytes));
  if (!isUsable) return null;
  return { sizeBytes, validator, done: done.reduce<ByteRange[]>((all, range) => withRange(all, range), []) };
}

function isRange([start, end]: readonly unknown[], sizeBytes: number): boolean {
  if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end)) return false;
  return Number(start) >= 0 && Number(start) < Number(end) && Number(end) <= sizeBytes;
}
