import { dirname } from 'node:path';
import { QwenAsrError } from '../error.js';
import { lockFile } from '../model/fileLock.js';
import { makeOutputFolder } from '../model/writeWhole.js';
import { type CachedModel, cachedModels } from './cachedModels.js';
import { DEFAULT_REVISION } from './hubNames.js';
import { RepositoryCache } from './repositoryCache.js';

/**
 * Removes a snapshot of a repository from the cache; blobs that other snapshots use stay.
 *
 * @param revision branch, tag or commit; without one `main`, or else the only snapshot there is
 * @returns the bytes that were given back, and the snapshots that stay
 * @throws QwenAsrError `file` when there is no such snapshot or it is being fetched, `usage` when there are several
 * @example
 * removeModel(hubCacheFolder(process.env), 'Qwen/Qwen3-ASR-1.7B').freedBytes; // 4703000000
 */
export function removeModel(
  cache: string,
  repository: string,
  revision?: string,
): { readonly freedBytes: number; readonly left: readonly CachedModel[] } {
  const files = new RepositoryCache(cache, repository);
  const models = cachedModels(cache).filter((model) => model.repository === repository);
  const commit = commitToRemove(models, files, repository, revision);
  makeOutputFolder(dirname(files.lockPath));
  const unlock = lockFile(files.lockPath, repository);
  try {
    const freedBytes = files.removeSnapshot(commit);
    return { freedBytes, left: models.filter((model) => model.commit !== commit) };
  } finally {
    unlock();
  }
}

function commitToRemove(
  models: readonly CachedModel[],
  files: RepositoryCache,
  repository: string,
  revision: string | undefined,
): string {
  const commit = files.commitOf(revision ?? DEFAULT_REVISION);
  const found = models.find((model) => model.commit === commit);
  if (found !== undefined) return found.commit;
  const [only, ...others] = models;
  if (only === undefined) {
    throw new QwenAsrError('file', `${repository}: not in ${files.cache}; qwen_asr list says what is`);
  }
  if (revision === undefined && others.length === 0) return only.commit;
  const names = models.map((model) => model.revisions[0] ?? model.commit).join(', ');
  const expected = `expected --revision to be one of ${names}`;
  throw new QwenAsrError('usage', `${repository}: ${expected}, found ${revision ?? 'none'}`);
}
