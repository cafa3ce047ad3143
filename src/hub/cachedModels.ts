import { existsSync, readdirSync, readFileSync, type Stats, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { QwenAsrError } from '../error.js';
import { tryToLock } from '../model/fileLock.js';
import { INDEX_FILE, SINGLE_FILE } from '../model/readModelFolder.js';
import { makeOutputFolder } from '../model/writeWhole.js';
import {
  DEFAULT_REVISION,
  isRepository,
  PUBLISHED_NAMES,
  repositoryOfFolder,
  shortNameOf,
} from './hubNames.js';
import { type Environment, hubCacheFolder } from './hubSettings.js';
import { RepositoryCache } from './repositoryCache.js';

/** What a model is for, as far as its config tells. */
type ModelKind = 'speech' | 'aligner' | 'other';

/** A revision of a model in the hub's cache. */
export interface CachedModel {
  readonly repository: string;
  /** What `-d` takes: a published name, or the repository. */
  readonly name: string;
  readonly commit: string;
  /** Branches and tags that stand for it. */
  readonly revisions: readonly string[];
  /** The snapshot: a model directory. */
  readonly path: string;
  /** Of all its files. */
  readonly sizeBytes: number;
  /** Whether weights and vocabulary are there. */
  readonly isComplete: boolean;
  readonly kind: ModelKind;
}

/** Bytes of a config.json or an index that are looked at; real ones have a few hundred kilobytes. */
const MAX_TEXT_BYTES = 2 ** 25;

/**
 * The models in the hub's cache, whoever put them there, with those that speech recognition has no use for.
 *
 * @example
 * for (const { name, path } of cachedModels(hubCacheFolder(process.env))) console.log(name, path);
 */
export function cachedModels(cache: string): CachedModel[] {
  return namesIn(cache).flatMap((folder) => {
    const repository = repositoryOfFolder(folder);
    return repository === null ? [] : modelsOf(repository, new RepositoryCache(cache, repository));
  });
}

/** Pulls that were interrupted, or are under way: what came in so far. */
export function unfinishedPulls(cache: string): { readonly name: string; readonly sizeBytes: number }[] {
  return namesIn(cache).flatMap((folder) => {
    const repository = repositoryOfFolder(folder);
    if (repository === null) return [];
    const sizeBytes = new RepositoryCache(cache, repository).unfinishedBytes();
    return sizeBytes === 0 ? [] : [{ name: shortNameOf(repository), sizeBytes }];
  });
}

/**
 * The model that a name means without its revision: `main`, or else the newest there is.
 *
 * @returns null when none is complete
 */
function findCachedModel(cache: string, repository: string): CachedModel | null {
  return bestOf(modelsOf(repository, new RepositoryCache(cache, repository)));
}

/** The same for a repository's own folder, wherever it is; null for any other folder. */
function modelOfFolder(folder: string): CachedModel | null {
  const repository = repositoryOfFolder(basename(folder));
  if (repository === null) return null;
  return bestOf(modelsOf(repository, new RepositoryCache(dirname(folder), repository)));
}

/** A revision's snapshot, when it is complete. */
export function findSnapshot({ cache, folder }: RepositoryCache, revision: string): CachedModel | null {
  const repository = repositoryOfFolder(basename(folder));
  if (repository === null) return null;
  const repositoryCache = new RepositoryCache(cache, repository);
  const commit = repositoryCache.commitOf(revision);
  const models = modelsOf(repository, repositoryCache);
  return models.find((model) => model.commit === commit && model.isComplete) ?? null;
}

function bestOf(models: readonly CachedModel[]): CachedModel | null {
  const complete = models.filter(({ isComplete }) => isComplete);
  const main = complete.find(({ revisions }) => revisions.includes(DEFAULT_REVISION));
  if (main !== undefined) return main;
  const [newest] = complete
    .map((model) => ({ model, changedMs: statOf(model.path)?.mtimeMs ?? 0 }))
    .sort((a, b) => b.changedMs - a.changedMs);
  return newest?.model ?? null;
}

function modelsOf(repository: string, cache: RepositoryCache): CachedModel[] {
  const revisions = [...cache.revisions()];
  return cache.commits().map((commit) => {
    const path = cache.snapshotPath(commit);
    const sizes = sizesOf(path);
    return {
      repository,
      name: shortNameOf(repository),
      commit,
      revisions: revisions.filter(([, target]) => target === commit).map(([revision]) => revision),
      path,
      sizeBytes: [...sizes.values()].reduce((sum, size) => sum + size, 0),
      isComplete: isComplete(path, sizes),
      kind: modelKindOf(path, repository),
    };
  });
}

/** Names of the files that are there, with their sizes; a link that leads nowhere is none. */
function sizesOf(folder: string): ReadonlyMap<string, number> {
  const sizes = new Map<string, number>();
  for (const name of namesIn(folder)) {
    const status = statOf(join(folder, name));
    if (status?.isFile()) sizes.set(name, status.size);
  }
  return sizes;
}

/** What readModelFolder needs, without opening the weights. */
function isComplete(folder: string, sizes: ReadonlyMap<string, number>): boolean {
  if (!sizes.has('vocab.json') && !sizes.has('tokenizer.json')) return false;
  if (sizes.has(SINGLE_FILE)) return true;
  if (!sizes.has(INDEX_FILE)) return [...sizes.keys()].some((name) => name.endsWith('.safetensors'));
  const shards = Object.values(Object(readJson(join(folder, INDEX_FILE))?.['weight_map']));
  return shards.length > 0 && shards.every((shard) => typeof shard === 'string' && sizes.has(shard));
}

/** Both of the family say `qwen3_asr`; the aligner has another head. */
function modelKindOf(folder: string, repository: string): ModelKind {
  const config = readJson(join(folder, 'config.json'));
  if (config === null) return /qwen3-asr/i.test(repository) ? 'speech' : 'other';
  const text = JSON.stringify(config);
  if (/qwen3_?forced_?aligner|"classify_num"/i.test(text)) return 'aligner';
  return /"model_type":"qwen3_asr"/.test(text) ? 'speech' : 'other';
}

/** The published name that is taken when there are several. */
const PREFERRED = '0.6b';

/**
 * The model directory that a name means: a published name or a repository that the hub's cache has, a repository's own
 * folder of such a cache, or the folder itself. Never asks the network.
 *
 * @returns the name as it is when it may be a folder; whoever reads it says what is wrong
 * @throws QwenAsrError `file` for a published name that is not in the cache, and for a cache's folder without a model
 * @example
 * namedModel('0.6b', process.env); // '/home/me/.cache/huggingface/hub/models--Qwen--Qwen3-ASR-0.6B/snapshots/…'
 */
export function namedModel(name: string, env: Environment): string {
  if (isFolder(name)) return modelInFolder(name);
  const published = PUBLISHED_NAMES.get(name.toLowerCase());
  const repository = published ?? (isRepository(name) ? name : undefined);
  if (repository === undefined || existsSync(name)) return name;
  const cache = hubCacheFolder(env);
  const found = findCachedModel(cache, repository);
  if (found !== null) return found.path;
  // `owner/name` may be a folder that is missing.
  if (![...PUBLISHED_NAMES.values()].includes(repository)) return name;
  throw new QwenAsrError('file', `${name}: not in ${cache}; \`qwen_asr pull ${name}\` fetches it`);
}

/** A repository's folder, or a whole cache with one model, stands for its snapshot. */
function modelInFolder(folder: string): string {
  const path = resolve(folder);
  const isRepositoryFolder = repositoryOfFolder(path.split(/[/\\]/).at(-1) ?? '') !== null;
  const isRepositoryLike = isRepositoryFolder && isFolder(`${path}/snapshots`);
  if (isRepositoryLike) {
    const model = modelOfFolder(path);
    if (model !== null) return model.path;
    throw new QwenAsrError('file', `${folder}: expected a complete snapshot of a model, found none`);
  }
  if (!namesIn(path).some((name) => repositoryOfFolder(name) !== null)) return folder;
  const { model, others } = preferred(path);
  if (model !== null) return model.path;
  const found = others.length === 0 ? 'none' : others.join(', ');
  throw new QwenAsrError('file', `${folder}: expected one speech model in this cache, found ${found}`);
}

/**
 * The model that is meant when none was named: QWEN_ASR_MODEL, else `0.6b` of the hub's cache, else the only one it has.
 *
 * @returns its directory; null when the cache has none
 * @throws QwenAsrError `usage` listing them when the cache has several
 */
export function defaultModel(env: Environment): string | null {
  const named = env['QWEN_ASR_MODEL']?.trim();
  if (named !== undefined && named !== '') return namedModel(named, env);
  const { model, others } = preferred(hubCacheFolder(env));
  if (model !== null) return model.path;
  if (others.length === 0) return null;
  const found = `found several in the hub's cache: ${others.join(', ')}`;
  throw new QwenAsrError('usage', `-d: expected one of them, ${found} (or QWEN_ASR_MODEL)`);
}

/** The one that is meant in a cache, or the names of those that could be. */
function preferred(cache: string): {
  readonly model: CachedModel | null;
  readonly others: readonly string[];
} {
  const speech = cachedModels(cache).filter(({ kind, isComplete }) => kind === 'speech' && isComplete);
  const names = [...new Set(speech.map(({ name }) => name))];
  const name = names.includes(PREFERRED) || names.length !== 1 ? PREFERRED : names[0];
  const repository = speech.find((model) => model.name === name)?.repository;
  const model = repository === undefined ? null : findCachedModel(cache, repository);
  return { model, others: names };
}

/**
 * Removes a snapshot of a repository from the cache; blobs that other snapshots use stay. Without any snapshot what an
 * interrupted pull left is removed.
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
  const isUnfinished = models.length === 0 && revision === undefined && isFolder(files.folder);
  const commit = isUnfinished ? null : commitToRemove(models, files, repository, revision);
  makeOutputFolder(dirname(files.lockPath));
  const unlock = tryToLock(files.lockPath);
  if (typeof unlock !== 'function') {
    const expected = 'expected a model that nobody fetches now';
    throw new QwenAsrError('file', `${repository}: ${expected}, found process ${unlock.holder} at it`);
  }
  try {
    const freedBytes = commit === null ? files.removeFolder() : files.removeSnapshot(commit);
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

function readJson(path: string): Readonly<Record<string, unknown>> | null {
  try {
    if (statSync(path).size > MAX_TEXT_BYTES) return null;
    return Object(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return null;
  }
}

function statOf(path: string): Stats | null {
  try {
    return statSync(path);
  } catch {
    return null;
  }
}

function isFolder(path: string): boolean {
  return statOf(path)?.isDirectory() === true;
}

/** Nothing where it may not be read: whoever reads the model says so. */
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}
