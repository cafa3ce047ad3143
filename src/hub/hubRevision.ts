import { QwenAsrError } from '../error.js';
import { type HubAnswer, type HubClient, readText } from './hubClient.js';
import { COMMIT, checkFileNames, type HubRevision, parseRevision } from './revisionAnswer.js';

/** Far more than thousands of files take. */
const MAX_ANSWER_BYTES = 16 * 2 ** 20;

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

/** Why the hub does not give a repository or one of its files. */
export function refusal(
  { status, headers, url }: HubAnswer,
  client: HubClient,
  repository: string,
  what: string,
): QwenAsrError {
  const code = headers.get('x-error-code') ?? '';
  const { token } = client.settings;
  const terms = `${client.address(repository).href} has its terms, HF_TOKEN gives access`;
  const reason =
    code === 'GatedRepo'
      ? `access is restricted; ${terms}`
      : code === 'RevisionNotFound'
        ? `no such revision (${what})`
        : code === 'EntryNotFound'
          ? `no such file (${what})`
          : status === 401 || status === 403 || code === 'RepoNotFound'
            ? `no such repository, or one that needs ${token === null ? 'a' : 'another'} token (HF_TOKEN)`
            : status === 404
              ? `not found (${what})`
              : `expected its files, found status ${status}`;
  return new QwenAsrError('network', `${url.host}: ${repository}: ${reason}`);
}
