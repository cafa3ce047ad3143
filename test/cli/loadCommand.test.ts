import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { formatCsv } from '../../src/bench/output/formatCsv.js';
import { readResult } from '../../src/bench/output/readResult.js';
import { formatHtml } from '../../src/bench/render/html.js';
import { answerText, startScriptedServer } from '../bench/support/scriptedServer.js';
import { startServer, type TestServer } from '../serve/support/startServer.js';
import { demoModelDir } from '../support/projectRoot.js';
import { runHere } from '../support/runHere.js';

const scratch = mkdtempSync(join(tmpdir(), 'qwen-asr-load-'));
const samples = join(demoModelDir, 'samples');
const TIMER = join(samples, 'timer-en.wav');
const SHORT = ['--duration', '600ms', '--ramp', '100ms'];

let server: TestServer;

before(async () => {
  server = await startServer();
  const texts: Readonly<Record<string, { text: string }>> = JSON.parse(
    readFileSync(join(samples, 'texts.json'), 'utf8'),
  );
  for (const name of ['timer-en', 'weather-de']) {
    writeFileSync(join(scratch, `${name}.txt`), texts[name]!.text);
  }
});

after(async () => {
  await server.stop();
  rmSync(scratch, { recursive: true });
});

const serve = (address: string, ...args: string[]) => runHere('qwen_asr_bench', ['serve', address, ...args]);

test('our own server under load: a table, every output, and the texts are right', async () => {
  const file = join(scratch, 'load.json');
  const german = join(samples, 'weather-de.wav');
  const inputs = ['-i', TIMER, '-i', german, '--ref', scratch];
  const exports = ['--export', file, '--export', join(scratch, 'load.html')];
  const { code, stdout, stderr } = await serve(
    server.address,
    ...['-c', '1,2,4', ...SHORT, ...inputs, ...exports, '--plot'],
  );
  assert.equal(stderr, '');
  assert.equal(code, 0);
  assert.match(stdout, /^Endpoint: http:\/\/127\.0\.0\.1:\d+\/v1 {2}\| {2}model demo {2}\| {2}2 recordings/);
  assert.match(stdout, /\n {2}4 clients: {2}\d+ answered {2}0 failed {2}[\d.]+ audio s\/s/);
  assert.match(stdout, /knee at \d clients?: /);
  assert.match(stdout, /coordinated omission/);
  assert.match(stdout, /shares the processors with the clients/);
  assert.match(stdout, /4 clients {2,}0\.0 % {2,}0\.0 %/);
  assert.match(stdout, /\n {2}●|│/);
  const result = readResult(file);
  assert.equal(result.kind, 'sweep');
  assert.equal(result.complete, true);
  assert.deepEqual(
    result.cells.map(({ settings }) => settings.clients),
    [1, 2, 4],
  );
  // Both recordings were sent alone, and then in the ramp.
  assert.deepEqual(
    result.cells[0]?.warmups.slice(0, 2).map(({ request }) => (request?.intendedMs ?? 0) < 0),
    [true, true],
  );
  for (const { load, runs, accuracy } of result.cells) {
    assert.equal(load?.textChanges, 0);
    assert.equal(accuracy?.wer, 0);
    assert.ok(runs.every(({ firstTokenMs, totalMs }) => firstTokenMs !== null && firstTokenMs <= totalMs));
  }
  const [header = ''] = formatCsv(result).split('\n');
  assert.ok(header.includes('request.failure') && header.includes('settings.clients'));
  const page = formatHtml([{ name: 'load', result }]);
  for (const title of ['Audio a second', 'Time to the end', 'Time to the first text']) {
    assert.ok(page.includes(title), title);
  }
  assert.equal(readFileSync(join(scratch, 'load.html'), 'utf8').includes('Time to the end'), true);
});

test('an open loop, whole answers, and JSON alone on standard output', async () => {
  const args = ['--rate', '20', ...SHORT, '-i', TIMER, '--no-stream', '--json'];
  const { code, stdout, stderr } = await serve(server.address, ...args);
  assert.equal(code, 0);
  const result = JSON.parse(stdout);
  assert.equal(result.cells[0].settings.ratePerSecond, 20);
  assert.equal(result.cells[0].runs[0].firstTokenMs, null);
  assert.match(stderr, /no coordinated omission/);
  assert.doesNotMatch(stderr, /first text/);
});

test('a key is sent, and stands in no output', async () => {
  const scripted = await startScriptedServer();
  const keyFile = join(scratch, 'key');
  writeFileSync(keyFile, 'sk-very-secret\n');
  const file = join(scratch, 'key.jsonl');
  const args = ['-c', '1', '-n', '2', '--ramp', '0s', '--key-file', keyFile, '--export', file, '--details'];
  const { code, stdout, stderr } = await serve(scripted.address, ...args);
  scripted.kill();
  assert.equal(code, 0, stderr);
  assert.ok(scripted.headers.every(({ authorization }) => authorization === 'Bearer sk-very-secret'));
  for (const text of [stdout, stderr, readFileSync(file, 'utf8')]) assert.ok(!text.includes('secret'));
});

