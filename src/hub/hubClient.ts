import { setTimeout as sleep } from 'node:timers/promises';
import type { Dispatcher } from 'undici';
import { QwenAsrError } from '../error.js';
import { type HubSettings, proxyFor } from './hubSettings.js';

/** Header fields by their names in lower case; of repeated ones the first. */
export type Headers = ReadonlyMap<string, string>;

/** What a server answered, after all redirections. */
export interface HubAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** Where it came from in the end. */
  readonly url: URL;
  /** To be read to its end, or given up with `drop`. */
  readonly body: AsyncIterable<Uint8Array>;
  drop(): void;
}

export interface GetOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** Sees every answer of the hub itself, redirections too, and may throw. */
  readonly checkHub?: (headers: Headers) => void;
}

/** What is used of the package that talks HTTP. */
type Undici = Pick<typeof import('undici'), 'Agent' | 'ProxyAgent' | 'request'>;

/** How patient to be. */
export interface Patience {
  /** Attempts after the first one that may fail in a row. */
  readonly retries: number;
  /** Before the first of them; twice as long before every further one. */
  readonly retryDelayMs: number;
  /** Longest silence of a server. */
  readonly silenceMs: number;
}

export const PATIENCE: Patience = { retries: 4, retryDelayMs: 500, silenceMs: 30_000 };

const MAX_REDIRECTIONS = 10;
/** Longest wait that a server may ask for. */
const MAX_RETRY_AFTER_MS = 60_000;
/** Overloaded, restarting or in the way: worth another attempt. */
const PASSING = new Set([408, 425, 429, 500, 502, 503, 504]);

/** A failure that another attempt may mend: a connection that ended, a server that is busy. */
export class PassingError extends QwenAsrError {
  /** What the server asked for; 0 when nothing. */
  readonly retryAfterMs: number;

  constructor(message: string, options: { readonly cause?: unknown; readonly retryAfterMs?: number } = {}) {
    super('network', message, { cause: options.cause });
    this.retryAfterMs = options.retryAfterMs ?? 0;
  }
}

/**
 * Asks the hub and the hosts that it redirects to. The token goes to the hub's own origin only; a redirection from https
 * to http is an error.
 *
 * @example
 * const client = await HubClient.open(readHubSettings(process.env));
 * const answer = await client.get(new URL('https://huggingface.co/api/models/Qwen/Qwen3-ASR-0.6B'));
 */
export class HubClient {
  readonly settings: HubSettings;
  readonly patience: Patience;
  readonly #undici: Undici;
  /** A pool of connections for each proxy; `''` is none. */
  readonly #pools = new Map<string, Dispatcher>();

  private constructor(settings: HubSettings, patience: Patience, undici: Undici) {
    this.settings = settings;
    this.patience = patience;
    this.#undici = undici;
  }

  /** Loads what talks HTTP: only those who fetch wait for it. */
  static async open(settings: HubSettings, patience: Patience = PATIENCE): Promise<HubClient> {
    return new HubClient(settings, patience, await import('undici'));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#pools.values()].map((pool) => pool.destroy()));
  }

  /** The address of a path on the hub, whose parts are escaped already. */
  address(path: string): URL {
    const { endpoint } = this.settings;
    return new URL(`${endpoint.origin}${endpoint.pathname.replace(/\/$/, '')}/${path}`);
  }

  isHub(url: URL): boolean {
    return url.origin === this.settings.endpoint.origin;
  }

  /** Repeats what throws a {@link PassingError}, with growing pauses. */
  async retrying<T>(attempt: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    for (let failures = 0; ; failures++) {
      try {
        return await attempt();
      } catch (error) {
        await this.pauseAfter(error, failures, signal);
      }
    }
  }

  /** Waits before another attempt, or throws when there is to be none. */
  async pauseAfter(
    error: unknown,
    failures: number,
    signal?: AbortSignal,
    retries = this.patience.retries,
  ): Promise<void> {
    if (!(error instanceof PassingError) || failures >= retries) throw error;
    const delayMs = Math.max(this.patience.retryDelayMs * 2 ** failures, error.retryAfterMs);
    try {
      await sleep(delayMs, undefined, signal === undefined ? {} : { signal });
    } catch (cause) {
      throw stoppedOr(cause, signal);
    }
  }

  /**
   * GET, with redirections followed. Whoever reads the answer tries again, because it too may break off.
   *
   * @returns any answer but a redirection or a busy server
   * @throws QwenAsrError `network`, a {@link PassingError} where another attempt may help; `aborted`
   */
  async get(first: URL, { headers = {}, signal, checkHub }: GetOptions = {}): Promise<HubAnswer> {
    let url = first;
    for (let hop = 0; hop <= MAX_REDIRECTIONS; hop++) {
      const answer = await this.#ask(url, headers, signal);
      try {
        if (this.isHub(url)) checkHub?.(answer.headers);
        if (PASSING.has(answer.status)) throw busy(answer);
        if (answer.status < 300 || answer.status >= 400) return answer;
        url = this.#redirection(answer);
        answer.drop();
      } catch (error) {
        answer.drop();
        throw error;
      }
    }
    throw new QwenAsrError('network', `${first.host}: more than ${MAX_REDIRECTIONS} redirections`);
  }

