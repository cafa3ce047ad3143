import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { after, before, test } from 'node:test';
import type { Outcome } from '../../../src/bench/load/runLevel.js';
import { TranscriptionClient, transcriptionForm } from '../../../src/bench/load/transcriptionClient.js';
import {
  answerText,
  type Script,
  type ScriptedServer,
  sendEvents,
  startScriptedServer,
} from '../support/scriptedServer.js';

const RECORDING = { name: 'a "b".wav', bytes: Buffer.from('ABC'), durationMs: 1000 };
const FORM = transcriptionForm(RECORDING, { model: 'm', language: 'de', streamed: true });
const { signal } = new AbortController();

let server: ScriptedServer;
let client: TranscriptionClient;

before(async () => {
  server = await startScriptedServer();
  const base = new URL(`${server.address}/v1/`);
  client = new TranscriptionClient({ base, key: 'sk-secret', timeoutMs: 300 });
});

after(() => {
  client.close();
  server.kill();
});

function ask(script: Script): Promise<Outcome> {
  server.script = script;
  return client.transcribe(FORM, signal);
}

/** The kind of a failure and what it says. */
async function failureOf(script: Script): Promise<readonly [kind: string | null, detail: string]> {
  const outcome = await ask(script);
  return [outcome.failure, outcome.failure === null ? outcome.text : outcome.detail];
}

test('a request is a form with the recording, the model and the key', async () => {
  let form = '';
  await ask((answer, request, body) => {
    form = body;
    answerText('a')(answer, request, body);
  });
  assert.match(form, /name="model"\r\n\r\nm\r\n/);
  assert.match(form, /name="language"\r\n\r\nde\r\n/);
  assert.match(form, /name="stream"\r\n\r\ntrue\r\n/);
  assert.match(form, /name="file"; filename="a _b_.wav"\r\n/);
  assert.ok(form.includes('\r\n\r\nABC\r\n--'));
  assert.equal(server.headers.at(-1)?.authorization, 'Bearer sk-secret');
  assert.equal(await client.firstModel(signal), 'scripted');
});

test('a text as a whole has no first text, a stream has one at its first delta', async () => {
  const whole = await ask(answerText('good morning'));
  assert.deepEqual(whole, { failure: null, text: 'good morning', language: null, firstTextMs: null });
  const streamed = await ask((answer) => {
    sendEvents(answer, { type: 'transcript.text.delta', delta: '' });
    setTimeout(() => sendEvents(answer, { type: 'transcript.text.delta', delta: 'good ' }), 60);
    setTimeout(() => {
      sendEvents(answer, { type: 'transcript.text.done', text: 'good morning' });
      answer.end();
    }, 120);
  });
  assert.equal(streamed.failure === null && streamed.text, 'good morning');
  const firstMs = (streamed.failure === null && streamed.firstTextMs) || 0;
  assert.ok(firstMs >= 59 && firstMs < 119, `${firstMs} ms`);
});

test('a stream of the kind of chat completions is read, too', async () => {
  const outcome = await ask((answer) => {
    for (const content of ['good', ' morning']) sendEvents(answer, { choices: [{ delta: { content } }] });
    answer.end('data: [DONE]\n\n');
  });
  assert.equal(outcome.failure === null && outcome.text, 'good morning');
});

test('what a server does wrong has a kind and its own words', async () => {
  const refuse =
    (status: number, type = 'application/json'): Script =>
    (answer) =>
      answer.writeHead(status, { 'content-type': type }).end('{"error":{"message":"no\\nwords"}}');
  assert.deepEqual(await failureOf(refuse(429)), ['busy', 'no words']);
  assert.deepEqual(await failureOf(refuse(503)), ['busy', 'no words']);
  assert.deepEqual(await failureOf(refuse(404)), ['rejected', 'no words']);
  assert.deepEqual(await failureOf(refuse(500)), ['server_error', 'no words']);
  assert.deepEqual(await failureOf(refuse(302)), ['malformed', 'no words']);
  const html: Script = (answer) =>
    answer.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><h1>It works!</h1>');
  assert.deepEqual(await failureOf(html), ['malformed', 'text/html: <!doctype html><h1>It works!</h1>']);
  const noJson: Script = (answer) => {
    sendEvents(answer);
    answer.end('data: hello\n\n');
  };
  assert.deepEqual(await failureOf(noJson), ['malformed', 'event: hello']);
  const error: Script = (answer) => sendEvents(answer, { error: { message: 'the model broke' } });
  assert.deepEqual(await failureOf(error), ['stream_error', 'the model broke']);
});

test('an answer that is cut, at any place, is no text', async () => {
  const early: Script = (answer) => {
    sendEvents(answer, { type: 'transcript.text.delta', delta: 'good' });
    answer.end();
  };
  assert.deepEqual(await failureOf(early), ['cut', 'the stream ended before its last event']);
  const midStream: Script = (answer) => {
    sendEvents(answer, { type: 'transcript.text.delta', delta: 'good' });
    setTimeout(() => answer.destroy(), 20);
  };
  assert.equal((await failureOf(midStream))[0], 'cut');
  const midBody: Script = (answer) => {
    answer
      .writeHead(200, { 'content-type': 'application/json', 'content-length': 1000 })
      .write('{"text":"go');
    setTimeout(() => answer.destroy(), 20);
  };
  assert.equal((await failureOf(midBody))[0], 'cut');
  const before: Script = (answer) => answer.destroy();
  assert.equal((await failureOf(before))[0], 'cut');
});

test('what takes too long is timed out, in silence and in the middle of a stream', async () => {
  const startMs = performance.now();
  assert.deepEqual(await failureOf(() => {}), ['timeout', 'no answer within 0.3 s']);
  assert.ok(performance.now() - startMs < 2000);
  const endless: Script = (answer) => {
    const timer = setInterval(() => sendEvents(answer, { type: 'transcript.text.delta', delta: 'a' }), 20);
    answer.on('close', () => clearInterval(timer));
  };
  assert.equal((await failureOf(endless))[0], 'timeout');
});

test('nobody who listens is no connection, and somebody else is no answer of the API', async () => {
  const other = createServer((socket) => socket.resume().end('220 mail.example.org ESMTP\r\n'));
  other.listen(0, '127.0.0.1');
  await once(other, 'listening');
  const address = other.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const base = new URL(`http://127.0.0.1:${port}/v1/`);
  const lost = new TranscriptionClient({ base, key: null, timeoutMs: 1000 });
  assert.equal((await lost.transcribe(FORM, signal)).failure, 'malformed');
  other.close();
  await once(other, 'close');
  const outcome = await lost.transcribe(FORM, signal);
  assert.deepEqual(outcome, { failure: 'connection', status: null, detail: 'ECONNREFUSED' });
  await assert.rejects(lost.firstModel(signal), /expected an answer, found ECONNREFUSED/);
  lost.close();
});
