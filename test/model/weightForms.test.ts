import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesAhead, expectedPrecision, WeightForms } from '../../src/model/weightForms.js';
import type { AffineBits, AffineParameter, Parameter } from '../../src/ops/parameter.js';
import { fakeTensors } from './support/fakeTensors.js';

const tensors = fakeTensors([{ name: 'thinker.model.norm.weight', shape: [192] }]);
const DOWN = 'model.layers.3.mlp.down_proj.weight';
const HEAD = 'lm_head.weight';
const EMBEDDING = 'model.embed_tokens.weight';
const ENCODER = 'audio_tower.layers.0.fc1.weight';

function plain(columns: number): Parameter {
  return { name: 'x', shape: [64, columns], dtype: 'bf16', bytes: new Uint8Array(0) };
}

function affine(bits: AffineBits, groupSize: number): AffineParameter {
  const bytes = new Uint8Array(0);
  const part = { name: 'x', shape: [64, 2], dtype: 'bf16', bytes } as const;
  const size = { name: 'x.weight', shape: [64, 2 * groupSize], dtype: 'affine', bytes } as const;
  return { ...size, bits, groupSize, scales: part, biases: part };
}

test('int8 rounds every matrix to 8 bits; int4 the decoder’s products to 4, the rest to 8', () => {
  const eight = new WeightForms(tensors, 'int8', 'bf16');
  const four = new WeightForms(tensors, 'int4', 'f32');
  for (const name of [DOWN, HEAD, EMBEDDING, ENCODER]) {
    assert.deepEqual(eight.of(name, plain(192)), { bits: 8, groupSize: 64 });
    assert.deepEqual(four.of(name, plain(192)), { bits: name === DOWN ? 4 : 8, groupSize: 64 });
  }
  assert.deepEqual([eight.precision, eight.note, four.precision], ['int8', null, 'int4']);
});

test('f32 and bf16 hold nothing as integers, whatever is stored', () => {
  for (const precision of ['f32', 'bf16'] as const) {
    const forms = new WeightForms(tensors, precision, 'f32');
    assert.equal(forms.of(DOWN, plain(192)), undefined);
    assert.equal(forms.of(DOWN, affine(4, 64)), undefined);
    assert.equal(forms.precision, precision);
  }
});

test('as stored: 2 to 4 bits in 4, 5 to 8 in 8, in their own groups; what is not quantised stays so', () => {
  const forms = new WeightForms(tensors, 'auto', 'bf16');
  for (const [bits, held] of [
    [2, 4],
    [3, 4],
    [4, 4],
    [5, 8],
    [6, 8],
    [8, 8],
  ] as const) {
    for (const groupSize of [32, 64, 128]) {
      assert.deepEqual(forms.of(DOWN, affine(bits, groupSize)), { bits: held, groupSize });
    }
  }
  assert.equal(forms.of(ENCODER, plain(192)), undefined);
  assert.equal(forms.precision, 'bf16');
});

test('a stored matrix keeps its bits unless fewer were asked for', () => {
  const eight = new WeightForms(tensors, 'int8', 'f32');
  const four = new WeightForms(tensors, 'int4', 'f32');
  assert.deepEqual(eight.of(DOWN, affine(4, 32)), { bits: 4, groupSize: 32 });
  assert.deepEqual(four.of(DOWN, affine(8, 32)), { bits: 4, groupSize: 32 });
  assert.deepEqual(four.of(ENCODER, affine(8, 32)), { bits: 8, groupSize: 32 });
  assert.deepEqual(four.of(ENCODER, affine(4, 128)), { bits: 4, groupSize: 128 });
});

test('a matrix whose rows no group divides keeps its type, with a note', () => {
  const forms = new WeightForms(tensors, 'int8', 'bf16');
  assert.equal(forms.of(DOWN, plain(96)), undefined);
  assert.equal(forms.of(DOWN, plain(96)), undefined);
  assert.equal(forms.note, `${DOWN} keeps its type: groups of 64 do not divide the rows`);
  forms.of(ENCODER, plain(32));
  assert.match(forms.note ?? '', /and 1 more keep their type/);
});

test('convolutions are rounded to 8 bits in the largest groups of channels, in models that are rounded', () => {
  const convolution = (channels: number): Parameter => ({
    name: 'conv',
    shape: [64, channels, 3, 3],
    dtype: 'bf16',
    bytes: new Uint8Array(0),
  });
  const of = (precision: 'auto' | 'f32' | 'bf16' | 'int8' | 'int4', channels: number) =>
    new WeightForms(tensors, precision, 'bf16').ofConvolution(convolution(channels));
  for (const [channels, groupSize] of [
    [480, 160],
    [512, 128],
    [288, 96],
    [192, 96],
    [64, 64],
    [32, 32],
  ] as const) {
    assert.deepEqual(of('int8', channels), { bits: 8, groupSize });
    assert.deepEqual(of('int4', channels), { bits: 8, groupSize });
    for (const precision of ['auto', 'f32', 'bf16'] as const)
      assert.equal(of(precision, channels), undefined);
  }
  assert.equal(of('int8', 1), undefined, 'the first has one channel');
});

test('config.json tells the precision before the weights are opened', () => {
  const expected = (config: string | undefined) => expectedPrecision(config, 'auto', 'bf16');
  assert.equal(expected('{"quantization":{"group_size":64,"bits":8}}'), 'int8');
  assert.equal(expected('{"quantization_config":{"group_size":64,"bits":4}}'), 'int4');
  for (const config of [undefined, '{}', '{"quantization":7}', '{"quantization":null}', 'no JSON']) {
    assert.equal(expected(config), 'bf16', config);
  }
  assert.equal(expectedPrecision('{"quantization":{"bits":4}}', 'f32', 'bf16'), 'f32');
});

test('memory is given ahead for packed matrices, less what of their source is resident meanwhile', () => {
  const embedding = { name: 'thinker.model.embed_tokens.weight', shape: [128, 192] };
  const down = { name: `thinker.${DOWN}`, shape: [1280, 192] };
  const norm = { name: 'thinker.model.norm.weight', shape: [192] };
  const head = { name: 'thinker.lm_head.weight', shape: [128, 192] };
  const ahead = (parameters: (typeof norm)[], precision: 'int8' | 'int4' | 'auto'): number => {
    const found = fakeTensors(parameters);
    return bytesAhead(found, new WeightForms(found, precision, 'bf16'));
  };
  // A byte a value, or half of one, and 4 bytes for each 64; the source has two bytes a value.
  const [embedded, eight, four] = [128 * 3 * (64 + 4), 1280 * 3 * (64 + 4), 1280 * 3 * (32 + 4)];
  const source = 2 * 128 * 192;
  assert.equal(ahead([embedding, down, norm], 'int8'), embedded + eight - source);
  assert.equal(ahead([embedding, down, norm], 'int4'), embedded + four - source);
  assert.equal(ahead([embedding, down, norm, head], 'int8'), embedded + eight - 2 * source);
  assert.equal(ahead([embedding, norm, head], 'int8'), 0);
  assert.equal(ahead([embedding, down, norm], 'auto'), 0);
});
