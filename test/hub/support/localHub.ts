import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import type { HubSettings } from '../../../src/hub/hubSettings.js';

/** Answers a request in another way than the hub would: true when it did. */
export type Override = (request: IncomingMessage, response: ServerResponse) => boolean;

export interface LoggedRequest {
  readonly server: 'hub' | 'cdn';
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
}

interface Repository {
  readonly commit: string;
  readonly files: ReadonlyMap<string, Buffer>;
}

/**
 * A server that behaves like the hub, and one that behaves like the hosts it redirects to: large files (.safetensors) are
 * kept by SHA-256 and redirected to signed addresses, small ones by git's SHA-1 and sent at once.
 */
export class LocalHub {
  readonly requests: LoggedRequest[] = [];
  onHub: Override = () => false;
  onCdn: Override = () => false;
  /** Branches and tags, all of the last commit. */
  readonly revisions = new Set(['main']);
  /** Addresses signed with an older number have expired. */
  signature = 1;
  #repositories = new Map<string, Repository>();
  readonly #hub: Server;
  readonly #cdn: Server;

  private constructor() {
    this.#hub = createServer((request, response) => this.#serve('hub', request, response));
    this.#cdn = createServer((request, response) => this.#serve('cdn', request, response));
  }

  static async start(): Promise<LocalHub> {
    const hub = new LocalHub();
    for (const server of [hub.#hub, hub.#cdn]) {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      // Tests end when they are done, whoever keeps a connection.
      server.unref();
    }
    return hub;
  }

  stop(): void {
    for (const server of [this.#hub, this.#cdn]) {
      server.closeAllConnections();
      server.close();
    }
  }

  /** Resolves when every client has left: what one that gave up had sent before may still come in until then. */
  async deserted(): Promise<void> {
    for (const server of [this.#hub, this.#cdn]) {
      while ((await connectionCount(server)) > 0) await setTimeout(1);
    }
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#hub.address() as AddressInfo).port}`;
  }

  get cdn(): string {
    return `http://127.0.0.1:${(this.#cdn.address() as AddressInfo).port}`;
  }

  /** Puts a commit on `main`; its name follows from the files. */
  publish(repository: string, files: Readonly<Record<string, Buffer | string>>): string {
    const bytes = new Map(Object.entries(files).map(([name, content]) => [name, Buffer.from(content)]));
    const commit = sha1(Buffer.concat([...bytes].flatMap(([name, content]) => [Buffer.from(name), content])));
    this.#repositories.set(repository, { commit, files: bytes });
    return commit;
  }

  settings(cache: string, more: Partial<HubSettings> = {}): HubSettings {
    return {
      endpoint: new URL(this.endpoint),
      cache,
      token: null,
      offline: false,
      proxy: { httpProxy: null, httpsProxy: null, noProxy: [] },
      ...more,
    };
  }

  /** Requests to the second server so far. */
  get downloads(): LoggedRequest[] {
    return this.requests.filter(({ server }) => server === 'cdn');
  }

  #serve(server: 'hub' | 'cdn', request: IncomingMessage, response: ServerResponse): void {
    this.requests.push({ server, path: request.url ?? '', headers: request.headers });
    // As the hub: pages of any origin may fetch.
    response.setHeader('access-control-allow-origin', '*');
    if ((server === 'hub' ? this.onHub : this.onCdn)(request, response)) return;
    if (server === 'cdn') return this.#sendSigned(request, response);
    const path = decodeURIComponent((request.url ?? '').slice(1));
    const [, named, revision] = /^api\/models\/([^/]+\/[^/]+)\/revision\/(.+)\?blobs=true$/.exec(path) ?? [];
    if (named !== undefined) return this.#describe(named, revision ?? '', response);
    const [, owner = '', commit, name = ''] = /^([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(path) ?? [];
    const repository = this.#repositories.get(owner);
    const bytes = repository?.files.get(name);
    if (repository === undefined || bytes === undefined || commit !== repository.commit) {
      response.writeHead(404, { 'x-error-code': 'EntryNotFound' }).end('Entry not found');
      return;
    }
    response.setHeader('x-repo-commit', repository.commit);
    if (!isLarge(name)) return sendRange(bytes, `"${gitSha1(bytes)}"`, request, response);
    response.writeHead(302, {
      location: `${this.cdn}/${sha256(bytes)}?signature=${this.signature}`,
      'x-linked-etag': `"${sha256(bytes)}"`,
      'x-linked-size': bytes.length,
    });
    response.end('Found. Redirecting');
  }

  #describe(name: string, revision: string, response: ServerResponse): void {
    const repository = this.#repositories.get(name);
    if (repository === undefined) {
      response
        .writeHead(401, { 'x-error-code': 'RepoNotFound' })
        .end('{"error":"Invalid username or password."}');
      return;
    }
    if (!this.revisions.has(revision) && revision !== repository.commit) {
      response.writeHead(404, { 'x-error-code': 'RevisionNotFound' }).end('{"error":"Invalid rev id"}');
      return;
    }
    response.setHeader('content-type', 'application/json; charset=utf-8');
    response.end(JSON.stringify(describe(name, repository)));
  }

  #sendSigned(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '', 'http://cdn');
    if (Number(url.searchParams.get('signature')) !== this.signature) {
      response.writeHead(403).end('<Error><Code>AccessDenied</Code></Error>');
      return;
    }
    for (const { files } of this.#repositories.values()) {
      for (const bytes of files.values()) {
        if (sha256(bytes) === url.pathname.slice(1))
          return sendRange(bytes, etagOf(bytes), request, response);
      }
    }
    response.writeHead(404).end();
  }
}

function describe(id: string, { commit, files }: Repository) {
  const siblings = [...files].map(([rfilename, bytes]) => ({
    rfilename,
    size: bytes.length,
    blobId: gitSha1(bytes),
    ...(isLarge(rfilename) && { lfs: { sha256: sha256(bytes), size: bytes.length, pointerSize: 134 } }),
  }));
  return { id, sha: commit, private: false, siblings };
}

/** RFC 9110, 14: one range, and If-Range. */
export function sendRange(
  bytes: Buffer,
  etag: string,
  { headers }: IncomingMessage,
  response: ServerResponse,
): void {
  response.setHeader('etag', etag);
  response.setHeader('accept-ranges', 'bytes');
  const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(headers.range ?? '') ?? [];
  const isCurrent = headers['if-range'] === undefined || headers['if-range'] === etag;
  if (first === undefined || !isCurrent) {
    response.writeHead(200, { 'content-length': bytes.length }).end(bytes);
    return;
  }
  const [start, end] = [Number(first), last === '' ? bytes.length : Math.min(Number(last) + 1, bytes.length)];
  const head = {
    'content-length': end - start,
    'content-range': `bytes ${start}-${end - 1}/${bytes.length}`,
  };
  response.writeHead(206, head).end(bytes.subarray(start, end));
}

/** An object store has tags of its own. */
export function etagOf(bytes: Buffer): string {
  return `"${createHash('md5').update(bytes).digest('hex')}"`;
}

export function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** What `git hash-object` prints. */
export function gitSha1(bytes: Buffer): string {
  return sha1(Buffer.concat([Buffer.from(`blob ${bytes.length}\0`), bytes]));
}

function sha1(bytes: Buffer): string {
  return createHash('sha1').update(bytes).digest('hex');
}

function isLarge(name: string): boolean {
  return name.endsWith('.safetensors');
}

function connectionCount(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.getConnections((error, count) => (error === null ? resolve(count) : reject(error)));
  });
}
