import { statfsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileError, QwenAsrError } from '../error.js';
import { tryToLock } from '../model/fileLock.js';
import { findSnapshot } from './cachedModels.js';
import { fetchBlob, RANGES, type RangeSettings } from './fetchBlob.js';
import { abortError, HubClient, PATIENCE, type Patience } from './hubClient.js';
import { DEFAULT_REVISION } from './hubNames.js';
import { readRevision } from './hubRevision.js';
import type { HubSettings } from './hubSettings.js';
import { type MakeLink, RepositoryCache } from './repositoryCache.js';
import type { HubFile, HubRevision } from './revisionAnswer.js';

/** How far a pull is. */
export interface PullProgress {
  /** The file that is coming in, or whose hash is being looked at. */
  readonly fileName: string;
  readonly doneBytes: number;
  readonly totalBytes: number;
  /** Bytes that came over the network. */
  readonly receivedBytes: number;
}

export interface PullOptions {
  readonly repository: string;
  /** Branch, tag or commit; default `main`. */
  readonly revision?: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: PullProgress) => void;
  /** What somebody should know: a damaged file, another process. */
  readonly onNote?: (note: string) => void;
  readonly patience?: Patience;
  readonly ranges?: RangeSettings;
  /** Free space of the disk of a folder. */
  readonly freeBytes?: (folder: string) => number;
  readonly makeLink?: MakeLink;
}

export interface PulledModel {
  readonly commit: string;
  /** The snapshot: a model directory. */
  readonly path: string;
  readonly totalBytes: number;
  /** Of these, what was fetched now. */
  readonly fetchedBytes: number;
}

/** Left free: what else is written in the meantime. */
const SPARE_BYTES = 64 * 2 ** 20;

const LOCK_POLL_MS = 250;

/**
 * Brings a model of the hub into the hub's own cache. What an interrupted pull left is gone on with; a snapshot names only
 * files whose hash is right.
 *
 * @throws QwenAsrError `network`, `model` (a repository without the files of a model), `file`, `usage`, `aborted`
 * @example
 * const { path } = await pullModel(readHubSettings(process.env), { repository: 'Qwen/Qwen3-ASR-0.6B' });
 */
export async function pullModel(settings: HubSettings, options: PullOptions): Promise<PulledModel> {
  const { repository, revision = DEFAULT_REVISION, signal } = options;
  const cache = new RepositoryCache(settings.cache, repository);
  if (settings.offline) return offlineModel(cache, repository, revision);
  const client = await HubClient.open(settings, options.patience ?? PATIENCE);
  try {
    const found = await readRevision(client, repository, revision, signal);
    try {
      cache.makeFolders();
    } catch (cause) {
      return await readOnlyModel(cache, found, revision, { cause, ...(signal && { signal }) });
    }
    const unlock = await lock(cache, options);
    try {
      cache.makeFolders(); // who was waited for may have removed them
      const fetchedBytes = await fetchMissing(client, cache, found, options);
      // Weights last: who looks in the meantime finds a model only when it is whole.
      const files = [...found.files].sort((a, b) => weightsLast(a) - weightsLast(b));
      for (const [i, file] of files.entries()) {
        const keepBlob = files.slice(i + 1).some(({ hash }) => hash === file.hash);
        cache.place(file, found.commit, { makeLink: options.makeLink, keepBlob });
      }
      cache.setCommit(revision, found.commit);
      cache.dropUnfinished();
      const path = cache.snapshotPath(found.commit);
      return { commit: found.commit, path, totalBytes: sizeOf(found.files), fetchedBytes };
    } finally {
      cache.tidy();
      unlock();
    }
  } finally {
    await client.close();
  }
}

function offlineModel(cache: RepositoryCache, repository: string, revision: string): PulledModel {
  const found = findSnapshot(cache, revision);
  if (found === null) {
    const message = `${repository}: not in ${cache.cache}, and HF_HUB_OFFLINE keeps from fetching it`;
    throw new QwenAsrError('network', message);
  }
  return { commit: found.commit, path: found.path, totalBytes: found.sizeBytes, fetchedBytes: 0 };
}

/**
 * What a cache has that cannot be written to, as one that a machine shares.
 *
 * @throws QwenAsrError `file` unless it has the whole revision
 */
