import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assembleAffine, type WordTensor } from '../../src/model/affineTensors.js';
import type { PlainParameter } from '../../src/ops/parameter.js';
import { oneLineError } from './support/oneLineError.js';

const MODULE = 'model.layers.0.mlp.up_proj';

function words(shape: number[], name = `${MODULE}.weight`): WordTensor {
  return { name, shape, bytes: new Uint8Array(4 * shape.reduce((product, size) => product * size, 1)) };
}

function groups(shape: number[], name: string, value = 0x3c00): PlainParameter {
  const values = new Uint16Array(shape.reduce((product, size) => product * size, 1)).fill(value);
  return { name, shape, dtype: 'bf16', bytes: new Uint8Array(values.buffer) };
}

const pair = (shape: number[]) => [groups(shape, `${MODULE}.scales`), groups(shape, `${MODULE}.biases`)];
const config = (quantization: object) => JSON.stringify({ quantization });
const EIGHT = config({ group_size: 64, bits: 8, mode: 'affine' });

test('three tensors become one matrix of the shape they stand for', () => {
  const norm = groups([128], 'model.norm.weight');
  const found = assembleAffine('dir', [norm, ...pair([16, 2])], [words([16, 32])], EIGHT);
  assert.deepEqual(found.plain, [norm]);
  assert.deepEqual(found.words, []);
  const [matrix] = found.affine;
  assert.deepEqual(matrix?.shape, [16, 128]);
  assert.equal(matrix?.bits, 8);
  assert.equal(matrix?.groupSize, 64);
});

test('an exception of config.json holds for its module, and quantization_config is the same section', () => {
  const own = { group_size: 64, bits: 8, [MODULE]: { group_size: 32, bits: 4 } };
  for (const text of [config(own), JSON.stringify({ quantization_config: own })]) {
    const [matrix] = assembleAffine('dir', pair([16, 4]), [words([16, 16])], text).affine;
    assert.deepEqual([matrix?.bits, matrix?.groupSize, matrix?.shape], [4, 32, [16, 128]]);
  }
});

test('what has scales is quantised, even where config.json names other modules only', () => {
  const text = config({ group_size: 64, bits: 8, [MODULE]: false, 'model.embed_tokens': { bits: 4 } });
  assert.equal(assembleAffine('dir', pair([16, 2]), [words([16, 32])], text).affine.length, 1);
});

test('words without scales are no matrix', () => {
  const found = assembleAffine('dir', [], [words([4], 'position_ids')], undefined);
  assert.deepEqual([found.affine.length, found.words.length], [0, 1]);
});

const MISTAKES: readonly (readonly [
  what: string,
  parts: PlainParameter[],
  config: string,
  message: RegExp,
])[] = [
  ['no scales', [groups([16, 2], `${MODULE}.biases`)], EIGHT, /up_proj\.scales is missing/],
  ['no biases', [groups([16, 2], `${MODULE}.scales`)], EIGHT, /up_proj\.biases is missing/],
  ['other rows', pair([8, 2]), EIGHT, /does not fit scales of \[8, 2\]/],
  ['other bits', pair([16, 2]), config({ group_size: 64, bits: 4 }), /of 4 bits in groups of 64/],
  ['unknown bits', pair([16, 2]), config({ group_size: 64, bits: 7 }), /bits: expected 2, .* found 7/],
  [
    'unknown group',
    pair([16, 2]),
    config({ group_size: 48, bits: 8 }),
    /group_size: expected 32, .* found 48/,
  ],
  [
    'another mode',
    pair([16, 2]),
    config({ group_size: 32, bits: 4, mode: 'mxfp4' }),
    /expected affine, found .?mxfp4/,
  ],
  [
    'another mode of a module',
    pair([16, 2]),
    config({ group_size: 64, bits: 8, [MODULE]: { mode: 'nvfp4' } }),
    /nvfp4/,
  ],
  ['no word in config.json', pair([16, 2]), '{}', /does not say its bits and group_size/],
  [
    'biases of another shape',
    [groups([16, 2], `${MODULE}.scales`), groups([16, 1], `${MODULE}.biases`)],
    EIGHT,
    /scales and biases of one shape/,
  ],
];

for (const [what, parts, text, message] of MISTAKES) {
  test(`${what}: one clear line`, () => {
    assert.throws(
      () => assembleAffine('dir', parts, [words([16, 32])], text),
      oneLineError('model', message),
    );
  });
}
