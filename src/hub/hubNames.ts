import { QwenAsrError } from '../error.js';
import { isDeviceName } from '../model/windowsNames.js';

/** The revision that a name without one stands for. */
export const DEFAULT_REVISION = 'main';

/** Short names of published models, and the repositories that they stand for. */
export const PUBLISHED_NAMES: ReadonlyMap<string, string> = new Map([
  ['0.6b', 'Qwen/Qwen3-ASR-0.6B'],
  ['1.7b', 'Qwen/Qwen3-ASR-1.7B'],
  ['aligner', 'Qwen/Qwen3-ForcedAligner-0.6B'],
  // Conversions in MLX's layout.
  ['0.6b-8bit', 'mlx-community/Qwen3-ASR-0.6B-8bit'],
  ['0.6b-4bit', 'mlx-community/Qwen3-ASR-0.6B-4bit'],
  ['1.7b-8bit', 'mlx-community/Qwen3-ASR-1.7B-8bit'],
  ['1.7b-4bit', 'mlx-community/Qwen3-ASR-1.7B-4bit'],
]);

/** What the hub allows in the two parts of a repository's name. */
const NAME_PART = /^[A-Za-z0-9][\w.-]{0,95}$/;

/** Longest name of a revision or file: that of a path on most systems. */
const MAX_PATH_LENGTH = 1024;

/**
 * The repository that a name of a command line stands for.
 *
 * @throws QwenAsrError `usage` for what is neither a published name nor `owner/name`
 * @example
 * repositoryOf('0.6b'); // 'Qwen/Qwen3-ASR-0.6B'
 */
export function repositoryOf(name: string): string {
  const published = PUBLISHED_NAMES.get(name.toLowerCase());
  if (published !== undefined) return published;
  if (isRepository(name)) return name;
  const names = [...PUBLISHED_NAMES.keys()].join(', ');
  const expected = `expected ${names} or a repository of the hub (owner/name)`;
  throw new QwenAsrError('usage', `${expected}, found ${JSON.stringify(name)}`);
}

/** Whether a text is `owner/name` as the hub names its repositories. */
export function isRepository(text: string): boolean {
  const parts = text.split('/');
  return parts.length === 2 && parts.every(isNamePart);
}

/** `--` stands for the slash in the cache's folders; `..` would leave them. */
function isNamePart(part: string): boolean {
  return NAME_PART.test(part) && !/--|\.\.|[.-]$|\.git$|\.ipynb$/.test(part) && !isDeviceName(part);
}

/** The shortest name that means a repository. */
export function shortNameOf(repository: string): string {
  for (const [name, published] of PUBLISHED_NAMES) if (published === repository) return name;
  return repository;
}

/** The cache's folder of a repository: `models--Qwen--Qwen3-ASR-0.6B`. */
export function folderOf(repository: string): string {
  return `models--${repository.replace('/', '--')}`;
}

/** The repository of a folder of the cache; null for another kind of folder. */
export function repositoryOfFolder(folder: string): string | null {
  const repository = folder.replace(/^models--/, '').replace('--', '/');
  return isRepository(repository) && folderOf(repository) === folder ? repository : null;
}

/**
 * Refuses a branch, tag or commit whose name would make another path than one below `refs`.
 *
 * @throws QwenAsrError `usage`
 */
export function checkRevision(revision: string): string {
  const problem = pathProblem(revision) ?? (revision.includes('--') ? 'two dashes in a row' : null);
  if (problem === null) return revision;
  const expected = 'expected a branch, tag or commit';
  throw new QwenAsrError('usage', `--revision: ${expected}, found ${JSON.stringify(revision)} (${problem})`);
}

/**
 * Why a name, whose parts are separated by slashes, must not become a path below a folder; null when it may.
 *
 * @example
 * pathProblem('../config.json'); // 'a part that is ..'
 */
export function pathProblem(name: string): string | null {
  const problem = hostileProblem(name);
  if (problem !== null) return problem;
  if (/[:*?"<>|]/.test(name)) return 'a character that paths may not have everywhere';
  for (const part of name.split('/')) {
    if (/[. ]$/.test(part)) return 'a part that ends with a dot or a space';
    if (isDeviceName(part)) return `the name of a device, ${part}`;
  }
  return null;
}

/** What no honest list of files has, whatever system they are from: names that lead out of a folder. */
export function hostileProblem(name: string): string | null {
  if (name === '') return 'an empty name';
  if (name.length > MAX_PATH_LENGTH) return `more than ${MAX_PATH_LENGTH} characters`;
  if (/\p{Cc}/u.test(name)) return 'a control character';
  if (name.includes('\\')) return 'a backslash';
  if (name.startsWith('/')) return 'an absolute path';
  const odd = name.split('/').find((part) => part === '' || part === '.' || part === '..');
  if (odd === undefined) return null;
  return odd === '' ? 'an empty part' : `a part that is ${odd}`;
}
