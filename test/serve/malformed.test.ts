import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { readGolden } from '../support/golden.js';
import { Random } from '../support/random.js';
import { documentOf, sampleBytes, sampleForm } from './support/sampleForm.js';
import { startServer, type TestServer } from './support/startServer.js';

const TEXT = readGolden('demo/timer-en').text;
const PATH = '/v1/audio/transcriptions';

let server: TestServer;

before(async () => {
  server = await startServer();
});

after(() => server.stop());

/** Writes bytes to the server and reads its answer's status; null when it only closes. */
function statusOf(bytes: Buffer): Promise<number | null> {
  const { hostname, port } = new URL(server.address);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname);
    let received = '';
    socket.setEncoding('latin1').on('data', (text) => {
      received += text;
      // Whatever Connection says by now.
      if (received.includes('\r\n\r\n')) socket.destroy();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') reject(error);
    });
    socket.on('close', () => {
      const [, status] = /^HTTP\/1\.1 (\d{3})/.exec(received) ?? [];
      resolve(status === undefined ? null : Number(status));
    });
    socket.write(bytes);
  });
}

function http(head: string, body: Buffer, path = PATH): Buffer {
  const close = 'Host: localhost\r\nConnection: close\r\n';
  const start = `POST ${path} HTTP/1.1\r\n${close}Content-Length: ${body.length}\r\n${head}\r\n\r\n`;
  return Buffer.concat([Buffer.from(start, 'latin1'), body]);
}

const multipart = (body: Buffer, boundary = 'b') =>
  http(`Content-Type: multipart/form-data; boundary=${boundary}`, body);

const part = (name: string, value: string) =>
  `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
const fileHead = '--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n';
const goodForm = (fileBytes: number) =>
  Buffer.concat([
    Buffer.from(part('model', 'demo') + fileHead),
    sampleBytes('timer-en').slice(0, fileBytes),
    Buffer.from('\r\n--b--\r\n'),
  ]);
const good = goodForm(9000);

/** Changes a few bytes: to others, to ones that mean something, or by leaving some out. */
function mutate(bytes: Buffer, random: Random, within: number): Buffer {
  let changed = Buffer.from(bytes);
  for (let count = random.integer(1, 6); count > 0; count--) {
    const at = random.integer(0, Math.min(within, changed.length - 1));
    const kind = random.integer(0, 3);
    if (kind === 0) changed[at] = random.integer(0, 255);
    else if (kind === 1) changed[at] = '"\r\n-:;=[]{}\0'.charCodeAt(random.integer(0, 11));
    else {
      const cut = random.integer(1, 30);
      const inserted = kind === 2 ? Buffer.alloc(0) : Buffer.from('--b\r\n'.slice(random.integer(0, 4)));
      changed = Buffer.concat([changed.subarray(0, at), inserted, changed.subarray(at + cut)]);
    }
  }
  return changed;
}

/** Sends many, some at a time. */
async function sendAll(requests: readonly Buffer[]): Promise<(number | null)[]> {
  const statuses: (number | null)[] = [];
  for (let at = 0; at < requests.length; at += 8) {
    statuses.push(...(await Promise.all(requests.slice(at, at + 8).map(statusOf))));
  }
  return statuses;
}

const isWell = async (): Promise<void> => {
  const answer = await fetch(server.address + PATH, { method: 'POST', body: sampleForm() });
  assert.equal((await documentOf(answer)).text, TEXT);
  const { requests } = await documentOf(await fetch(`${server.address}/health`));
  assert.equal(requests, 0);
  const metrics = await (await fetch(`${server.address}/metrics`)).text();
  assert.match(metrics, /^qwen_asr_spool_bytes 0$/m);
};

test('300 forms that end too early', async () => {
  const random = new Random(16);
  const requests = Array.from({ length: 300 }, () =>
    multipart(good.subarray(0, random.integer(0, good.length - 7))),
  );
  for (const status of await sendAll(requests))
    assert.ok(status !== null && status >= 400 && status < 500, `${status}`);
  await isWell();
});

test('250 forms with changed bytes', async () => {
  const random = new Random(17);
  const requests = Array.from({ length: 250 }, () => multipart(mutate(good, random, 250)));
  const statuses = await sendAll(requests);
  for (const status of statuses)
    assert.ok(status !== null && (status === 200 || (status >= 400 && status < 500)), `${status}`);
  assert.ok(statuses.filter((status) => status !== 200).length > 150);
  await isWell();
});

test('a form that the parser gets stuck in', async () => {
  // A part of no name that is larger than its buffer.
  const stuck = goodForm(60_000)
    .toString('latin1')
    .replace('Content-Disposition: form-data; name="file"', 'A: b');
  assert.equal(await statusOf(multipart(Buffer.from(stuck, 'latin1'))), 400);
  await isWell();
});

test('200 requests with changed headers', async () => {
  const random = new Random(18);
  const whole = multipart(good);
  const head = whole.indexOf('\r\n\r\n');
  const requests = Array.from({ length: 600 }, () => mutate(whole, random, head)).filter(
    // Those that ask for more bytes than come would wait for the idle timeout.
    (bytes) => /content-length: (\d+)\r/i.exec(bytes.toString('latin1'))?.[1] === String(good.length),
  );
  assert.ok(requests.length > 200, `${requests.length}`);
  for (const status of await sendAll(requests)) {
    assert.ok(status === null || status === 200 || (status >= 400 && status < 500), `${status}`);
  }
  await isWell();
});

test('250 chat requests of bad JSON', async () => {
  const random = new Random(19);
  const message = {
    role: 'user',
    content: [{ type: 'input_audio', input_audio: { data: 'UklGRg==', format: 'wav' } }],
  };
  const chat = Buffer.from(JSON.stringify({ model: 'demo', messages: [message], stream: false }));
  const requests = Array.from({ length: 250 }, () =>
    http('Content-Type: application/json', mutate(chat, random, chat.length), '/v1/chat/completions'),
  );
  for (const status of await sendAll(requests))
    assert.ok(status !== null && status >= 400 && status < 500, `${status}`);
  await isWell();
});

test('headers that no client sends', async () => {
  const lines = [
    'GET / HTTP/1.1\r\n\r\n',
    'GET / HTTP/9.9\r\nHost: localhost\r\n\r\n',
    'BREW / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
    `GET /${'a'.repeat(20_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
    `GET / HTTP/1.1\r\nHost: localhost\r\nA: ${'a'.repeat(40_000)}\r\n\r\n`,
    'GET / HTTP/1.1\r\nHost: local host\r\nConnection: close\r\n\r\n',
    'GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n',
    'POST /v1/audio/transcriptions HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n',
    'POST /v1/audio/transcriptions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'POST /v1/audio/transcriptions HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
    'GET /v1/models/%ff%fe HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
    'GET /v1/models/../../etc/passwd HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
    '\0\0\0\0',
    '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
  ];
  for (const line of lines) {
    const status = await statusOf(Buffer.from(line, 'latin1'));
    assert.ok(status === null || (status >= 400 && status < 500), `${status}: ${line.slice(0, 60)}`);
  }
  await isWell();
});
