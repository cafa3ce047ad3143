import { readFile } from 'node:fs/promises';
import type { Hono } from 'hono';
import type { NodeBindings, ServerContext } from './serverContext.js';

/** The page of web/served, as scripts/build.mjs bundles it. The page of web/ computes in the browser, and asks no server. */
const FOLDER = new URL('../../page/', import.meta.url);

/** Where its files are, and what they are. */
const FILES = {
  '/': ['index.html', 'text/html; charset=utf-8'],
  '/page/main.js': ['main.js', 'text/javascript; charset=utf-8'],
  '/page/style.css': ['style.css', 'text/css; charset=utf-8'],
  '/page/microphoneProcessor.js': ['microphoneProcessor.js', 'text/javascript; charset=utf-8'],
} as const;

/** What a server tells the page of itself. */
const FACTS = '/page/server.json';

/** Everybody may read them: the page holds nothing, and asks for the key. */
export const PAGE_PATHS: readonly string[] = [...Object.keys(FILES), FACTS];

/** The page may do nothing with other places, and nobody may put it in a page of his own. */
const HEADERS = {
  'content-security-policy':
    "default-src 'none'; connect-src 'self'; script-src 'self'; style-src 'self'; media-src blob:; img-src data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  'permissions-policy': 'camera=(), geolocation=(), microphone=(self)',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-cache',
} as const;

/** Adds the page at `/` to a server's routes. */
export function addPage(app: Hono<NodeBindings>, { model, aligner, settings }: ServerContext): void {
  for (const [path, [name, type]] of Object.entries(FILES)) {
    app.get(path, async () => {
      return new Response(await readFile(new URL(name, FOLDER)), {
        headers: { ...HEADERS, 'content-type': type },
      });
    });
  }
  const facts = {
    model: settings.modelNames[0],
    languages: model.languages,
    needsKey: settings.keys.length > 0,
    hasWords: aligner !== null,
  };
  app.get(FACTS, () => Response.json(facts, { headers: HEADERS }));
}
