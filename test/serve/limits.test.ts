import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import type { ServeSettings } from '../../src/serve/serveSettings.js';
import { readGolden } from '../support/golden.js';
import { documentOf, sampleBytes, sampleForm, wavOfSamples } from './support/sampleForm.js';
import { startServer, type TestServer } from './support/startServer.js';

const TEXT = readGolden('demo/timer-en').text;

const scratch = mkdtempSync(join(tmpdir(), 'qwen-asr-limits-'));
after(() => rmSync(scratch, { recursive: true }));

/** Runs a test with a server of its own. */
function withServer(
  name: string,
  settings: Partial<ServeSettings>,
  run: (server: TestServer) => Promise<void>,
) {
  test(name, async () => {
    const server = await startServer(settings);
    try {
      await run(server);
    } finally {
      await server.stop();
    }
  });
}

const path = '/v1/audio/transcriptions';

function post(server: TestServer, body: FormData, signal?: AbortSignal): Promise<Response> {
  return fetch(server.address + path, { method: 'POST', body, ...(signal && { signal }) });
}

async function codeOf(answer: Response): Promise<string> {
  return `${answer.status} ${(await documentOf(answer)).error.code}`;
}

const transcribes = async (server: TestServer): Promise<void> => {
  assert.equal((await documentOf(await post(server, sampleForm()))).text, TEXT);
};

/** Waits until nothing is left of the requests that have ended. */
async function becomesIdle(server: TestServer): Promise<void> {
  for (let turn = 0; turn < 150; turn++) {
    const { requests, decoding, joining } = await documentOf(await fetch(`${server.address}/health`));
    if (requests + decoding + joining === 0) return;
    await setTimeout(20);
  }
  assert.fail('something goes on for requests that have ended');
}

withServer('bytes are counted, and nothing is cut to fit', { maxBytes: 100_000 }, async (server) => {
  const fits = sampleBytes('timer-en').slice(0, 60_000);
  assert.equal((await post(server, sampleForm({}, fits))).status, 200);
  const exact = new Uint8Array(100_000);
  exact.set(sampleBytes('timer-en').slice(0, 78_000));
  assert.equal((await post(server, sampleForm({}, exact))).status, 200);
  assert.equal(await codeOf(await post(server, sampleForm({}, new Uint8Array(100_001)))), '413 too_large');
  assert.equal(
    await codeOf(await post(server, sampleForm({ prompt: 'a'.repeat(300_000) }))),
    '413 too_large',
  );
  const many = Array.from({ length: 80 }, () => 'segment');
  const listed = await post(server, sampleForm({ 'timestamp_granularities[]': many }));
  assert.equal(await codeOf(listed), '413 too_large');
  await transcribes(server);
});

withServer('duration is counted while decoding', { maxDurationMs: 2000 }, async (server) => {
  const second = wavOfSamples(new Float32Array(16_000).fill(0.01));
  assert.equal((await post(server, sampleForm({}, second))).status, 200);
  assert.equal(await codeOf(await post(server, sampleForm())), '413 invalid_audio');
});

withServer('a client that falls silent is let go', { idleTimeoutMs: 150 }, async (server) => {
  const { hostname: host, port } = new URL(server.address);
  const head = `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 90000\r\n`;
  const socket = connect(Number(port), host);
  socket.write(`${head}Content-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\n`);
  let received = '';
  for await (const piece of socket.setEncoding('utf8')) received += piece;
  assert.match(received, /^HTTP\/1\.1 408 /);
  await transcribes(server);
});

withServer('a request has its time', { totalTimeoutMs: 60 }, async (server) => {
  const noise = Float32Array.from({ length: 50 * 16_000 }, (_, i) => Math.sin(i * i));
  assert.equal(await codeOf(await post(server, sampleForm({}, wavOfSamples(noise)))), '504 timeout');
  await becomesIdle(server);
});

withServer('beyond the queue it is 429', { sequences: 1, maxWaiting: 1 }, async (server) => {
  const answers = await Promise.all(Array.from({ length: 12 }, () => post(server, sampleForm())));
  const refused = answers.filter(({ status }) => status === 429);
  const served = answers.filter(({ status }) => status === 200);
  assert.equal(refused.length + served.length, 12);
  assert.ok(refused.length >= 1 && served.length >= 2, `${served.length} served`);
  for (const answer of refused) assert.match(answer.headers.get('retry-after') ?? '', /^\d+$/);
  for (const answer of served) assert.equal((await documentOf(answer)).text, TEXT);
  await transcribes(server);
});

