import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileError, QwenAsrError } from '../error.js';

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Which proxy to go through: variables that most programs read. */
export interface ProxySettings {
  readonly httpProxy: URL | null;
  readonly httpsProxy: URL | null;
  /** Hosts that are reached without it: `.example.org`, `localhost:8080`, `*`. */
  readonly noProxy: readonly string[];
}

/** Where the hub is, and who asks. */
export interface HubSettings {
  /** `https://huggingface.co`, or a mirror. */
  readonly endpoint: URL;
  /** The folder that has a folder for each repository. */
  readonly cache: string;
  /** Sent to the endpoint's origin and nowhere else. */
  readonly token: string | null;
  /** Nothing may be asked of the network. */
  readonly offline: boolean;
  readonly proxy: ProxySettings;
}

const DEFAULT_ENDPOINT = 'https://huggingface.co';

/**
 * Reads the environment variables of the hub's own client.
 *
 * @throws QwenAsrError `usage` naming a variable that cannot be used, `file` for a token that cannot be read
 * @example
 * readHubSettings(process.env).endpoint.href; // 'https://huggingface.co/'
 */
export function readHubSettings(env: Environment): HubSettings {
  return {
    endpoint: webAddress('HF_ENDPOINT', set(env, 'HF_ENDPOINT') ?? DEFAULT_ENDPOINT),
    cache: hubCacheFolder(env),
    token: readToken(env),
    offline: isTrue(env, 'HF_HUB_OFFLINE') || isTrue(env, 'TRANSFORMERS_OFFLINE'),
    proxy: {
      httpProxy: proxyAddress(env, 'HTTP_PROXY'),
      httpsProxy: proxyAddress(env, 'HTTPS_PROXY'),
      noProxy: (set(env, 'no_proxy') ?? set(env, 'NO_PROXY') ?? '')
        .split(/[\s,]+/)
        .filter((host) => host !== ''),
    },
  };
}

/** The folder of the hub's cache, which need not exist: HF_HUB_CACHE, else below HF_HOME, else below XDG_CACHE_HOME. */
export function hubCacheFolder(env: Environment): string {
  const folder = set(env, 'HF_HUB_CACHE') ?? set(env, 'HUGGINGFACE_HUB_CACHE');
  return resolve(folder === undefined ? join(hubHome(env), 'hub') : expandHome(folder, env));
}

function hubHome(env: Environment): string {
  const home = set(env, 'HF_HOME');
  if (home !== undefined) return expandHome(home, env);
  return join(expandHome(set(env, 'XDG_CACHE_HOME') ?? '~/.cache', env), 'huggingface');
}

/** An empty variable is as good as none. */
function set(env: Environment, name: string): string | undefined {
  const value = env[name]?.trim();
  return value === '' ? undefined : value;
}

/** The words that the hub's client takes for true. */
function isTrue(env: Environment, name: string): boolean {
  return /^(1|on|yes|true)$/i.test(set(env, name) ?? '');
}

function expandHome(path: string, env: Environment): string {
  return path.replace(/^~(?=$|[/\\])/, () => set(env, 'HOME') ?? homedir());
}

function readToken(env: Environment): string | null {
  const given = set(env, 'HF_TOKEN') ?? set(env, 'HUGGING_FACE_HUB_TOKEN');
  if (given !== undefined) return checkToken(given, 'HF_TOKEN');
  const path = expandHome(set(env, 'HF_TOKEN_PATH') ?? join(hubHome(env), 'token'), env);
  try {
    const token = readFileSync(path, 'utf8').trim();
    return token === '' ? null : checkToken(token, path);
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && /^(ENOENT|ENOTDIR)$/.test(String(cause.code)))
      return null;
    throw fileError(path, cause);
  }
}

/** A token goes into a header; what is wrong with it must not be shown. */
function checkToken(token: string, where: string): string {
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw new QwenAsrError('usage', `${where}: expected a token, found one with white space or odd characters`);
}

/** Without a path's last slash, so that addresses are made by appending to it. */
function webAddress(name: string, text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  const isPlain = url !== null && url.username === '' && url.search === '' && url.hash === '';
  if (!isPlain || !/^https?:$/.test(url.protocol)) {
    throw new QwenAsrError(
      'usage',
      `${name}: expected an address (https://…), found ${JSON.stringify(text)}`,
    );
  }
  url.pathname = url.pathname.replace(/\/+$/, '');
  return url;
}

/** A proxy may be written without `http://`. What it is must not be shown: it may hold a password. */
function proxyAddress(env: Environment, name: string): URL | null {
  const text = set(env, name.toLowerCase()) ?? set(env, name);
  if (text === undefined) return null;
  const full = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  const url = URL.canParse(full) ? new URL(full) : null;
  if (url !== null && /^https?:$/.test(url.protocol)) return url;
  throw new QwenAsrError('usage', `${name}: expected the address of an HTTP proxy (http://host:port)`);
}

/** The proxy for an address; null for none. */
export function proxyFor(url: URL, { httpProxy, httpsProxy, noProxy }: ProxySettings): URL | null {
  const proxy = url.protocol === 'https:' ? httpsProxy : httpProxy;
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  const isExempt = noProxy.some((entry) => {
    if (entry === '*') return true;
    const [, host = entry, only] = /^(.*?)(?::(\d+))?$/.exec(entry) ?? [];
    const name = host.replace(/^\*?\./, '').toLowerCase();
    return (
      (only === undefined || only === port) && (url.hostname === name || url.hostname.endsWith(`.${name}`))
    );
  });
  return isExempt ? null : proxy;
}
