import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { ApiError } from '../../src/serve/apiError.js';
import { openUpload, transcribeUpload, type UploadEngine } from '../../src/serve/engine/transcribeUpload.js';
import { EventStream } from '../../src/serve/http/eventStream.js';
import { DEFAULT_SERVE_SETTINGS } from '../../src/serve/serveSettings.js';
import { loadModel } from '../../src/transcribe/loadModel.js';
import type { TranscriptionBatch } from '../../src/transcribe/types.js';
import { demoModelDir } from '../support/projectRoot.js';
import { documentOf, sampleForm } from './support/sampleForm.js';
import { startServer } from './support/startServer.js';

const clip = join(demoModelDir, 'samples', 'timer-en.wav');

test('a transcript that was cut is an error, unless its caller asked for so few tokens', async () => {
  const model = await loadModel(demoModelDir, { precision: 'f32' });
  const real = model.openBatch({ sequences: 1 });
  // The model comes to an end with everything that one can say to it; this one does not.
  const batch: TranscriptionBatch = {
    load: real.load,
    close: async () => {},
    async *transcribeSegments(segments, options) {
      for await (const segment of real.transcribeSegments(segments, options)) {
        yield { ...segment, truncated: true };
      }
    },
  };
  const engine: UploadEngine = { batch, model: model.info, aligner: null, settings: DEFAULT_SERVE_SETTINGS };
  const { signal } = new AbortController();
  const run = async (options: { maxTokens?: number }) =>
    transcribeUpload(engine, await openUpload(engine, clip, signal), { signal, ...options });
  await assert.rejects(run({}), (error) => {
    assert.ok(error instanceof ApiError);
    assert.deepEqual([error.status, error.reason], [500, 'transcript_incomplete']);
    assert.match(error.message, /from 0 s to 2\.\d+ s$/);
    return true;
  });
  assert.equal((await run({ maxTokens: 400 })).transcript.truncated, true);
  await real.close();
  await model.close();
});

test('a client that does not read its stream ends its own work', async () => {
  const ends: ApiError[] = [];
  const events = new EventStream({ end: (reason) => ends.push(reason) });
  const megabyte = 'a'.repeat(2 ** 20);
  for (let i = 0; i < 3; i++) events.send({ megabyte });
  assert.deepEqual(ends, []);
  for (let i = 0; i < 3; i++) events.send({ megabyte });
  assert.deepEqual(
    ends.map(({ status }) => status),
    [499],
  );
  await assert.rejects(events.response({}).text(), /does not read/);
});

test('--no-ffmpeg: what is not decoded here is refused', async () => {
  const server = await startServer({ ffmpeg: false });
  const webm = new Uint8Array([0x1a, 0x45, 0xdf, 0xa3, ...new Uint8Array(200)]);
  const body = sampleForm({}, webm);
  const answer = await fetch(`${server.address}/v1/audio/transcriptions`, { method: 'POST', body });
  const { error } = await documentOf(answer);
  assert.deepEqual([answer.status, error.param, error.code], [400, 'file', 'invalid_audio']);
  assert.match(error.message, /may not be used here/);
  await server.stop();
});
