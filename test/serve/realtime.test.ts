import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import OpenAI from 'openai';
import { OpenAIRealtimeWS } from 'openai/realtime/ws';
import { readGolden } from '../support/golden.js';
import { Random } from '../support/random.js';
import { RealtimeClient, spoken } from './support/realtimeClient.js';
import { documentOf } from './support/sampleForm.js';
import { startServer, type TestServer } from './support/startServer.js';

const KEY = 'a-key-of-the-test';

let server: TestServer;

before(async () => {
  server = await startServer({ keys: [KEY] });
});

after(() => server.stop());

const withKey = { headers: { authorization: `Bearer ${KEY}` } };
const golden = (name: string) => readGolden(`demo/${name}`).text;

test('voice activity: every segment is an item with its deltas and its transcript', async () => {
  const client = new RealtimeClient(server.address, withKey);
  const created = await client.next('session.created');
  assert.equal(created.session?.type, 'transcription');
  client.send({
    type: 'session.update',
    session: {
      type: 'transcription',
      audio: {
        input: {
          format: { type: 'audio/pcm', rate: 24_000 },
          transcription: { model: 'whisper-1', language: 'en' },
          turn_detection: { type: 'server_vad', silence_duration_ms: 500 },
          noise_reduction: null,
        },
      },
    },
  });
  await client.next('session.updated');
  for (const name of ['timer-en', 'light-en']) {
    for (const audio of await spoken(name, 1500)) client.send({ type: 'input_audio_buffer.append', audio });
    const { item_id } = await client.next('input_audio_buffer.speech_started');
    const { item_id: stopped } = await client.next('input_audio_buffer.speech_stopped');
    const { item_id: committed } = await client.next('input_audio_buffer.committed');
    await client.next('conversation.item.added');
    await client.next('conversation.item.done');
    const done = await client.next('conversation.item.input_audio_transcription.completed');
    assert.deepEqual([stopped, committed, done.item_id], [item_id, item_id, item_id]);
    assert.equal(done.transcript, golden(name));
    const deltas = client.events.filter(({ type }) => type.endsWith('.delta')).splice(0);
    assert.equal(deltas.map(({ delta }) => delta).join(''), golden(name));
    client.events.length = 0;
  }
  client.socket.close();
});

test('turn_detection null: the client commits, and may clear', async () => {
  const client = new RealtimeClient(server.address, withKey);
  await client.next('session.created');
  const input = { turn_detection: null, transcription: { language: 'en' } };
  client.send({ type: 'session.update', session: { type: 'transcription', audio: { input } } });
  await client.next('session.updated');
  client.send({ type: 'input_audio_buffer.commit', event_id: 'mine' });
  const refused = await client.next('error');
  assert.equal(refused.error?.code, 'input_audio_buffer_commit_empty');
  assert.equal(refused.error?.event_id, 'mine');
  for (const audio of (await spoken('music-es', 0)).slice(0, 10)) {
    client.send({ type: 'input_audio_buffer.append', audio });
  }
  client.send({ type: 'input_audio_buffer.clear' });
  await client.next('input_audio_buffer.cleared');
  for (const audio of await spoken('timer-en', 0)) client.send({ type: 'input_audio_buffer.append', audio });
  client.send({ type: 'input_audio_buffer.commit' });
  const done = await client.next('conversation.item.input_audio_transcription.completed');
  assert.equal(done.transcript, golden('timer-en'));
  assert.ok(client.events.every(({ type }) => !type.includes('speech_')));
  client.socket.close();
});

test('an update comes after what was said before it, and before what follows', async () => {
  const client = new RealtimeClient(server.address, withKey);
  const update = (turn_detection: object | null): void => {
    const input = { turn_detection, transcription: { language: 'en' } };
    client.send({ type: 'session.update', session: { type: 'transcription', audio: { input } } });
  };
  const say = async (name: string): Promise<void> => {
    for (const audio of await spoken(name, 0)) client.send({ type: 'input_audio_buffer.append', audio });
  };
  await client.next('session.created');
  update({ type: 'server_vad' });
  await say('timer-en');
  update(null);
  await say('light-en');
  client.send({ type: 'input_audio_buffer.commit' });
  update({ type: 'server_vad' });
  client.send({ type: 'input_audio_buffer.commit' });
  await client.next('error');
  const told = client.events
    .filter(({ type }) => /updated$|completed$|speech_started$/.test(type))
    .map(({ type, transcript }) => transcript ?? type);
  assert.deepEqual(told, [
    ...['session.updated', 'input_audio_buffer.speech_started', golden('timer-en')],
    ...['session.updated', golden('light-en'), 'session.updated'],
  ]);
  client.socket.close();
});

test('so much can wait for an update, and no more', async () => {
  const client = new RealtimeClient(server.address, withKey);
  await client.next('session.created');
  for (const audio of await spoken('timer-en', 0)) client.send({ type: 'input_audio_buffer.append', audio });
  client.send({ type: 'session.update', session: { type: 'transcription' } });
  const audio = 'A'.repeat(2 ** 20);
  for (let i = 0; i < 5; i++) client.send({ type: 'input_audio_buffer.append', audio, event_id: `${i}` });
  const { error } = await client.next('error');
  assert.deepEqual([error?.code, error?.event_id], ['out_of_memory', '3']);
  client.socket.close();
});

