import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createPlain, type RequestListener } from 'node:http';
import { createServer as createSecure } from 'node:https';
import { type AddressInfo, connect, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gitSha1, sha256 } from './support/localHub.js';

const PULL = fileURLToPath(new URL('./support/pullProcess.js', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'qwen-asr-secure-'));
const servers: Server[] = [];
after(() => {
  for (const server of servers) server.close();
  rmSync(scratch, { recursive: true });
});

const WEIGHTS = Buffer.from('weights');
const COMMIT = 'c'.repeat(40);
const ANSWER = JSON.stringify({
  sha: COMMIT,
  siblings: [
    { rfilename: 'vocab.json', size: 2, blobId: gitSha1(Buffer.from('{}')) },
    { rfilename: 'model.safetensors', size: 7, lfs: { sha256: sha256(WEIGHTS), size: 7 } },
  ],
});

/** A certificate of the host 127.0.0.1 that nobody has signed. */
const made = spawnSync(
  'openssl',
  [
    ...'req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1'.split(
      ' ',
    ),
    '-keyout',
    join(scratch, 'key.pem'),
    '-out',
    join(scratch, 'cert.pem'),
  ],
  { encoding: 'utf8' },
);
const skip = made.status === 0 ? false : 'there is no openssl to make a certificate with';

async function listen(server: Server): Promise<number> {
  servers.push(server);
  server.unref();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

const secure = (listener: RequestListener): Server => {
  const [key, cert] = ['key.pem', 'cert.pem'].map((name) => readFileSync(join(scratch, name)));
  return createSecure({ key, cert }, listener);
};

/** A hub whose large file is at `location`. */
const hubAt =
  (location: () => string): RequestListener =>
  (request, response) => {
    if (request.url?.startsWith('/api/')) response.end(ANSWER);
    else if (request.url?.endsWith('vocab.json')) response.end('{}');
    else response.writeHead(302, { location: location() }).end();
  };

function pull(env: Record<string, string>): Promise<{ code: number | null; output: string }> {
  const trusting = { NODE_EXTRA_CA_CERTS: join(scratch, 'cert.pem'), HF_TOKEN: 'secret', NO_PROXY: '' };
  const child = spawn(process.execPath, [PULL, 'a/b'], {
    env: { ...process.env, ...trusting, ...env },
    timeout: 60_000,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (text) => {
      output += text;
    });
  }
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, output })));
}

test('from https a redirection to http is an error', { skip }, async () => {
  let asked = 0;
  const plain = await listen(
    createPlain((_, response) => {
      asked++;
      response.end(WEIGHTS);
    }),
  );
  const port = await listen(secure(hubAt(() => `http://127.0.0.1:${plain}/file`)));
  const { code, output } = await pull({
    HF_ENDPOINT: `https://127.0.0.1:${port}`,
    HF_HUB_CACHE: join(scratch, 'plain'),
  });
  assert.notEqual(code, 0);
  assert.match(output, /127\.0\.0\.1:\d+: expected an https address, found a redirection to http:\/\/127/);
  assert.equal(asked, 0);
});

test('a hub behind https and a proxy: other hosts get no token', { skip }, async () => {
  const tokens: (string | undefined)[] = [];
  const other = await listen(
    secure((request, response) => {
      tokens.push(request.headers.authorization);
      response.end(WEIGHTS);
    }),
  );
  const port = await listen(secure(hubAt(() => `https://127.0.0.1:${other}/file`)));
  const tunnels: (string | undefined)[] = [];
  const proxy = createPlain().on('connect', (request, socket, head) => {
    tunnels.push(request.url);
    const onward = connect(Number(request.url?.split(':')[1]), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      onward.write(head);
      onward.pipe(socket).pipe(onward);
    });
    for (const one of [onward, socket]) one.on('error', () => {});
  });
  const { code, output } = await pull({
    HF_ENDPOINT: `https://127.0.0.1:${port}`,
    HF_HUB_CACHE: join(scratch, 'proxied'),
    HTTPS_PROXY: `127.0.0.1:${await listen(proxy)}`,
  });
  assert.equal(code, 0, output);
  assert.deepEqual(readFileSync(join(output.trim(), 'model.safetensors')), WEIGHTS);
  assert.deepEqual(new Set(tunnels), new Set([`127.0.0.1:${port}`, `127.0.0.1:${other}`]));
  assert.deepEqual(tokens, [undefined]);
});

test('a certificate that nobody vouches for is refused at once', { skip }, async () => {
  const port = await listen(secure(hubAt(() => '/')));
  const { code, output } = await pull({
    HF_ENDPOINT: `https://127.0.0.1:${port}`,
    HF_HUB_CACHE: join(scratch, 'self-signed'),
    NODE_EXTRA_CA_CERTS: '',
  });
  assert.notEqual(code, 0);
  assert.match(output, /127\.0\.0\.1:\d+: self[- ]signed certificate/);
});