test('a server that dies in the middle ends the test, with what it had answered', async () => {
  const scripted = await startScriptedServer();
  let served = 0;
  scripted.script = (answer, request, form) => {
    if (++served > 30) scripted.kill();
    else answerText('a')(answer, request, form);
  };
  const file = join(scratch, 'dead.json');
  const args = ['-c', '2,4', '--duration', '20s', '--ramp', '0s', '--export', file];
  const startMs = performance.now();
  const { code, stdout, stderr } = await serve(scripted.address, ...args);
  assert.ok(performance.now() - startMs < 10_000);
  assert.equal(code, 1);
  assert.match(stderr, /error: .*nobody answers any more\n/);
  assert.match(stdout, /2 clients: \d+ of \d+ failed: .*no connection \(ECONNREFUSED\)/);
  const result = readResult(file);
  assert.equal(result.complete, false);
  assert.deepEqual(
    result.cells.map(({ id }) => id),
    ['c=2'],
  );
  assert.equal(result.cells[0]?.load?.answered, 29);
});

test('failures are named and end with 1; a server that is busy has answered', async () => {
  const scripted = await startScriptedServer();
  let sent = 0;
  const refuseThird = (status: number) => {
    sent = 0;
    scripted.script = (answer, request, form) => {
      if (++sent % 3 > 0) return answerText('a')(answer, request, form);
      return answer.writeHead(status).end('{"error":{"message":"not now"}}');
    };
  };
  const args = ['-c', '1', '-n', '9', '--ramp', '0s'];
  refuseThird(429);
  const busy = await serve(scripted.address, ...args);
  assert.deepEqual([busy.code, busy.stderr], [0, '']);
  assert.match(busy.stdout, /1 client: 3 of 9 failed: 3 busy \(429, 503\) \(not now\)/);
  refuseThird(500);
  const broken = await serve(scripted.address, ...args);
  assert.deepEqual([broken.code, broken.stderr], [1, 'error: 3 requests were not answered\n']);
  scripted.script = (answer) => answer.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Hello</h1>');
  const page = await serve(scripted.address, ...args);
  assert.match(
    page.stderr,
    /^error: .*expected a transcription of silence\.wav, found no answer of the API: text\/html: <h1>Hello<\/h1>\n$/,
  );
  scripted.kill();
  const gone = await serve(scripted.address, ...args);
  assert.match(gone.stderr, /^error: http:\S+ expected an answer, found ECONNREFUSED\n$/);
  assert.equal(gone.code, 1);
});

test('live sessions of our own server have the text, and a delay', async () => {
  const file = join(scratch, 'live.json');
  const args = ['--realtime', '-c', '2', '--duration', '1s', '--ramp', '0s', '-i', TIMER];
  const { code, stdout, stderr } = await serve(
    server.address,
    ...args,
    ...['--ref', join(scratch, 'timer-en.txt'), '--export', file],
  );
  assert.deepEqual([code, stderr], [0, '']);
  assert.match(stdout, /\n {2}2 sessions: {2}2 spoken {2}0 failed {2}median [\d.]+ ms\n/);
  assert.match(stdout, /a p95 delay of 2\.000 s: too few/);
  const [cell] = readResult(file).cells;
  assert.equal(cell?.settings.protocol, 'realtime');
  assert.equal(cell?.accuracy?.wer, 0);
  // The server waits for half a second of silence before it takes a segment for ended.
  for (const { totalMs } of cell?.runs ?? []) assert.ok(totalMs > 300 && totalMs < 5000, `${totalMs} ms`);
});

test('a dry run says what would be measured, and sends nothing', async () => {
  const scripted = await startScriptedServer();
  const times = ['--duration', '1m', '--ramp', '2s'];
  const clients = await serve(scripted.address, '-c', '1,4', ...times, '-n', '50', '--dry-run');
  assert.deepEqual([clients.code, clients.stderr], [0, '']);
  assert.equal(
    clients.stdout,
    `2 levels of load on ${scripted.address}/v1, 60 s each, 2 s before it, at most 50 requests, about 124 s in all: 5 s of silence\n  1 client\n  4 clients\n`,
  );
  const rates = await serve(scripted.address, '--rate', '0.5', '-i', TIMER, ...times, '--dry-run', '--json');
  assert.equal(rates.stdout, '');
  assert.match(
    rates.stderr,
    /^1 level of load .* 62 s in all: \S+timer-en\.wav\n {2}0\.5 requests a second\n$/,
  );
  const live = await serve(scripted.address, '--realtime', '-c', '1,2', '-i', samples, ...times, '--dry-run');
  assert.match(live.stdout, /: \d+ recordings\n {2}1 session\n {2}2 sessions\n$/);
  assert.equal(scripted.headers.length, 0);
  scripted.kill();
});