  #redirection({ headers, url, status }: HubAnswer): URL {
    const location = headers.get('location');
    if (location === undefined || !URL.canParse(location, url.href)) {
      throw new QwenAsrError(
        'network',
        `${url.host}: expected an address to go on at, found status ${status}`,
      );
    }
    const next = new URL(location, url);
    const isPlain = next.protocol === 'http:';
    if (
      isPlain
        ? url.protocol === 'http:' && this.settings.endpoint.protocol === 'http:'
        : next.protocol === 'https:'
    ) {
      return next;
    }
    const found = `a redirection to ${next.protocol}//${next.host}`;
    throw new QwenAsrError('network', `${url.host}: expected an https address, found ${found}`);
  }

  async #ask(url: URL, headers: Readonly<Record<string, string>>, signal?: AbortSignal): Promise<HubAnswer> {
    const { token, proxy: proxies } = this.settings;
    const proxy = proxyFor(url, proxies);
    const where = proxy === null ? url.host : `${url.host} (through the proxy ${proxy.host})`;
    try {
      const answer = await this.#undici.request(url, {
        dispatcher: this.#pool(proxy),
        headers: {
          'user-agent': 'qwen-asr',
          // What is compressed on the way has neither the size nor the ranges that were asked for.
          'accept-encoding': 'identity',
          ...headers,
          ...(token !== null && this.isHub(url) && { authorization: `Bearer ${token}` }),
        },
        ...(signal !== undefined && { signal }),
      });
      const { statusCode, body } = answer;
      // An answer that is given up must not raise an error that nobody awaits.
      body.on('error', () => {});
      const fields = firstOfEach(answer.headers);
      return {
        status: statusCode,
        headers: fields,
        url,
        body: readBody(body, where, signal),
        drop: () => body.destroy(),
      };
    } catch (cause) {
      throw networkError(where, cause, signal);
    }
  }

  #pool(proxy: URL | null): Dispatcher {
    const key = proxy?.href ?? '';
    const { silenceMs } = this.patience;
    const limits = { headersTimeout: silenceMs, bodyTimeout: silenceMs, connect: { timeout: silenceMs } };
    const { Agent, ProxyAgent } = this.#undici;
    const known = this.#pools.get(key);
    if (known !== undefined) return known;
    const pool = proxy === null ? new Agent(limits) : new ProxyAgent({ ...limits, uri: proxy.href });
    this.#pools.set(key, pool);
    return pool;
  }
}

/** A short text of an answer, as JSON comes. */
export async function readText(answer: HubAnswer, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of answer.body) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) {
      answer.drop();
      throw new QwenAsrError('network', `${answer.url.host}: expected at most ${maxBytes} bytes, found more`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

async function* readBody(
  body: AsyncIterable<Uint8Array>,
  where: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch (cause) {
    throw networkError(where, cause, signal);
  }
}

function firstOfEach(headers: Readonly<Record<string, string | string[] | undefined>>): Headers {
  const first = new Map<string, string>();
  for (const [name, value] of Object.entries(headers)) {
    const text = Array.isArray(value) ? value[0] : value;
    if (text !== undefined) first.set(name.toLowerCase(), text);
  }
  return first;
}

function busy({ url, status, headers }: HubAnswer): PassingError {
  const seconds = Number(headers.get('retry-after') ?? 0);
  const retryAfterMs = Number.isFinite(seconds) ? Math.min(seconds * 1000, MAX_RETRY_AFTER_MS) : 0;
  const reason = status === 429 ? 'too many requests' : 'the server is busy or failed';
  return new PassingError(`${url.host}: status ${status}, ${reason}; try again later`, { retryAfterMs });
}

const REASONS: Readonly<Record<string, string>> = {
  ENOTFOUND: 'there is no such host',
  EAI_AGAIN: 'its name cannot be looked up; is there a network?',
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection was closed',
  EPIPE: 'the connection was closed',
  ENETUNREACH: 'there is no way to it',
  EHOSTUNREACH: 'there is no way to it',
  ETIMEDOUT: 'it does not answer',
  UND_ERR_CONNECT_TIMEOUT: 'it does not answer',
  UND_ERR_HEADERS_TIMEOUT: 'it does not answer',
  UND_ERR_BODY_TIMEOUT: 'it stopped sending',
  UND_ERR_SOCKET: 'the connection was closed',
};

/** A wrong certificate stays wrong, and what is not HTTP stays so. */
const LASTING = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ERR_TLS|ERR_SSL|HPE_|ENOTFOUND|UND_ERR_INVALID_ARG/;

function networkError(where: string, cause: unknown, signal: AbortSignal | undefined): QwenAsrError {
  if (cause instanceof QwenAsrError || signal?.aborted) return stoppedOr(cause, signal);
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  const said = cause instanceof Error ? cause.message : String(cause);
  const message = `${where}: ${REASONS[code] ?? said}`;
  if (LASTING.test(code)) return new QwenAsrError('network', message, { cause });
  return new PassingError(message, { cause });
}

function stoppedOr(cause: unknown, signal: AbortSignal | undefined): QwenAsrError {
  return cause instanceof QwenAsrError ? cause : abortError(signal);
}

/** What to throw once a signal says stop. */
export function abortError(signal: AbortSignal | undefined): QwenAsrError {
  const cause: unknown = signal?.reason;
  return cause instanceof QwenAsrError
    ? cause
    : new QwenAsrError('aborted', 'fetching was aborted', { cause });
}
