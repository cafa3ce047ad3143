import { QwenAsrError } from '../error.js';
import { type HubAnswer, type HubClient, readText } from './hubClient.js';
import { pathProblem } from './hubNames.js';

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

/** Far more than thousands of files take. */
const MAX_ANSWER_BYTES = 16 * 2 ** 20;

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

/**
 * Asks the hub what a revision is: its commit and its files, from which everything else comes.
 *
 * @throws QwenAsrError `network` for an answer that is not the hub's, for a repository or revision that there is not or
 *   that may not be read, and for one without the files of a model
 * @example
 * const { commit, files } = await readRevision(client, 'Qwen/Qwen3-ASR-0.6B', 'main');
 */
export async function readRevision(
  client: HubClient,
  repository: string,
  revision: string,
  signal?: AbortSignal,
): Promise<HubRevision> {
  const path = `api/models/${repository}/revision/${encodeURIComponent(revision)}?blobs=true`;
  const read = async () => {
    const answer = await client.get(client.address(path), { ...(signal && { signal }) });
    if (answer.status !== 200) {
      answer.drop();
      throw refusal(answer, client, repository, revision);
    }
    return { where: answer.url.host, isPage: isPage(answer), text: await readText(answer, MAX_ANSWER_BYTES) };
  };
  const { where, isPage: page, text } = await client.retrying(read, signal);
  const found = parseRevision(text, page, `${where}: ${repository}`);
  if (COMMIT.test(revision) && found.commit !== revision) {
    throw new QwenAsrError(
      'network',
      `${where}: ${repository}: expected commit ${revision}, found ${found.commit}`,
    );
  }
  checkFileNames(`${repository} (revision ${revision})`, found.files);
  return { repository, ...found };
}

/** Whether an answer is a page for people: a sign-in form, a proxy's message. */
export function isPage({ headers }: Pick<HubAnswer, 'headers'>): boolean {
  return /^\s*(text\/html|application\/xhtml)/i.test(headers.get('content-type') ?? '');
}

/** What to say to a page where something else was expected. */
export const PAGE = 'found a web page; is a proxy or a sign-in in the way?';

/** Why the hub does not give a repository or one of its files. */
export function refusal(
  { status, headers, url }: HubAnswer,
  client: HubClient,
  repository: string,
  what: string,
): QwenAsrError {
  const code = headers.get('x-error-code') ?? '';
  const terms = `${client.address(repository).href} has its terms, HF_TOKEN gives access`;
  const reason =
    code === 'GatedRepo'
      ? `access is restricted; ${terms}`
      : code === 'RevisionNotFound'
        ? `no such revision (${what})`
        : code === 'EntryNotFound'
          ? `no such file (${what})`
          : status === 401 || status === 403 || code === 'RepoNotFound'
            ? 'no such repository, or one that needs a token (HF_TOKEN)'
            : status === 404
              ? `not found (${what})`
              : `expected its files, found status ${status}`;
  return new QwenAsrError('network', `${url.host}: ${repository}: ${reason}`);
}

function parseRevision(text: string, page: boolean, where: string): Omit<HubRevision, 'repository'> {
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
    const problem = pathProblem(name);
    if (problem !== null) throw expected(`plain names of files, not ${JSON.stringify(name)} (${problem}),`);
    // File systems that take other letter case for the same would mix the two.
    const key = name.normalize('NFC').toLowerCase();
    if (!isNeeded(name)) continue;
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

/** What a model directory cannot do without. */
function checkFileNames(where: string, files: readonly HubFile[]): void {
  const has = (test: (name: string) => boolean) => files.some(({ name }) => test(name));
  if (!has((name) => name.endsWith('.safetensors'))) {
    throw new QwenAsrError('model', `${where}: expected a *.safetensors file, found none`);
  }
  if (!has((name) => name === 'vocab.json' || name === 'tokenizer.json')) {
    throw new QwenAsrError('model', `${where}: expected vocab.json or tokenizer.json, found neither`);
  }
}
