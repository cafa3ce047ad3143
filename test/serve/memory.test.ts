import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { loadModel } from '../../src/index.js';
import { openAdmittedMemory } from '../../src/serve/engine/admittedMemory.js';
import { readGolden } from '../support/golden.js';
import { demoModelDir } from '../support/projectRoot.js';
import { runCli } from '../support/runCli.js';
import { RealtimeClient, spoken } from './support/realtimeClient.js';
import { documentOf, sampleForm } from './support/sampleForm.js';
import { startServer } from './support/startServer.js';

/* Memory is admitted, not hoped for: what does not fit waits or is refused, and nothing dies. */

const TEXT = readGolden('demo/timer-en').text;

/** Of a position: keys and values of 4 layers with 2 heads of 64 values in f32. */
const POSITION_BYTES = 2 * 4 * 2 * 64 * 4;
/** A request's segment: 60 s of audio are 780 tokens, of which text takes 12 a second, and a context of 512 beside. */
const SEGMENT_POSITIONS = { least: 780 + 720 + 512, most: 780 + 720 + 512 + 512 };
/** A live session's: half a minute of audio, and 512 each for text and context. */
const SESSION_POSITIONS = { least: 390 + 512 + 512, most: 390 + 512 + 512 + 128 };

test('as many segments and sessions as the memory holds, and a word about the others', async () => {
  const model = await loadModel(demoModelDir, { precision: 'f32' });
  const openWith = async (segments: number, sessions: number) => {
    // Room for so many at their longest, and for less than one more.
    const positions = segments * SEGMENT_POSITIONS.most + sessions * SESSION_POSITIONS.most;
    const memoryBytes = positions * POSITION_BYTES;
    const { batch, ...others } = await openAdmittedMemory(model, { sequences: 8, sessions: 16, memoryBytes });
    const { sequences, capacity } = batch.load;
    await batch.close();
    assert.ok(capacity >= SEGMENT_POSITIONS.least && capacity <= SEGMENT_POSITIONS.most, `${capacity}`);
    const left = positions - sequences * capacity;
    assert.ok(others.sessions <= left / SESSION_POSITIONS.least, `${others.sessions} sessions in ${left}`);
    return { sequences, ...others };
  };
  try {
    const one = await openWith(1, 0);
    assert.deepEqual([one.sequences, one.sessions], [1, 0]);
    assert.equal(one.note, 'the memory holds 1 of 8 segments and 0 of 16 live sessions');
    const all = await openWith(8, 16);
    assert.deepEqual(all, { sequences: 8, sessions: 16, note: null });
    await assert.rejects(
      openAdmittedMemory(model, { sequences: 8, sessions: 16, memoryBytes: 1e6 }),
      /expected at least \d+ MB for a segment beside the model, found 1 MB/,
    );
  } finally {
    await model.close();
  }
});

test('a server with little memory: each request is answered or told when to come back', async () => {
  const memoryBytes = (2 * SEGMENT_POSITIONS.most + SESSION_POSITIONS.most) * POSITION_BYTES;
  const server = await startServer({ memoryBytes, maxWaiting: 6 });
  try {
    assert.match(server.notes.join(), /^the memory holds 2 of 8 segments and \d of 16 live sessions$/);
    const sessionCount = Number(/and (\d)/.exec(server.notes.join())?.[1]);
    assert.ok(sessionCount >= 1 && sessionCount < 4, server.notes.join());
    const clients = Array.from({ length: 8 }, () => new RealtimeClient(server.address));
    const openings = clients.map(async (client) => {
      client.socket.on('error', () => {});
      const opened = once(client.socket, 'open').then(() => 101);
      const refused = once(client.socket, 'unexpected-response').then(([, answer]) => {
        assert.match(answer.headers['retry-after'] ?? '', /^\d+$/);
        return answer.statusCode as number;
      });
      return Promise.race([opened, refused]);
    });
    const statuses = await Promise.all(openings);
    assert.equal(statuses.filter((status) => status === 101).length, sessionCount);
    assert.equal(statuses.filter((status) => status === 429).length, 8 - sessionCount);

    const live = clients[statuses.indexOf(101)]!;
    for (const audio of await spoken('timer-en', 1500))
      live.send({ type: 'input_audio_buffer.append', audio });
    const path = `${server.address}/v1/audio/transcriptions`;
    const answers = await Promise.all(
      Array.from({ length: 30 }, () => fetch(path, { method: 'POST', body: sampleForm() })),
    );
    let served = 0;
    for (const answer of answers) {
      const document = await documentOf(answer);
      if (answer.status === 200) {
        served++;
        assert.equal(document.text, TEXT);
        continue;
      }
      assert.deepEqual([answer.status, document.error.code], [429, 'rate_limit_exceeded']);
      assert.match(answer.headers.get('retry-after') ?? '', /^\d+$/);
    }
    assert.ok(served >= 8 && served < 30, `${served} of 30`);
    const { transcript } = await live.next('conversation.item.input_audio_transcription.completed');
    assert.equal(transcript, TEXT);
    for (const { socket } of clients) socket.close();
    assert.equal((await documentOf(await fetch(`${server.address}/health`))).status, 'ok');
  } finally {
    await server.stop();
  }
});

test('a session’s context is memory too', async () => {
  const server = await startServer();
  try {
    const client = new RealtimeClient(server.address);
    const update = (prompt: string): void => {
      const input = { transcription: { model: 'demo', prompt } };
      client.send({ type: 'session.update', session: { type: 'transcription', audio: { input } } });
    };
    await client.next('session.created');
    update('kitchen '.repeat(4000));
    const { error } = await client.next('error');
    assert.deepEqual([error?.code, error?.param], ['invalid_value', 'prompt']);
    update('kitchen');
    await client.next('session.updated');
    client.socket.close();
  } finally {
    await server.stop();
  }
});

test('less than a segment needs is refused at the start, in one line', async () => {
  const args = ['serve', '-d', demoModelDir, '-t', '1', '--port', '0', '--memory-mb', '1'];
  const { code, stderr } = await runCli('qwen_asr', args);
  assert.equal(code, 1);
  assert.match(stderr, /^error: expected at least \d+ MB for a segment beside the model, found 1 MB\n$/);
});
