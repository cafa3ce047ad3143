import assert from 'node:assert/strict';
import { test } from 'node:test';
import { joinTexts } from '../../src/index.js';
import { createReferenceBackend } from '../../src/ops/reference/referenceBackend.js';
import { modelOnBackend } from '../bench/support/modelOnBackend.js';
import { withCacheLimit } from '../bench/support/withCacheLimit.js';
import { wrapBackend } from '../bench/support/wrapBackend.js';
import { oneLineError } from '../model/support/oneLineError.js';
import { demoModelDir } from '../support/projectRoot.js';
import { speakSentences } from '../support/sentences.js';

test('where memory does not suffice for the batch, it becomes smaller', async () => {
  const asked: number[] = [];
  const backend = createReferenceBackend();
  const model = await modelOnBackend(demoModelDir, withCacheLimit(backend, 2, asked));
  const { samples, texts } = await speakSentences([0, 1, 2]);
  const rows: number[] = [];
  const found: string[] = [];
  const options = { segmentMs: 4000, batch: 9, onDecodeStep: (_: number, count: number) => rows.push(count) };
  for await (const { text } of model.transcribeLong(samples, options)) found.push(text);
  assert.equal(joinTexts(found), texts.join(' '));
  assert.deepEqual(asked, [9, 4, 2]);
  assert.equal(Math.max(...rows), 2);
  assert.equal(backend.activationBytes, 0);
  await model.close();
});

test('a clip that does not fit is refused before anything is computed', async () => {
  const base = createReferenceBackend();
  const watched = wrapBackend(base, {
    beforeRun: async (label) => assert.fail(`${label} ran`),
  });
  const model = await modelOnBackend(demoModelDir, withCacheLimit(watched, 0, []));
  const samples = new Float32Array(90 * 16_000).fill(0.1);
  const refused = oneLineError('memory', /^90 s of audio at once, with 1080 tokens, .*shorter segments/);
  await assert.rejects(model.transcribe(samples).result, refused);
  const segment = { index: 0, startMs: 0, endMs: 90_000, samples };
  const segments = (async function* () {
    yield segment;
  })();
  await assert.rejects(model.transcribeSegments(segments).next(), refused);
  assert.equal(base.activationBytes, 0);
  await model.close();
});

test('where memory does not suffice for one, that is the error', async () => {
  const asked: number[] = [];
  const model = await modelOnBackend(demoModelDir, withCacheLimit(createReferenceBackend(), 0, asked));
  const { samples } = await speakSentences([1]);
  await assert.rejects(model.transcribeLong(samples).next(), oneLineError('memory'));
  assert.deepEqual(asked, [4, 2, 1]);
  await model.close();
});

test('what has come is transcribed while its source waits for more', async () => {
  const model = await modelOnBackend(demoModelDir, createReferenceBackend());
  const { samples, texts } = await speakSentences([0, 1]);
  let release = (): void => {};
  const later = new Promise<void>((resolve) => {
    release = resolve;
  });
  const half = samples.length / 2;
  const segments = (async function* () {
    yield { index: 0, startMs: 0, endMs: 4000, samples: samples.subarray(0, half) };
    await later;
    yield { index: 1, startMs: 4000, endMs: 8000, samples: samples.subarray(half) };
  })();
  const found: string[] = [];
  for await (const { text } of model.transcribeSegments(segments)) {
    found.push(text);
    release(); // not before the first is there
  }
  assert.deepEqual(found, texts);
  await model.close();
});

test('who has heard enough need not wait for a source that waits', async () => {
  const model = await modelOnBackend(demoModelDir, createReferenceBackend());
  const { samples, texts } = await speakSentences([0]);
  const segments = (async function* () {
    yield { index: 0, startMs: 0, endMs: 4000, samples };
    await new Promise(() => {}); // never
  })();
  for await (const { text } of model.transcribeSegments(segments)) {
    assert.equal(text, texts[0]);
    break;
  }
  await model.close();
});
