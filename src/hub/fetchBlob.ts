import { QwenAsrError } from '../error.js';
import { type Headers, type HubAnswer, type HubClient, PassingError } from './hubClient.js';
import { isPage, refusal } from './hubRevision.js';
import { type ByteRange, PartialFile } from './partialFile.js';
import { type HubFile, type HubRevision, PAGE } from './revisionAnswer.js';

/** How a large file is cut. */
export interface RangeSettings {
  /** Of one request. */
  readonly rangeBytes: number;
  /** Requests at once. */
  readonly connections: number;
}

/** Added for ranges, of which gigabytes may have come: an outage of half a minute is waited for. */
const RANGE_RETRIES = 2;

export const RANGES: RangeSettings = { rangeBytes: 32 * 2 ** 20, connections: 4 };

export interface BlobRequest extends RangeSettings {
  readonly revision: HubRevision;
  readonly file: HubFile;
  /** Of the partial file, without extension. */
  readonly partial: string;
  /** What the whole file is to be called. */
  readonly path: string;
  /** Bytes that came in, or that an earlier process had; negative when they have to come again. */
  readonly onBytes?: (bytes: number) => void;
  readonly signal?: AbortSignal;
}

/** The server sent the file from its start where a range was asked for: it has changed, or ranges are not served. */
class WholeAnswer extends Error {}

/** Answers of a host that was redirected to, when its signed address has expired or its file moved. */
const EXPIRED = new Set([400, 401, 403, 404, 410]);

/**
 * Fetches one file of a revision in parallel ranges, going on where an earlier process ended, and gives it its name when
 * its hash is right.
 *
 * @throws QwenAsrError `network` (also for a wrong hash; the partial file is gone then), `file`, `aborted`
 */
export async function fetchBlob(client: HubClient, request: BlobRequest): Promise<void> {
  const { file, signal, onBytes } = request;
  const partial = await PartialFile.open(request.partial, file);
  let keep = true;
  try {
    let isResumed = partial.doneBytes > 0;
    onBytes?.(partial.doneBytes);
    for (;;) {
      await new BlobFetch(client, request, partial).run();
      const found = await partial.hash(signal);
      if (found === file.hash) break;
      onBytes?.(-file.sizeBytes);
      // What an earlier process left may be to blame: once more from the start.
      if (!isResumed) {
        keep = false;
        await partial.discard();
        const expected = `expected ${file.algorithm === 'sha256' ? 'SHA-256' : "git's SHA-1"} ${file.hash}`;
        throw failed(request, `${expected}, found ${found}; what came in was deleted`);
      }
      isResumed = false;
      await partial.restart();
    }
    await partial.finish(request.path);
    keep = false;
  } finally {
    await partial.close({ keep });
  }
}

class BlobFetch {
  readonly #client: HubClient;
  readonly #request: BlobRequest;
  readonly #partial: PartialFile;
  readonly #address: URL;
  /** Where the hub redirected to: asked directly until it expires. */
  #location: URL | null = null;

  constructor(client: HubClient, request: BlobRequest, partial: PartialFile) {
    this.#client = client;
    this.#request = request;
    this.#partial = partial;
    const { revision, file } = request;
    const name = file.name.split('/').map(encodeURIComponent).join('/');
    this.#address = client.address(`${revision.repository}/resolve/${revision.commit}/${name}`);
  }

