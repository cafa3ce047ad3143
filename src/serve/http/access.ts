import { createHash, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import { ApiError } from '../apiError.js';
import type { ServeSettings } from '../serveSettings.js';

/** Headers of a request, by their names in lower case. */
export type RequestHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** How the API's clients in browsers send a key when they open a WebSocket, which cannot have headers of its own. */
const KEY_PROTOCOL = 'openai-insecure-api-key.';

/**
 * Who may use a server. Keys are kept as hashes, so that comparing takes the same time wherever two differ, and never
 * appear in a message.
 */
export class Access {
  readonly #keyHashes: readonly Buffer[];
  readonly #hosts: ReadonlySet<string>;
  readonly #origins: ReadonlySet<string>;

  constructor({ keys, hosts, origins }: Pick<ServeSettings, 'keys' | 'hosts' | 'origins'>) {
    this.#keyHashes = keys.map(hashOf);
    this.#hosts = new Set(['localhost', ...hosts.map((host) => host.toLowerCase())]);
    this.#origins = new Set(origins);
  }

  /**
   * A page of a foreign site reaches a server of this machine by a name of its own that it lets point here; the browser
   * says that name. Addresses cannot be borrowed so.
   *
   * @throws ApiError 403
   */
  checkHost(headers: RequestHeaders): void {
    const host = hostName(textOf(headers['host']));
    if (host !== null && (isIP(host) !== 0 || this.#hosts.has(host))) return;
    throw new ApiError(403, 'this server is not known by that Host; --allow-host adds one', {
      reason: 'host_not_allowed',
    });
  }

  /**
   * What a browser says about the page that sends a request; other clients say nothing.
   *
   * @returns the origin when it is another one that is allowed; null otherwise
   * @throws ApiError 403
   */
  checkOrigin(headers: RequestHeaders): string | null {
    const origin = textOf(headers['origin']);
    if (origin === undefined) return null;
    if (this.#origins.has(origin)) return origin;
    if (originHost(origin) === textOf(headers['host'])?.toLowerCase()) return null;
    throw new ApiError(403, 'pages of that origin may not use this server; --allow-origin adds one', {
      reason: 'origin_not_allowed',
    });
  }

  /** @throws ApiError 401 unless the request has one of the keys, where there are any */
  checkKey(headers: RequestHeaders): void {
    if (this.#keyHashes.length === 0) return;
    const given = keyOf(headers);
    const hash = hashOf(given ?? '');
    let isKnown = false;
    for (const known of this.#keyHashes) if (timingSafeEqual(known, hash)) isKnown = true;
    if (given !== null && isKnown) return;
    const found = given === null ? 'none' : 'one that is not known here';
    throw new ApiError(401, `expected an API key (Authorization: Bearer …), found ${found}`, {
      reason: 'invalid_api_key',
      headers: { 'www-authenticate': 'Bearer' },
    });
  }
}

function keyOf(headers: RequestHeaders): string | null {
  const [, key] = /^Bearer +(\S+) *$/i.exec(textOf(headers['authorization']) ?? '') ?? [];
  if (key !== undefined) return key;
  const protocols = (textOf(headers['sec-websocket-protocol']) ?? '').split(',');
  const protocol = protocols.map((name) => name.trim()).find((name) => name.startsWith(KEY_PROTOCOL));
  return protocol === undefined ? null : protocol.slice(KEY_PROTOCOL.length);
}

function hashOf(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}

/** A Host header without its port; null for none. */
function hostName(host: string | undefined): string | null {
  const [, bracketed, plain] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:@/\s]+))(?::\d+)?$/.exec(host ?? '') ?? [];
  return (bracketed ?? plain)?.toLowerCase() ?? null;
}

function originHost(origin: string): string | null {
  try {
    return new URL(origin).host;
  } catch {
    return null;
  }
}

function textOf(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}
