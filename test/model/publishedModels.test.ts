import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  identifyModel,
  type PublishedModel,
  publishedTensors,
  qwen3Asr06B,
  qwen3Asr17B,
  qwen3ForcedAligner06B,
} from '../../src/model/publishedModels.js';
import { syntheticShards } from '../../src/model/syntheticParts.js';
import { demoTensors, hfName } from './support/demoModel.js';
import { fakeTensors } from './support/fakeTensors.js';

const byteLength = (model: PublishedModel) =>
  publishedTensors(model).reduce((sum, { shape }) => sum + 2 * shape.reduce((a, b) => a * b, 1), 0);

test('the published lists have the published sizes', () => {
  // 0.6B: 1.876 GB, 1.7B: 4.70 GB, and the numbers of tensors: 13 + 16 a layer in the tower, 3 + 11 a layer in the text model.
  assert.equal(publishedTensors(qwen3Asr06B).length, 13 + 16 * 18 + 3 + 11 * 28);
  assert.equal(publishedTensors(qwen3Asr17B).length, 13 + 16 * 24 + 3 + 11 * 28);
  assert.equal(Math.round(byteLength(qwen3Asr06B) / 1e6), 1876);
  assert.equal(Math.round(byteLength(qwen3Asr17B) / 1e7), 470);
  // The hub's page says 1.84 GB.
  assert.equal(Math.round(byteLength(qwen3ForcedAligner06B) / 1e7), 184);
  for (const model of [qwen3Asr06B, qwen3Asr17B, qwen3ForcedAligner06B]) {
    const names = publishedTensors(model).map((tensor) => tensor.name);
    assert.equal(new Set(names).size, names.length);
    assert.ok(names.every((name) => name.startsWith('thinker.') && !name.includes('#')));
  }
});

test('synthetic models have the published names and shapes', () => {
  const lines = (list: Iterable<{ name: string; shape: readonly number[] }>) =>
    Array.from(list, ({ name, shape }) => `${name} ${shape.join(' ')}`).sort();
  const synthetic = (size: '0.6b' | '1.7b') => syntheticShards(size).flatMap((shard) => shard.tensors);
  assert.deepEqual(lines(synthetic('0.6b')), lines(publishedTensors(qwen3Asr06B)));
  assert.deepEqual(lines(synthetic('1.7b')), lines(publishedTensors(qwen3Asr17B)));
});

test('identifies published models in both layouts, with and without a stored head', () => {
  for (const model of [qwen3Asr06B, qwen3Asr17B]) {
    const original = publishedTensors(model);
    const hf = original.map((tensor) => ({ ...tensor, name: hfName(tensor.name) }));
    for (const list of [original, hf]) {
      assert.equal(identifyModel(fakeTensors(list)), model);
      assert.equal(
        identifyModel(fakeTensors(list.filter((tensor) => !tensor.name.includes('lm_head')))),
        model,
      );
    }
  }
});

test('identifies the published aligner, whose head no embedding can replace', () => {
  const original = publishedTensors(qwen3ForcedAligner06B);
  const hf = original.map(({ name, ...tensor }) => ({
    ...tensor,
    name: hfName(name).replace('lm_head', 'score'),
  }));
  for (const list of [original, hf]) {
    assert.equal(identifyModel(fakeTensors(list)), qwen3ForcedAligner06B);
    const headless = list.filter(({ name }) => !/lm_head|score/.test(name));
    assert.equal(identifyModel(fakeTensors(headless)), null);
  }
});

test('anything else is none of them', () => {
  assert.equal(identifyModel(fakeTensors(demoTensors())), null);
  const list = publishedTensors(qwen3Asr06B);
  assert.equal(identifyModel(fakeTensors(list.slice(1))), null);
  const extra = { name: 'thinker.model.layers.28.mlp.up_proj.weight', shape: [3072, 1024] };
  assert.equal(identifyModel(fakeTensors([...list, extra])), null);
  const reshaped = list.map((tensor, index) => (index === 9 ? { ...tensor, shape: [896, 895] } : tensor));
  assert.equal(identifyModel(fakeTensors(reshaped)), null);
});
