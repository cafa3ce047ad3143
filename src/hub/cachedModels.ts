import { readdirSync, readFileSync, type Stats, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { INDEX_FILE, SINGLE_FILE } from '../model/readModelFolder.js';
import { DEFAULT_REVISION, repositoryOfFolder, shortNameOf } from './hubNames.js';
import { RepositoryCache } from './repositoryCache.js';

/** What a model is for, as far as its config tells. */
export type ModelKind = 'speech' | 'aligner' | 'other';

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

/**
 * The model that a name means without its revision: `main`, or else the newest there is.
 *
 * @returns null when none is complete
 */
export function findCachedModel(cache: string, repository: string): CachedModel | null {
  return bestOf(modelsOf(repository, new RepositoryCache(cache, repository)));
}

/** The same for a repository's own folder, wherever it is; null for any other folder. */
export function modelOfFolder(folder: string): CachedModel | null {
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
      kind: kindOf(path, repository),
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
function kindOf(folder: string, repository: string): ModelKind {
  const config = readJson(join(folder, 'config.json'));
  if (config === null) return /qwen3-asr/i.test(repository) ? 'speech' : 'other';
  const text = JSON.stringify(config);
  if (/qwen3_?forced_?aligner|"classify_num"/i.test(text)) return 'aligner';
  return /"model_type":"qwen3_asr"/.test(text) ? 'speech' : 'other';
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

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}