  /** Brings in what is missing; a server that sends the whole file gets two chances to serve ranges. */
  async run(): Promise<void> {
    for (let attempt = 0; attempt < 2; attempt++) {
      try {
        return await this.#ranges();
      } catch (error) {
        if (!(error instanceof WholeAnswer)) throw error;
        await this.#startAnew();
      }
    }
    await this.#client.retrying(async () => {
      await this.#startAnew();
      await this.#stream([0, this.#request.file.sizeBytes]);
    }, this.#request.signal);
  }

  async #startAnew(): Promise<void> {
    this.#request.onBytes?.(-this.#partial.doneBytes);
    await this.#partial.restart();
  }

  async #ranges(): Promise<void> {
    const { rangeBytes, connections, signal } = this.#request;
    const ranges = this.#partial.missing(rangeBytes);
    const [first, ...others] = ranges;
    if (first === undefined) return;
    // One request shows whether ranges are served at all, and of which state of the file.
    await this.#range(first, signal);
    const stop = new AbortController();
    const both = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
    const work = async (): Promise<void> => {
      for (let next = others.shift(); next !== undefined; next = others.shift())
        await this.#range(next, both);
    };
    let failure: unknown = null;
    const workers = Array.from({ length: Math.min(connections, others.length) }, () =>
      work().catch((error: unknown) => {
        failure ??= error;
        stop.abort(error);
      }),
    );
    await Promise.all(workers);
    if (failure !== null) throw failure;
  }

  /** One range, as often as it needs: what came in counts, and gives courage again. */
  async #range([start, end]: ByteRange, signal?: AbortSignal): Promise<void> {
    let at = start;
    let failures = 0;
    while (at < end) {
      const before = at;
      try {
        await this.#stream([at, end], signal, (next) => {
          at = next;
        });
      } catch (error) {
        failures = at > before ? 0 : failures;
        const retries = this.#client.patience.retries + RANGE_RETRIES;
        await this.#client.pauseAfter(error, failures++, signal, retries);
      }
    }
  }

  async #stream(
    [start, end]: ByteRange,
    signal = this.#request.signal,
    onProgress?: (at: number) => void,
  ): Promise<void> {
    const isWhole = start === 0 && end === this.#request.file.sizeBytes;
    const answer = await this.#ask([start, end], isWhole, signal);
    let at = start;
    try {
      this.#check(answer, [start, end], isWhole);
      for await (const chunk of answer.body) {
        if (at + chunk.byteLength > end) {
          throw failed(this.#request, `expected ${end - start} bytes, found more`);
        }
        await this.#partial.write(chunk, at);
        at += chunk.byteLength;
        this.#request.onBytes?.(chunk.byteLength);
        onProgress?.(at);
      }
    } finally {
      answer.drop();
    }
    if (at < end) {
      const { file } = this.#request;
      throw new PassingError(`${answer.url.host}: ${file.name}: the answer ended ${end - at} bytes early`);
    }
  }

  async #ask([start, end]: ByteRange, isWhole: boolean, signal?: AbortSignal): Promise<HubAnswer> {
    const { validator } = this.#partial;
    const answer = await this.#client.get(this.#location ?? this.#address, {
      headers: isWhole
        ? {}
        : { range: `bytes=${start}-${end - 1}`, ...(validator !== null && { 'if-range': validator }) },
      checkHub: (headers) => this.#checkHub(headers),
      ...(signal && { signal }),
    });
    if (answer.status < 300) {
      if (!this.#client.isHub(answer.url)) this.#location = answer.url;
      return answer;
    }
    answer.drop();
    const { revision, file } = this.#request;
    if (!this.#client.isHub(answer.url) && EXPIRED.has(answer.status)) {
      // Its signed address is too old: the hub gives another one.
      this.#location = null;
      throw new PassingError(
        `${answer.url.host}: ${file.name}: expected the file, found status ${answer.status}`,
      );
    }
    throw refusal(answer, this.#client, revision.repository, file.name);
  }

  /** What the hub says of the file, before it or another host sends it. */
  #checkHub(headers: Headers): void {
    const { file, revision } = this.#request;
    const stated: readonly (readonly [field: string, expected: string])[] = [
      ['x-linked-etag', file.hash],
      ['x-linked-size', String(file.sizeBytes)],
      ['x-repo-commit', revision.commit],
    ];
    for (const [field, expected] of stated) {
      const found = headers
        .get(field)
        ?.replace(/^W\/|"/g, '')
        .trim();
      if (found === undefined || found === expected) continue;
      throw failed(this.#request, `expected ${field} ${expected}, found ${found}`);
    }
  }

  #check({ status, headers, url }: HubAnswer, [start, end]: ByteRange, isWhole: boolean): void {
    const { file } = this.#request;
    if (isPage({ headers })) throw failed(this.#request, `expected the file, ${PAGE}`);
    const encoding = headers.get('content-encoding') ?? 'identity';
    if (encoding !== 'identity') {
      throw failed(this.#request, `expected bytes as they are, found them in ${encoding}`);
    }
    if (status === 200 && !isWhole) throw new WholeAnswer();
    if (status !== (isWhole ? 200 : 206)) {
      throw failed(this.#request, `${url.host}: expected the file, found status ${status}`);
    }
    const wanted = `bytes ${start}-${end - 1}/${file.sizeBytes}`;
    const range = headers.get('content-range');
    if (!isWhole && range !== wanted && range !== wanted.replace(/\d+$/, '*')) {
      throw failed(this.#request, `expected ${wanted}, found ${range ?? 'no range'}`);
    }
    const length = headers.get('content-length');
    if (length !== undefined && Number(length) !== end - start) {
      throw failed(this.#request, `expected ${end - start} bytes, found ${length}`);
    }
    const validator = headers.get('etag');
    // A weak tag stands for files that may differ in their bytes (RFC 9110, 13.1.5).
    if (validator !== undefined && !validator.startsWith('W/')) this.#partial.validator ??= validator;
  }
}

function failed({ revision, file }: BlobRequest, message: string): QwenAsrError {
  return new QwenAsrError('network', `${revision.repository}: ${file.name}: ${message}`);
}
