import { createHash } from 'node:crypto';
import { createReadStream, mkdirSync } from 'node:fs';
import { open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileError } from '../../error.js';
import { ApiError } from '../apiError.js';
import { type SpoolFile, spoolFull } from '../http/spool.js';

/** The folder of the spool that servers and workers share. */
const FOLDER = 'qwen-asr-jobs';

/** A file's name: the job's in the queue, and the hash of the content, so that no two contents ever share one. */
const NAME = /^(job-[A-Za-z0-9_-]+)-([0-9a-f]{64})$/;

/** Audio that belongs to no job after so long belongs to none: it lies there a moment before its job is added. */
const ORPHAN_MS = 3_600_000;

/** The audio of jobs, on a disk that servers and workers share: it is there, whole and fsynced, before the job is. */
export class JobSpool {
  readonly #folder: string;

  /**
   * @param base `--spool`
   * @throws QwenAsrError `file`
   */
  constructor(base: string) {
    this.#folder = join(base, FOLDER);
    try {
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    } catch (cause) {
      throw fileError(`${base}: jobs cannot be kept there`, cause);
    }
  }

  path(queueId: string, hash: string): string {
    const name = `${queueId}-${hash}`;
    if (!NAME.test(name)) throw new ApiError(500, 'the job names no file', { reason: 'audio_missing' });
    return join(this.#folder, name);
  }

  /** Bytes of all jobs' audio. */
  async bytes(): Promise<number> {
    const sizes = (await this.#files()).map(async ({ path }) => (await sizeAndTime(path))?.size ?? 0);
    return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
  }

  /**
   * Takes an upload, which is no longer where it was.
   *
   * @param maxBytes of all jobs' audio
   * @returns its hash
   * @throws ApiError 503 when there is no room
   */
  async keep(file: SpoolFile, queueId: string, maxBytes: number): Promise<string> {
    if ((await this.bytes()) + file.bytes > maxBytes) throw spoolFull();
    const hash = await hashOfFile(file.path);
    const path = this.path(queueId, hash);
    await syncToDisk(file.path, 'r+');
    await rename(file.path, path);
    if (process.platform !== 'win32') await syncToDisk(this.#folder, 'r'); // Windows syncs no folders
    return hash;
  }

  /** @throws ApiError 500 when the audio is not there, or not what was uploaded */
  async check(queueId: string, hash: string, signal: AbortSignal): Promise<void> {
    const found = await hashOfFile(this.path(queueId, hash), signal);
    if (found === hash) return;
    throw new ApiError(500, 'the audio of the job is not what was uploaded', { reason: 'audio_changed' });
  }

  async remove(queueId: string, hash: string): Promise<void> {
    await rm(this.path(queueId, hash), { force: true });
  }

  /**
   * Removes what no job needs.
   *
   * @param isNeeded null: there is no such job
   */
  async sweep(isNeeded: (queueId: string) => Promise<boolean | null>): Promise<void> {
    for (const { path, queueId } of await this.#files()) {
      const needed = await isNeeded(queueId);
      const found = needed === true ? null : await sizeAndTime(path);
      if (found === null) continue;
      if (needed === false || Date.now() - found.mtimeMs > ORPHAN_MS) await rm(path, { force: true });
    }
  }

  async #files(): Promise<{ path: string; queueId: string }[]> {
    return (await readdir(this.#folder)).flatMap((name) => {
      const queueId = NAME.exec(name)?.[1];
      return queueId === undefined ? [] : [{ path: join(this.#folder, name), queueId }];
    });
  }
}

async function sizeAndTime(path: string) {
  return stat(path).catch(() => null); // somebody else has removed it
}

async function syncToDisk(path: string, flags: string): Promise<void> {
  const file = await open(path, flags);
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

async function hashOfFile(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  try {
    for await (const piece of createReadStream(path, signal && { signal })) hash.update(piece as Buffer);
  } catch (cause) {
    if (signal?.aborted === true) throw signal.reason;
    throw new ApiError(500, 'the audio of the job cannot be read', { reason: 'audio_missing', cause });
  }
  return hash.digest('hex');
}
