import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { loadAligner, loadWav } from '../../src/index.js';
import { samplesOf } from '../../src/serve/realtime/audioFormat.js';
import type { Aligner } from '../../src/transcribe/types.js';
import { readGolden } from '../support/golden.js';
import { demoAlignerDir, demoModelDir } from '../support/projectRoot.js';
import { piecesOf, RealtimeClient, spoken } from './support/realtimeClient.js';
import { startServer, type TestServer } from './support/startServer.js';

const GOLDEN = readGolden('demo/timer-en');

let aligner: Aligner;
let server: TestServer;

before(async () => {
  aligner = await loadAligner(demoAlignerDir, { precision: 'f32' });
  server = await startServer({}, aligner);
});

after(async () => {
  await server.stop();
  await aligner.close();
});

/** A byte of telephony as 16-bit PCM, in the integer steps of the reference programs for G.711. */
const STEPS = {
  'audio/pcmu': (byte: number): number => {
    const code = ~byte & 0xff;
    const magnitude = (((code & 0x0f) << 3) + 0x84) << ((code & 0x70) >> 4);
    return (code & 0x80) === 0 ? magnitude - 0x84 : 0x84 - magnitude;
  },
  'audio/pcma': (byte: number): number => {
    const code = byte ^ 0x55;
    const segment = (code & 0x70) >> 4;
    const step = (code & 0x0f) << 4;
    const magnitude = segment === 0 ? step + 8 : (step + 0x108) << (segment - 1);
    return (code & 0x80) === 0 ? -magnitude : magnitude;
  },
} as const;

const TELEPHONY = ['audio/pcmu', 'audio/pcma'] as const;

for (const type of TELEPHONY) {
  test(`${type}: every byte is the sample that it stands for`, () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    const samples = samplesOf(bytes, { type, rateHz: 8000 });
    const expected = Array.from(bytes, (byte) => STEPS[type](byte) / 32_768);
    assert.deepEqual(
      Array.from(samples, (sample) => sample + 0), // one of the two zeros is −0
      expected.map((sample) => Math.fround(sample) + 0),
    );
  });

  test(`${type}: a call is transcribed`, async () => {
    const { samples } = await loadWav(join(demoModelDir, 'samples', 'timer-en.wav'));
    const bytes = Buffer.from(
      Array.from({ length: samples.length >> 1 }, (_, i) =>
        nearest(type, (samples[2 * i]! + samples[2 * i + 1]!) / 2),
      ),
    );
    const client = new RealtimeClient(server.address);
    await client.next('session.created');
    const input = { format: { type }, turn_detection: null, transcription: { language: 'en' } };
    client.send({ type: 'session.update', session: { type: 'transcription', audio: { input } } });
    await client.next('session.updated');
    for (const audio of piecesOf(bytes, 800)) client.send({ type: 'input_audio_buffer.append', audio });
    client.send({ type: 'input_audio_buffer.commit' });
    const { transcript } = await client.next('conversation.item.input_audio_transcription.completed');
    assert.equal(transcript, GOLDEN.text);
    client.socket.close();
  });
}

/** The byte whose sample comes nearest. */
function nearest(type: (typeof TELEPHONY)[number], sample: number): number {
  let best = 0;
  for (let byte = 1; byte < 256; byte++) {
    const distance = (code: number): number => Math.abs(STEPS[type](code) / 32_768 - sample);
    if (distance(byte) < distance(best)) best = byte;
  }
  return best;
}

test('with an aligner a finished segment says when its words were spoken', async () => {
  const client = new RealtimeClient(server.address);
  await client.next('session.created');
  const input = { turn_detection: null, transcription: { language: 'en' } };
  client.send({ type: 'session.update', session: { type: 'transcription', audio: { input } } });
  await client.next('session.updated');
  const ends: number[] = [];
  for (const turn of [0, 1]) {
    for (const audio of await spoken('timer-en', 0))
      client.send({ type: 'input_audio_buffer.append', audio });
    client.send({ type: 'input_audio_buffer.commit' });
    const { words = [] } = await client.next('conversation.item.input_audio_transcription.completed');
    assert.deepEqual(
      words.map(({ word }) => word.toLowerCase().replace(/\W/g, '')),
      GOLDEN.text.toLowerCase().match(/\w+/g),
    );
    const times = words.flatMap(({ start, end }) => [start, end]);
    assert.deepEqual(
      times,
      times.toSorted((a, b) => a - b),
    );
    const lengthS = GOLDEN.samples / 16_000;
    assert.ok(times[0]! >= turn * lengthS && times.at(-1)! <= (turn + 1) * lengthS + 0.1, `${times}`);
    ends.push(times.at(-1)!);
  }
  assert.ok(Math.abs(ends[1]! - ends[0]! - GOLDEN.samples / 16_000) < 0.2, 'in seconds of the session');
  client.socket.close();
});
