import { existsSync, readdirSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { QwenAsrError } from '../error.js';
import { type CachedModel, cachedModels, findCachedModel, modelOfFolder } from './cachedModels.js';
import { isRepository, PUBLISHED_NAMES, repositoryOfFolder } from './hubNames.js';
import { type Environment, hubCacheFolder } from './hubSettings.js';

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

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

/** Nothing where it may not be read: whoever reads the model says so. */
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