test('an interrupted measurement goes on with the levels that are left', async () => {
  const scripted = await startScriptedServer();
  const file = join(scratch, 'levels.jsonl');
  const args = ['-n', '3', '--ramp', '0s', '--resume', file];
  const measure = (levels: string, ...more: string[]) =>
    serve(scripted.address, '-c', levels, ...args, ...more);
  const first = await measure('1,2');
  assert.deepEqual([first.code, first.stderr], [0, '']);
  const whole = readFileSync(file, 'utf8');
  const startsOf = () => readResult(file).cells.map(({ runs }) => runs[0]?.startedAt);
  const [one, two] = startsOf();

  // In the middle of the second level: its load is over, so it begins anew, and the first does not.
  const lines = whole.split('\n');
  const cut = lines.findLastIndex((line) => line.startsWith('{"event":"run"'));
  writeFileSync(file, `${lines.slice(0, cut).join('\n')}\n{"event":"ru`);
  const exported = join(scratch, 'levels.json');
  const second = await measure('1,2', '--export', exported);
  assert.deepEqual([second.code, second.stderr], [0, '']);
  assert.doesNotMatch(second.stdout, /^ {2}1 client: /m);
  assert.match(second.stdout, /^ {2}2 clients: {2}3 answered/m);
  assert.match(second.stdout, /^1 {2,}3 {2,}0 /m);
  assert.equal(startsOf()[0], one);
  assert.notEqual(startsOf()[1], two);
  assert.equal(readResult(file).complete, true);
  assert.deepEqual(
    readResult(exported).cells.map(({ runs }) => runs.length),
    [3, 3],
  );

  // One level more; then nothing is left, and nobody is asked.
  const third = await measure('1,2,4');
  assert.deepEqual([third.code, third.stderr], [0, '']);
  assert.equal(startsOf().length, 3);
  const bytes = readFileSync(file);
  scripted.kill();
  const fourth = await measure('1,2,4');
  assert.equal(fourth.code, 0);
  assert.equal(
    fourth.stderr,
    `note: --resume ${file}: nothing was left to measure; these are the levels that are there\n`,
  );
  assert.match(fourth.stdout, /^4 {2,}\d+ {2,}0 /m);
  assert.deepEqual(readFileSync(file), bytes);

  for (const [changed, message] of [
    [['-c', '1,2,4', '--timeout', '9s'], /expected timeoutMs 9000 in c=1, found 120000/],
    [['-c', '1,2'], /expected only levels of this command line, found the level c=4/],
    [['-c', '1'], /expected a benchmark, found a sweep/],
    [['-c', '1,2,4', '-s', '2'], /expected the same audio, found another/],
    [['-c', '1,2,4', '--model', 'other'], /expected requestModel other in c=1, found \S+/],
  ] as const) {
    const { code, stderr } = await serve(scripted.address, ...args, ...changed);
    assert.match(stderr, message);
    assert.equal(code, 1);
  }
  assert.deepEqual(readFileSync(file), bytes);
});

test('what cannot be measured is refused before anything is sent', async () => {
  for (const [args, message] of [
    [[], /serve: expected the URL of a server, found none/],
    [
      ['ftp://example.org'],
      /expected a URL such as http:\/\/127\.0\.0\.1:8000, found "ftp:\/\/example\.org"/,
    ],
    [['http://me:secret@localhost'], /^error: serve: expected a URL without a key .*found one\n$/],
    [['http://localhost', '-c', '1', '--rate', '1'], /--rate: expected clients \(-c\) or a rate, found both/],
    [['http://localhost', '-c', '0'], /-c: expected a whole number from 1 to 4096, found "0"/],
    [['http://localhost', '--rate', '0'], /--rate: expected requests a second from 0\.001 to 10000/],
    [['http://localhost', '--realtime'], /--realtime: expected recordings to speak \(-i\), found silence/],
    [['http://localhost', '--realtime', '-n', '3'], /-n: expected requests, found live sessions/],
    [['http://localhost', '--max-delay', '1s'], /--max-delay: expected live sessions/],
    [['http://localhost', '--ref', 'x'], /--ref: expected recordings to compare with/],
  ] as const) {
    const { code, stdout, stderr } = await runHere('qwen_asr_bench', ['serve', ...args]);
    assert.match(stderr, message);
    assert.doesNotMatch(stderr, /secret/);
    assert.deepEqual([code, stdout], [1, '']);
  }
});