withServer('a client that leaves ends its own work only', {}, async (server) => {
  const others = Array.from({ length: 6 }, () => transcribes(server));
  for (let i = 0; i < 12; i++) {
    const abort = new AbortController();
    const form = sampleForm(i % 2 === 0 ? {} : { stream: 'true' });
    // Read at once: a body that is aborted before somebody reads it is another error. A fast answer may be there already.
    const read = post(server, form, abort.signal).then((answer) => answer.text());
    const left = read.catch((error) => assert.match(String(error), /abort/i));
    await setTimeout(i * 4);
    abort.abort();
    await left;
  }
  await Promise.all(others);
  await becomesIdle(server);
});

const spool = join(scratch, 'spool');

test('uploads lie where nobody else reads them, within a quota, and not for ever', async () => {
  const machine = Buffer.from(hostname()).toString('hex').slice(0, 64);
  // No process has that number: it is above the highest that Linux gives.
  const leftover = join(spool, `qwen-asr-spool-${machine}-99999999-abcdef`);
  const foreign = join(spool, 'qwen-asr-spool-00ff-99999999-abcdef');
  for (const folder of [leftover, foreign]) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'upload'), 'left behind');
  }
  const server = await startServer({ spoolFolder: spool, spoolBytes: 100_000 });
  try {
    assert.ok(!existsSync(leftover), 'the upload of a killed server is still there');
    assert.ok(existsSync(foreign), 'that of another machine is gone');
    const own = join(spool, readdirSync(spool).find((name) => !name.includes('-00ff-'))!);
    assert.equal(statSync(own).mode & 0o777, 0o700);
    let mode: number | undefined;
    const running = post(server, sampleForm());
    while (mode === undefined) {
      const [file] = readdirSync(own);
      if (file !== undefined) mode = statSync(join(own, file), { throwIfNoEntry: false })?.mode;
      await setTimeout(1);
    }
    assert.equal(mode & 0o777, 0o600);
    assert.equal((await documentOf(await running)).text, TEXT);
    const answers = await Promise.all([1, 2, 3, 4].map(() => post(server, sampleForm())));
    const codes = await Promise.all(answers.map(async (answer) => (answer.ok ? 'ok' : codeOf(answer))));
    assert.ok(codes.includes('503 spool_full') || codes.every((code) => code === 'ok'), codes.join());
    const large = await post(server, sampleForm({}, new Uint8Array(100_001)));
    assert.equal(await codeOf(large), '503 spool_full');
    await transcribes(server);
    assert.deepEqual(readdirSync(own), []);
  } finally {
    await server.stop();
  }
  assert.deepEqual(readdirSync(spool), ['qwen-asr-spool-00ff-99999999-abcdef']);
});

test('told to stop, it loses nothing that it had taken', async () => {
  const server = await startServer({ sequences: 2 });
  const running = Array.from({ length: 10 }, () => post(server, sampleForm()));
  while ((await documentOf(await fetch(`${server.address}/health`))).requests < 10) await setTimeout(1);
  const stopped = server.stop();
  await assert.rejects(post(server, sampleForm()));
  for (const answer of await Promise.all(running)) {
    assert.equal(answer.status, 200);
    assert.equal((await documentOf(answer)).text, TEXT);
  }
  await stopped;
});

test('what is not done in time is told so, in a stream too', async () => {
  const server = await startServer({ drainTimeoutMs: 100, exactTokens: 500 });
  const noise = wavOfSamples(Float32Array.from({ length: 50 * 16_000 }, (_, i) => Math.sin(i * i)));
  const whole = post(server, sampleForm({}, noise));
  const streamed = post(server, sampleForm({ stream: 'true', language: 'en' }, noise));
  const begun = await streamed;
  await server.stop();
  assert.equal(await codeOf(await whole), '503 shutting_down');
  const events = (await begun.text()).split('\n\n').filter((event) => event !== '');
  const last = JSON.parse(events.at(-1)!.slice('data: '.length));
  assert.equal(last.error.code, 'shutting_down');
  assert.ok(events.every((event) => !event.includes('transcript.text.done')));
});