async function readOnlyModel(
  cache: RepositoryCache,
  found: HubRevision,
  revision: string,
  { cause, signal }: { readonly cause: unknown; readonly signal?: AbortSignal },
): Promise<PulledModel> {
  const path = cache.snapshotPath(found.commit);
  const missing = await cache.firstMissing(found, signal);
  const name = missing?.name ?? (cache.commitOf(revision) === found.commit ? null : revision);
  if (name === null) return { commit: found.commit, path, totalBytes: sizeOf(found.files), fetchedBytes: 0 };
  const reason = fileError(cache.cache, cause).message;
  throw new QwenAsrError('file', `${reason}; ${name} of ${found.repository} is missing`, { cause });
}

/** One pull of a repository at a time: the second one finds what the first one fetched. */
async function lock(
  cache: RepositoryCache,
  { repository, signal, onNote }: PullOptions,
): Promise<() => void> {
  for (let isFirst = true; ; isFirst = false) {
    const taken = tryToLock(cache.lockPath);
    if (typeof taken === 'function') return taken;
    if (isFirst) onNote?.(`${repository}: waiting for process ${taken.holder}, which fetches it too`);
    await sleep(LOCK_POLL_MS);
    if (signal?.aborted) throw abortError(signal);
  }
}

async function fetchMissing(
  client: HubClient,
  cache: RepositoryCache,
  revision: HubRevision,
  options: PullOptions,
): Promise<number> {
  const { signal, onProgress, onNote, ranges = RANGES, freeBytes = freeBytesOf } = options;
  const totalBytes = sizeOf(revision.files);
  let [doneBytes, receivedBytes] = [0, 0];
  const report = (fileName: string) => onProgress?.({ fileName, doneBytes, totalBytes, receivedBytes });
  // By hash: two files may have the same bytes.
  const missing = new Map<string, HubFile>();
  for (const file of revision.files) {
    report(file.name);
    const onDamaged = (path: string) => onNote?.(`${path}: not what its name says; it is fetched again`);
    const isThere = await cache.has(file, revision.commit, { ...(signal && { signal }), onDamaged });
    if (isThere || missing.has(file.hash)) doneBytes += file.sizeBytes;
    else missing.set(file.hash, file);
  }
  // What is small comes first: a wrong answer then shows before gigabytes came.
  const files = [...missing.values()].sort((a, b) => a.sizeBytes - b.sizeBytes);
  checkFreeSpace(cache, files, freeBytes);
  for (const file of files) {
    report(file.name);
    let isFirst = true;
    const path = cache.blobPath(file);
    await fetchBlob(client, {
      ...ranges,
      revision,
      file,
      partial: cache.partialPath(file),
      path,
      onBytes: (bytes) => {
        doneBytes += bytes;
        // The first are those that an earlier process left.
        if (!isFirst && bytes > 0) receivedBytes += bytes;
        isFirst = false;
        report(file.name);
      },
      ...(signal && { signal }),
    });
    cache.mark(path, file);
  }
  return sizeOf(files);
}

/** @throws QwenAsrError `file` before the disk fills up */
function checkFreeSpace(
  cache: RepositoryCache,
  missing: readonly HubFile[],
  freeBytes: (folder: string) => number,
): void {
  const needed = missing.reduce((sum, file) => sum + file.sizeBytes - cache.partialBytes(file), 0);
  if (needed <= 0) return;
  const free = freeBytes(cache.cache);
  if (free >= needed + SPARE_BYTES) return;
  const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(2)} GB`;
  const expected = `expected ${gigabytes(needed + SPARE_BYTES)} of free space, found ${gigabytes(free)}`;
  throw new QwenAsrError('file', `${cache.cache}: ${expected}; HF_HUB_CACHE names another folder`);
}

/** Infinity where the file system does not tell: a full one then shows when it is written to. */
function freeBytesOf(folder: string): number {
  try {
    const { bavail, bsize, blocks } = statfsSync(folder);
    return blocks === 0 ? Number.POSITIVE_INFINITY : bavail * bsize;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

function sizeOf(files: readonly HubFile[]): number {
  return files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

function weightsLast({ name }: HubFile): number {
  return name.endsWith('.safetensors') ? 1 : 0;
}
