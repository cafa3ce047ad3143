import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readModelConfig } from '../../src/model/config.js';
import type { ModelTensors } from '../../src/model/modelTensors.js';
import { sharesEmbedding } from '../../src/model/repeatedHead.js';
import { WeightForms } from '../../src/model/weightForms.js';
import { loadDecoderWeights, loadEncoderWeights } from '../../src/model/weights.js';
import type { Backend, Weight } from '../../src/ops/operators.js';
import type { Parameter } from '../../src/ops/parameter.js';
import { sameBytes } from '../../src/ops/sameBytes.js';
import { demoTensors, hfName } from './support/demoModel.js';
import { fakeTensors } from './support/fakeTensors.js';
import { oneLineError } from './support/oneLineError.js';

const demoList = demoTensors();

/** A backend that only notes what it was asked to place. */
function recordingBackend() {
  const placed: [name: string, layout: string][] = [];
  const weight: Backend['weight'] = (parameter: Parameter, layout = 'matrix') => {
    placed.push([parameter.name, layout]);
    return { name: parameter.name, shape: parameter.shape, dtype: parameter.dtype, byteLength: 0 };
  };
  return { placed, weight };
}

function load(tensors: ModelTensors) {
  const backend = recordingBackend();
  const config = readModelConfig(tensors);
  const encoder = loadEncoderWeights(tensors, config.encoder, config.decoder.hidden, backend);
  const decoder = loadDecoderWeights(tensors, config.decoder, backend);
  return { encoder, decoder, placed: backend.placed };
}

/** Names of all weights in a struct, with the path of fields that leads to each. */
function paths(value: unknown, path = ''): [path: string, name: string][] {
  if (Array.isArray(value)) return value.flatMap((item, index) => paths(item, `${path}.${index}`));
  const weight = value as Weight;
  if (typeof weight.name === 'string') return [[path.slice(1), weight.name]];
  return Object.entries(weight).flatMap(([key, item]) => paths(item, `${path}.${key}`));
}

/** The checkpoint name that a path of camelCase fields stands for. */
function snakeCase(path: string): string {
  return path.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

test('every encoder weight comes from the tensor of its name', () => {
  const { encoder } = load(fakeTensors(demoList));
  const found = paths(encoder);
  assert.equal(found.length, 7 + 4 * 16 + 6);
  for (const [path, name] of found) {
    const field = snakeCase(path).replace(/\.(q|k|v|out)_proj\./, '.self_attn.$1_proj.');
    assert.equal(name, `thinker.audio_tower.${field === 'conv_out' ? 'conv_out.weight' : field}`);
  }
});

test('every decoder weight comes from the tensor of its name', () => {
  const { decoder } = load(fakeTensors(demoList));
  const found = paths(decoder).filter(([path]) => path !== 'lmHead');
  assert.equal(found.length, 1 + 4 * 11 + 1);
  for (const [path, name] of found) {
    const field = snakeCase(path)
      .replace(/\.(q|k|v|o)_(proj|norm)$/, '.self_attn.$1_$2')
      .replace(/\.(gate|up|down)_proj$/, '.mlp.$1_proj');
    assert.equal(name, `thinker.model.${field}.weight`);
  }
});

test('places every tensor once, with the layout of its use, in both name layouts', () => {
  for (const rename of [(name: string) => name, hfName]) {
    const list = demoList.map((tensor) => ({ ...tensor, name: rename(tensor.name) }));
    const { placed } = load(fakeTensors(list));
    const layouts = new Map(placed);
    assert.equal(placed.length, layouts.size);
    assert.equal(placed.length, demoList.length);
    for (const { name, shape } of list) {
      const layout = ['', 'vector', 'matrix', '', 'convolution'][shape.length];
      assert.equal(layouts.get(name), layout, name);
    }
  }
});

test('the head: absent, stored, or the very memory of the embedding', () => {
  const tied = load(fakeTensors(demoList)).decoder;
  assert.equal(tied.lmHead, tied.embedTokens);
  const head = { name: 'thinker.lm_head.weight', shape: [1967, 256] };
  const list = [...demoList, head];
  // All fake tensors share one empty array, so this head is the embedding's memory.
  const shared = load(fakeTensors(list)).decoder;
  assert.equal(shared.lmHead, shared.embedTokens);
  const tensors = fakeTensors(list);
  const own: Parameter = { ...tensors.require('lm_head.weight'), bytes: new Uint8Array(8) };
  (tensors.byName as Map<string, Parameter>).set('lm_head.weight', own);
  assert.equal(load(tensors).decoder.lmHead.name, 'thinker.lm_head.weight');
});

test('a stored head that repeats the embedding shares its place where weights are copied', async () => {
  const list = [...demoList, { name: 'thinker.lm_head.weight', shape: [1967, 256] }];
  const byteLength = 2 * 1967 * 256;
  for (const changed of [null, 0, byteLength - 1]) {
    const tensors = fakeTensors(list);
    const byName = tensors.byName as Map<string, Parameter>;
    const bytes = Uint8Array.from({ length: byteLength }, (_, i) => i % 251);
    const copy = bytes.slice();
    if (changed !== null) copy[changed]! ^= 1;
    const plain = { shape: [1967, 256], dtype: 'bf16' } as const;
    byName.set('model.embed_tokens.weight', { ...plain, name: 'embedding', bytes });
    byName.set('lm_head.weight', { ...plain, name: 'head', bytes: copy });
    const config = readModelConfig(tensors);
    const compared: Uint8Array[] = [];
    const sameBytesOf = async (a: Uint8Array, b: Uint8Array): Promise<boolean> => {
      compared.push(a, b);
      return sameBytes(a, b);
    };
    const { weight } = recordingBackend();
    const forms = new WeightForms(tensors, 'int8', 'f32');
    const isShared = await sharesEmbedding(tensors, forms, { sameBytes: sameBytesOf });
    assert.equal(isShared, changed === null);
    assert.deepEqual(compared, [bytes, copy]);
    const { lmHead, embedTokens } = loadDecoderWeights(tensors, config.decoder, { weight }, forms, isShared);
    assert.equal(lmHead === embedTokens, isShared);
    // What is used where it lies is not compared.
    const inPlace = new WeightForms(tensors, 'bf16', 'bf16');
    assert.equal(await sharesEmbedding(tensors, inPlace, { sameBytes: sameBytesOf }), false);
    assert.equal(compared.length, 2);
  }
});

test('a missing tensor, or one of another shape, is named whichever it is', () => {
  for (const { name, shape } of demoList) {
    const rest = demoList.filter((tensor) => tensor.name !== name);
    const escaped = name.replaceAll('.', '\\.');
    assert.throws(() => load(fakeTensors(rest)), oneLineError('model', new RegExp(`${escaped} is missing`)));
    const longer = [...shape.slice(0, -1), (shape.at(-1) ?? 0) + 64];
    // Sizes are read from some tensors, so the blame may fall on another one; both shapes are always said.
    const wrong = [...rest, { name, shape: longer }];
    assert.throws(() => load(fakeTensors(wrong)), oneLineError('model', /expected .*, found/));
  }
});

test('says expected and found shape', () => {
  const list = demoList.map((tensor) =>
    tensor.name === 'thinker.audio_tower.layers.3.fc2.weight' ? { ...tensor, shape: [768, 192] } : tensor,
  );
  assert.throws(
    () => load(fakeTensors(list)),
    oneLineError(
      'model',
      /^dir: tensor thinker\.audio_tower\.layers\.3\.fc2\.weight: expected shape \[192, 768\], found \[768, 192\]$/,
    ),
  );
});
