import { QwenAsrError } from '../error.js';
import { hostileProblem, pathProblem } from './hubNames.js';

/** A file of a revision, as its bytes can be checked. */
export interface HubFile {
  /** Path below the repository's root, with slashes. */
  readonly name: string;
  readonly sizeBytes: number;
  /** SHA-256 of large files, git's SHA-1 of small ones; what the cache calls its blob. Hexadecimal. */
  readonly hash: string;
  readonly algorithm: 'sha256' | 'git-sha1';
}

/** What a branch, tag or commit stood for when it was asked. */
export interface HubRevision {
  readonly repository: string;
  readonly commit: string;
  /** What a model needs of it. */
  readonly files: readonly HubFile[];
}

export const COMMIT = /^[0-9a-f]{40}$/;
const SHA256 = /^[0-9a-f]{64}$/;

/**
 * Which files of a repository are fetched: weights, JSON, merges, chat templates and licences of its root.
 *
 * @example
 * isNeeded('model.safetensors'); // true
 * isNeeded('pytorch_model.bin'); // false
 */
export function isNeeded(name: string): boolean {
  if (/^additional_chat_templates\/[^/]+\.jinja$/.test(name)) return true;
  return /^[^/]+\.(safetensors|json)$|^merges\.txt$|^chat_template[^/]*\.jinja$|^(licen[cs]e|notice)([._-][^/]*)?$/i.test(
    name,
  );
}

/** What to say to a page where something else was expected. */
export const PAGE = 'found a web page; is a proxy or a sign-in in the way?';

/**
 * Reads the hub's answer about a revision (`?blobs=true`).
 *
 * @param page whether it is called a web page
 * @param where names the hub and the repository in messages
 * @throws QwenAsrError `network` for an answer that is not the hub's
 * @example
 * parseRevision(await response.text(), false, 'huggingface.co: Qwen/Qwen3-ASR-0.6B').files.length;
 */
export function parseRevision(text: string, page: boolean, where: string): Omit<HubRevision, 'repository'> {
  const expected = (what: string): QwenAsrError =>
    new QwenAsrError('network', `${where}: expected ${what} in the hub's answer`);
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch (cause) {
    const found = page || /^\s*</.test(text) ? PAGE : `found ${text.length} characters of something else`;
    throw new QwenAsrError('network', `${where}: expected the hub's answer in JSON, ${found}`, { cause });
  }
  const { sha, siblings } = Object(answer);
  if (typeof sha !== 'string' || !COMMIT.test(sha)) throw expected('a commit of 40 hexadecimal digits');
  if (!Array.isArray(siblings)) throw expected('a list of files');
  const names = new Set<string>();
  const files: HubFile[] = [];
  for (const sibling of siblings) {
    const { rfilename: name } = Object(sibling);
    if (typeof name !== 'string') throw expected('a name for each file');
    // A picture called `what?.png` keeps nobody from the weights.
    const problem = isNeeded(name) ? pathProblem(name) : hostileProblem(name);
    if (problem !== null) throw expected(`plain names of files, not ${JSON.stringify(name)} (${problem}),`);
    if (!isNeeded(name)) continue;
    // File systems that take other letter case for the same would mix the two.
    const key = name.normalize('NFC').toLowerCase();
    if (names.has(key)) throw expected(`${JSON.stringify(name)} once`);
    names.add(key);
    files.push(parseFile(name, sibling, expected));
  }
  return { commit: sha, files };
}

function parseFile(name: string, sibling: unknown, expected: (what: string) => QwenAsrError): HubFile {
  const { size, blobId, lfs } = Object(sibling);
  const isLarge = lfs !== undefined && lfs !== null;
  const large = Object(lfs);
  const sizeBytes = size ?? large.size;
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0)
    throw expected(`the size of ${JSON.stringify(name)}`);
  if (!isLarge) {
    if (typeof blobId !== 'string' || !COMMIT.test(blobId)) {
      throw expected(`the SHA-1 of ${JSON.stringify(name)}`);
    }
    return { name, sizeBytes, hash: blobId, algorithm: 'git-sha1' };
  }
  const sha256 = large.sha256 ?? large.oid;
  if (typeof sha256 !== 'string' || !SHA256.test(sha256)) {
    throw expected(`the SHA-256 of ${JSON.stringify(name)}`);
  }
  if (large.size !== undefined && large.size !== sizeBytes) {
    throw expected(`one size of ${JSON.stringify(name)}, not ${sizeBytes} and ${large.size},`);
  }
  return { name, sizeBytes, hash: sha256, algorithm: 'sha256' };
}

/**
 * What a model directory cannot do without.
 *
 * @throws QwenAsrError `model`
 */
export function checkFileNames(where: string, files: readonly HubFile[]): void {
  const has = (test: (name: string) => boolean) => files.some(({ name }) => test(name));
  if (!has((name) => name.endsWith('.safetensors'))) {
    throw new QwenAsrError('model', `${where}: expected a *.safetensors file, found none`);
  }
  if (!has((name) => name === 'vocab.json' || name === 'tokenizer.json')) {
    throw new QwenAsrError('model', `${where}: expected vocab.json or tokenizer.json, found neither`);
  }
}
