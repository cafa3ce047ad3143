import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Encoder } from '../../src/encoder/encoder.js';
import { readModelConfig } from '../../src/model/config.js';
import { readModelDirectory } from '../../src/model/modelDirectory.js';
import type { ModelFiles } from '../../src/model/readModelFolder.js';
import { loadEncoderWeights } from '../../src/model/weights.js';
import { createReferenceBackend } from '../../src/ops/reference/referenceBackend.js';
import { readGolden, readGoldenStage, relativeRms } from '../support/golden.js';
import { demoModelDir } from '../support/projectRoot.js';

/** Stages agree with the independent implementation to this relative RMS; both compute in f32 or better. */
const BOUND = 1e-4;

const backend = createReferenceBackend();
let files: ModelFiles;
let encoder: Encoder;

before(async () => {
  files = await readModelDirectory(demoModelDir);
  const config = readModelConfig(files.tensors, files.configJson);
  const weights = loadEncoderWeights(files.tensors, config.encoder, config.decoder.hidden, backend);
  encoder = new Encoder(backend, config.encoder, weights);
});

after(async () => {
  await backend.close();
  files.release();
});

for (const clip of ['timer-en', 'weather-de', 'music-es', 'silence-3s', 'morning-en']) {
  test(`stem, first layer and output of ${clip} match the independent implementation`, async () => {
    const name = `demo/${clip}`;
    const frames = readGolden(name).shapes['mel']![1]!;
    const mel = { data: readGoldenStage(name, 'mel'), bins: 128, frames };
    const stages = new Map<string, Float32Array>();
    const encoding = await encoder.encode(mel, { observer: (stage, values) => stages.set(stage, values) });
    assert.deepEqual(
      [...stages.keys()],
      ['stem', 'enc_layer0', 'enc_layer1', 'enc_layer2', 'enc_layer3', 'encoder'],
    );
    for (const stage of ['stem', 'enc_layer0', 'encoder']) {
      const error = relativeRms(stages.get(stage)!, readGoldenStage(name, stage));
      assert.ok(error < BOUND, `${stage}: relative RMS ${error}`);
    }
    assert.deepEqual(stages.get('encoder'), encoding.data);
    assert.deepEqual([encoding.tokens, encoding.hidden], readGolden(name).shapes['encoder']);
  });
}

test('tokens of different windows do not see each other', async () => {
  const name = 'demo/morning-en';
  const frames = readGolden(name).shapes['mel']![1]!;
  const windowFrames = 800;
  const hidden = readGolden(name).shapes['encoder']![1]!;
  /** 104 tokens a window. */
  const split = 104 * hidden;
  const original = readGoldenStage(name, 'mel');
  /** The clip with noise in the frames [from, to). */
  const changed = (from: number, to: number) =>
    original.map((value, at) => (at % frames >= from && at % frames < to ? Math.sin(at) : value));
  const encode = async (data: Float32Array) => (await encoder.encode({ data, bins: 128, frames })).data;
  const plain = await encode(original);
  const secondChanged = await encode(changed(windowFrames, frames));
  assert.deepEqual(secondChanged.subarray(0, split), plain.subarray(0, split));
  assert.ok(relativeRms(secondChanged.subarray(split), plain.subarray(split)) > 0.1);
  const firstChanged = await encode(changed(0, 100));
  assert.deepEqual(firstChanged.subarray(split), plain.subarray(split));
  // The whole first window feels a change in its first second.
  const lastRow = split - hidden;
  assert.notDeepEqual(firstChanged.subarray(lastRow, split), plain.subarray(lastRow, split));
});

test('a tail shorter than a chunk adds its own tokens only', async () => {
  for (const [frames, tokens] of [
    [50, 7],
    [99, 13],
    [100, 13],
    [101, 14],
    [250, 33],
  ] as const) {
    const encoding = await encoder.encode({ data: new Float32Array(128 * frames), bins: 128, frames });
    assert.equal(encoding.tokens, tokens);
    assert.equal(encoding.data.length, tokens * encoding.hidden);
  }
});

test('encoding leaves no activations behind', async () => {
  const before = backend.activationBytes;
  await encoder.encode({ data: new Float32Array(128 * 120), bins: 128, frames: 120 });
  const failing = encoder.encode(
    { data: new Float32Array(128 * 120), bins: 128, frames: 120 },
    { signal: AbortSignal.abort() },
  );
  await assert.rejects(failing, { code: 'aborted' });
  assert.equal(backend.activationBytes, before);
});
