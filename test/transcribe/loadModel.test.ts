import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadModel } from '../../src/index.js';
import { detectX64Levels } from '../../src/runtime/cpuFeatures.js';
import { loadNative } from '../../src/runtime/system/loadNative.js';
import type { LoadOptions } from '../../src/transcribe/types.js';
import { demoTensors, writeDemoCopy } from '../model/support/demoModel.js';
import { oneLineError } from '../model/support/oneLineError.js';
import { temporaryDirectory } from '../model/support/temporaryDirectory.js';
import { demoModelDir } from '../support/projectRoot.js';

test('info describes the demo model as its README does', async () => {
  const model = await loadModel(demoModelDir, { backend: 'reference' });
  const { loadMs, parameters, weightBytes, ...info } = model.info;
  assert.deepEqual(info, {
    source: demoModelDir,
    synthetic: false,
    published: null,
    encoder: { dModel: 192, layers: 4, heads: 3, ffn: 768, convChannels: 32 },
    decoder: { hidden: 256, layers: 4, heads: 4, kvHeads: 2, headDim: 64, intermediate: 640, vocab: 1967 },
    languages: ['English', 'German', 'Spanish', 'Chinese'],
    backend: 'reference',
    isa: 'scalar',
    precision: 'f32',
    operand: 'f32',
    products: { convolutions: 'f32', encoderLayers: 'f32', prefill: 'f32' },
    threads: 1,
    // The matrices' elements, in bf16.
    readBytes: {
      convStem: 2 * (32 * 9 + 2 * 32 * 32 * 9 + 192 * 16 * 32),
      encoderLayers: 2 * (4 * (4 * 192 * 192 + 2 * 192 * 768) + 192 * 192 + 192 * 256),
      decoderLayers: 2 * 4 * (2 * 256 * 256 + 2 * 256 * 128 + 3 * 256 * 640),
      head: 2 * 1967 * 256,
    },
    notes: [],
  });
  assert.equal(Math.round(parameters / 1e4), 524);
  assert.equal(weightBytes, 2 * parameters);
  assert.ok(loadMs > 0);
  await model.close();
});

const native = await loadNative();
for (const [isa, precision, multiplied] of [
  ['avx2', 'f32', 'f32'],
  ['avx2', 'int4', 'int8'],
  ['avx512bf16', 'bf16', 'bf16'],
  ['avx512bf16', 'int8', 'int8'],
  ['amx', 'bf16', 'bf16'],
  ['amx', 'int8', 'bf16'], // by tiles, which make bf16 of the integers
] as const) {
  const missing = typeof native === 'string' ? native : !detectX64Levels(native).includes(isa);
  test(`info says what many rows are multiplied as: ${multiplied} with ${precision} on ${isa}`, {
    skip: missing === true ? `this CPU has no ${isa}` : missing,
  }, async () => {
    const model = await loadModel(demoModelDir, { backend: 'x64', isa, precision, threads: 1 });
    const products = { convolutions: multiplied, encoderLayers: multiplied, prefill: multiplied };
    assert.deepEqual(model.info.products, products);
    await model.close();
  });
}

test('arithmetic that is not there is refused, as are thread counts below 1 or beyond reason', async () => {
  for (const threads of [0, -1, 1.5, NaN, 1025, 1e9]) {
    await assert.rejects(
      loadModel(demoModelDir, { threads }),
      oneLineError('usage', /^threads: .*at least 1/),
    );
  }
  await assert.rejects(
    loadModel(demoModelDir, { backend: 'reference', isa: 'mmx' }),
    oneLineError('unsupported', /^isa: .*mmx/),
  );
  await assert.rejects(
    loadModel(demoModelDir, { backend: 'reference', precision: 'bf16' }),
    oneLineError('unsupported', /^precision: .*bf16/),
  );
  // As a caller without types may write it.
  const misspelt: LoadOptions[] = JSON.parse('[{"backend":"gpu"},{"precision":"int3"}]');
  for (const options of misspelt) {
    await assert.rejects(
      loadModel(demoModelDir, options),
      oneLineError('unsupported', /^(backend|precision): .*(gpu|int3)/),
    );
  }
});

test('a source that is no model is refused', async (t) => {
  await assert.rejects(loadModel('synthetic:2b'), oneLineError('usage', /tiny, 0\.6b or 1\.7b/));
  await assert.rejects(loadModel(join(demoModelDir, 'absent')), oneLineError('file', /absent/));
  const directory = temporaryDirectory(t);
  writeDemoCopy(directory, demoTensors());
  rmSync(join(directory, 'vocab.json'));
  await assert.rejects(loadModel(directory), oneLineError('model', /vocab\.json/));
  const incomplete = demoTensors().filter(({ name }) => name !== 'thinker.model.norm.weight');
  writeDemoCopy(directory, incomplete);
  await assert.rejects(
    loadModel(directory),
    oneLineError('model', /thinker\.model\.norm\.weight is missing/),
  );
});
