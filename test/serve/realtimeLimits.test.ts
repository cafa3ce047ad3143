import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { QwenAsrError } from '../../src/error.js';
import { RealtimeSession } from '../../src/serve/realtime/realtimeSession.js';
import { DEFAULT_SERVE_SETTINGS, type ServeSettings } from '../../src/serve/serveSettings.js';
import type { SpeechStream } from '../../src/transcribe/live/streamTypes.js';
import { readGolden } from '../support/golden.js';
import { RealtimeClient, spoken } from './support/realtimeClient.js';
import { documentOf } from './support/sampleForm.js';
import { startServer, type TestServer } from './support/startServer.js';

const TEXT = readGolden('demo/timer-en').text;

/** Runs a test with a server of its own. */
function withServer(
  name: string,
  settings: Partial<Omit<ServeSettings, 'realtime'>> & { realtime?: Partial<ServeSettings['realtime']> },
  run: (server: TestServer) => Promise<void>,
) {
  test(name, async () => {
    const realtime = { ...DEFAULT_SERVE_SETTINGS.realtime, ...settings.realtime };
    const server = await startServer({ ...settings, realtime });
    try {
      await run(server);
      assert.equal((await documentOf(await fetch(`${server.address}/health`))).status, 'ok');
    } finally {
      await server.stop();
    }
  });
}

/** The code that a connection is closed with, and why. */
async function endOf({ socket }: RealtimeClient): Promise<[code: number, reason: string]> {
  const [code, reason] = await once(socket, 'close');
  return [code, String(reason)];
}

/** The status that an upgrade is refused with. */
async function refusalOf(client: RealtimeClient) {
  client.socket.on('error', () => {});
  const [, answer] = await once(client.socket, 'unexpected-response');
  return { status: answer.statusCode, retryAfter: answer.headers['retry-after'] };
}

withServer('beyond the number of sessions it is 429', { realtime: { sessions: 2 } }, async (server) => {
  const [first, second] = [new RealtimeClient(server.address), new RealtimeClient(server.address)];
  await Promise.all([first.next('session.created'), second.next('session.created')]);
  assert.deepEqual(await refusalOf(new RealtimeClient(server.address)), { status: 429, retryAfter: '10' });
  first.socket.close();
  await endOf(first);
  const third = new RealtimeClient(server.address);
  await third.next('session.created');
  for (const { socket } of [second, third]) socket.close();
});

withServer('nothing is compressed', {}, async (server) => {
  const client = new RealtimeClient(server.address, { perMessageDeflate: true });
  await client.next('session.created');
  assert.equal(client.socket.extensions, '');
  client.socket.close();
});

withServer('a client that answers no ping is let go', { realtime: { pingMs: 100 } }, async (server) => {
  const silent = new RealtimeClient(server.address, { autoPong: false });
  assert.deepEqual(await endOf(silent), [1006, '']);
});

withServer(
  'so is one that says nothing for long, but not one that does',
  { idleTimeoutMs: 300, realtime: { pingMs: 100 } },
  async (server) => {
    const speaking = new RealtimeClient(server.address);
    await speaking.next('session.created');
    const idle = new RealtimeClient(server.address);
    let isOver = false;
    const ended = endOf(idle).finally(() => {
      isOver = true;
    });
    while (!isOver) {
      speaking.send({ type: 'input_audio_buffer.clear' });
      await setTimeout(50);
    }
    assert.deepEqual(await ended, [1000, 'nothing was said for long']);
    assert.equal(speaking.socket.readyState, speaking.socket.OPEN);
    speaking.socket.close();
  },
);

withServer(
  'a client that does not read is let go',
  { realtime: { waitingBytes: 100_000 } },
  async (server) => {
    const deaf = new RealtimeClient(server.address);
    await deaf.next('session.created');
    const ended = endOf(deaf);
    deaf.socket.pause();
    const event_id = 'a'.repeat(200_000); // comes back in the error
    // As much as the systems' buffers hold, and more.
    for (let sent = 0; sent < 200; sent++) deaf.send({ type: 'nothing', event_id });
    assert.deepEqual(await ended, [1006, '']);
  },
);

test('told to stop, a server tells sessions what was said, and lets in no more', async () => {
  const server = await startServer();
  const client = new RealtimeClient(server.address);
  await client.next('session.created');
  const input = { turn_detection: null, transcription: { language: 'en' } };
  client.send({ type: 'session.update', session: { type: 'transcription', audio: { input } } });
  await client.next('session.updated');
  for (const audio of await spoken('timer-en', 0)) client.send({ type: 'input_audio_buffer.append', audio });
  client.send({ type: 'nothing' });
  await client.next('error'); // everything before it has arrived
  const ended = endOf(client);
  const stopped = server.stop();
  const { transcript } = await client.next('conversation.item.input_audio_transcription.completed');
  assert.equal(transcript, TEXT);
  assert.deepEqual(await ended, [1001, 'the server is shutting down']);
  await stopped;
});

test('a session that does not end in time is ended', async () => {
  const server = await startServer({ drainTimeoutMs: 50 });
  const client = new RealtimeClient(server.address);
  await client.next('session.created');
  for (let turn = 0; turn < 12; turn++) {
    for (const audio of await spoken('timer-en', 0)) {
      client.send({ type: 'input_audio_buffer.append', audio });
    }
  }
  client.send({ type: 'nothing' });
  await client.next('error'); // everything before it has arrived
  const ended = endOf(client);
  const startMs = performance.now();
  await server.stop();
  assert.deepEqual(await ended, [1006, '']);
  assert.ok(performance.now() - startMs < 3000);
});

test('a segment that cannot be transcribed has failed, and the session goes on', async () => {
  const events: { type: string; item_id?: string; error?: { code: string } }[] = [];
  const begun = { committed: 'Set a', tentative: '', audioMs: 2000, segment: 0, segmentStartMs: 0 };
  const rest = { language: 'English', segmentText: null, speechEndMs: null, lagging: false, behindMs: 0 };
  let opened = 0;
  const openStream = (): SpeechStream => {
    opened++;
    return {
      async *[Symbol.asyncIterator]() {
        yield { ...begun, ...rest, stepMs: 0, figures: null };
        throw new QwenAsrError('numeric', 'decoder: expected finite values, found NaN');
      },
      write: async () => {},
      endSegment: () => {},
      clear: () => {},
      finish: async () => {},
      close: async () => {},
    };
  };
  const session = new RealtimeSession({
    model: { openStream },
    aligner: null,
    modelNames: ['demo'],
    send: (event) => events.push(event as (typeof events)[number]),
  });
  const append = JSON.stringify({ type: 'input_audio_buffer.append', audio: 'AAAA' });
  session.take(append);
  await setTimeout(10);
  const failed = events.find(({ type }) => type.endsWith('input_audio_transcription.failed'));
  const delta = events.find(({ type }) => type.endsWith('.delta'));
  assert.equal(failed?.error?.code, 'numeric');
  assert.equal(failed.item_id, delta?.item_id);
  session.take(append);
  assert.equal(opened, 2);
  await session.close();
});