for (const [what, session, param] of [
  [
    'semantic detection',
    { audio: { input: { turn_detection: { type: 'semantic_vad' } } } },
    'turn_detection.type',
  ],
  ['noise reduction', { audio: { input: { noise_reduction: { type: 'near_field' } } } }, 'noise_reduction'],
  ['another rate', { audio: { input: { format: { type: 'audio/pcm', rate: 8000 } } } }, 'format.rate'],
  ['another model', { audio: { input: { transcription: { model: 'gpt-9' } } } }, 'model'],
  ['speech output', { audio: { output: { voice: 'x' } } }, 'output'],
  ['an unknown language', { audio: { input: { transcription: { language: 'xx' } } } }, 'language'],
  ['a conversation', { type: 'realtime' }, 'session.type'],
] as const) {
  test(`refused, and the session goes on: ${what}`, async () => {
    const client = new RealtimeClient(server.address, withKey);
    await client.next('session.created');
    client.send({ type: 'session.update', session: { type: 'transcription', ...session } });
    const { error } = await client.next('error');
    assert.ok(error?.param.endsWith(param), error?.param);
    client.send({ type: 'session.update', session: { type: 'transcription' } });
    await client.next('session.updated');
    client.socket.close();
  });
}

test('keys in the sub-protocol, and no others; foreign pages are refused', async () => {
  const statusOf = (client: RealtimeClient) =>
    new Promise((resolve) => {
      client.socket.on('unexpected-response', (_, answer) => resolve(answer.statusCode));
      client.socket.on('open', () => resolve(client.socket.protocol));
      client.socket.on('error', () => {});
    });
  const protocols = ['realtime', `openai-insecure-api-key.${KEY}`];
  const withProtocol = new RealtimeClient(server.address, { protocols, headers: {} });
  assert.equal(await statusOf(withProtocol), 'realtime');
  withProtocol.socket.close();
  const wrong = ['realtime', 'openai-insecure-api-key.other'];
  assert.equal(await statusOf(new RealtimeClient(server.address, { protocols: wrong, headers: {} })), 401);
  const headers = { authorization: `Bearer ${KEY}`, origin: 'https://evil.example' };
  assert.equal(await statusOf(new RealtimeClient(server.address, { headers })), 403);
});

test('200 frames that make no sense', async () => {
  const random = new Random(20);
  const client = new RealtimeClient(server.address, withKey);
  await client.next('session.created');
  const event = JSON.stringify({ type: 'input_audio_buffer.append', audio: 'AAAA', event_id: 'a' });
  for (let i = 0; i < 200; i++) {
    const at = random.integer(0, event.length - 2);
    const cut = event.slice(0, at) + event.slice(at + random.integer(1, 20));
    client.socket.send(i % 4 === 0 ? Buffer.from(cut) : cut);
  }
  client.send({ type: 'session.update', session: { type: 'transcription' } });
  await client.next('session.updated');
  const told = client.events.filter(({ type }) => type === 'error').length;
  assert.ok(told > 150, `${told} errors`);
  client.socket.close();
  const huge = new RealtimeClient(server.address, withKey);
  await huge.next('session.created');
  huge.socket.on('error', () => {});
  huge.socket.send('a'.repeat(2 ** 23));
  await new Promise((resolve) => huge.socket.on('close', resolve));
  assert.equal((await documentOf(await fetch(`${server.address}/health`))).status, 'ok');
});

test('the API’s own client', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'qwen-asr-tls-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const [certPath, keyPath] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const made = spawnSync('openssl', [
    ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost'],
    ...['-keyout', keyPath, '-out', certPath],
  ]);
  if (made.status !== 0) return t.skip('openssl is not installed');
  const secure = await startServer({ keys: [KEY], tls: { certPath, keyPath } });
  const api = new OpenAI({ apiKey: KEY, baseURL: `${secure.address}/v1` });
  // The certificate of the test is nobody's.
  const options = { rejectUnauthorized: false };
  const realtime = new OpenAIRealtimeWS({ model: 'gpt-4o-transcribe', options }, api);
  realtime.on('error', (error) => assert.fail(error));
  let text = '';
  realtime.on('conversation.item.input_audio_transcription.delta', ({ delta }) => {
    text += delta;
  });
  await new Promise<void>((resolve) => realtime.on('session.created', () => resolve()));
  const input = {
    turn_detection: null,
    transcription: { model: 'gpt-4o-transcribe', language: 'en' },
  } as const;
  realtime.send({ type: 'session.update', session: { type: 'transcription', audio: { input } } });
  for (const audio of await spoken('timer-en', 0))
    realtime.send({ type: 'input_audio_buffer.append', audio });
  realtime.send({ type: 'input_audio_buffer.commit' });
  const transcript = await new Promise<string>((resolve) => {
    realtime.on('conversation.item.input_audio_transcription.completed', (event) =>
      resolve(event.transcript),
    );
  });
  assert.deepEqual([transcript, text], [golden('timer-en'), golden('timer-en')]);
  realtime.close();
  await secure.stop();
});
