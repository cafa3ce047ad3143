import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
  '.wav': 'audio/wav',
};

/** With these a page is cross-origin isolated. */
const ISOLATION = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

export interface FolderServer {
  /** Ends with a slash. */
  readonly address: string;
  close(): Promise<void>;
}

/**
 * A plain web server for the files of a folder, on this machine only.
 *
 * @param folders those at other addresses than `/`, by the first part of their address
 */
export async function serveFolder(
  folder: string,
  isIsolated: boolean,
  folders: Readonly<Record<string, string>> = {},
): Promise<FolderServer> {
  const server = createServer(async ({ url = '/', method, headers: ranges }, response) => {
    const path = decodeURIComponent(new URL(url, 'http://localhost').pathname);
    const [, first = '', ...rest] = path.split('/');
    const elsewhere = folders[first];
    const file =
      elsewhere === undefined
        ? join(folder, normalize(path === '/' ? '/index.html' : path))
        : join(elsewhere, normalize(`/${rest.join('/')}`));
    const headers = isIsolated ? ISOLATION : {};
    try {
      const whole = await readFile(file);
      const range = /^bytes=(\d+)-(\d+)$/.exec(ranges.range ?? '');
      const bytes = range === null ? whole : whole.subarray(Number(range[1]), Number(range[2]) + 1);
      const type = TYPES[extname(file)] ?? 'application/octet-stream';
      response.writeHead(range === null ? 200 : 206, {
        ...headers,
        'Accept-Ranges': 'bytes',
        'Content-Type': type,
        'Content-Length': bytes.length,
      });
      response.end(method === 'HEAD' ? undefined : bytes);
    } catch {
      response.writeHead(404, headers).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    address: `http://127.0.0.1:${port}/`,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
