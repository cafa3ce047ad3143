import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Encoder } from '../../src/encoder/encoder.js';
import { readModelConfig } from '../../src/model/config.js';
import { loadEncoderWeights } from '../../src/model/encoderWeights.js';
import { readModelDirectory } from '../../src/model/modelDirectory.js';
import type { ModelFiles } from '../../src/model/modelFiles.js';
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

for (const clip of ['timer-en', 'weather-de', 'music-es', 'silence-3s', 'two-windows-en']) {
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
