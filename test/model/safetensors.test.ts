import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { QwenAsrError } from '../../src/error.js';
import { parseSafetensors, type SafetensorsEntry } from '../../src/model/safetensors.js';
import { demoModelDir } from '../support/projectRoot.js';
import { demoTensors } from './support/demoModel.js';
import { oneLineError } from './support/oneLineError.js';
import { assembleFile, safetensorsFile } from './support/safetensorsFile.js';
import { seededRandom } from './support/seededRandom.js';

const parse = (bytes: Uint8Array): SafetensorsEntry[] =>
  parseSafetensors(bytes, bytes.length, 'x.safetensors');
const tensor = (begin: number, end: number, shape = `[${(end - begin) / 2}]`, dtype = 'BF16') =>
  `{"dtype":"${dtype}","shape":${shape},"data_offsets":[${begin},${end}]}`;

test('reads the demo model as JSON.parse does', () => {
  const bytes = readFileSync(join(demoModelDir, 'model.safetensors'));
  const entries = parse(bytes);
  const expected = demoTensors();
  assert.deepEqual(
    entries.map(({ name, dtype, shape }) => ({ name, dtype, shape })),
    expected.map(({ name, dtype, shape }) => ({ name, dtype, shape })),
  );
  for (const [index, { start, end }] of entries.entries()) {
    assert.deepEqual(new Uint8Array(bytes.subarray(start, end)), expected[index]?.bytes);
  }
});

test('keeps tensors of any order, size 0, rank 0 and unknown dtype', () => {
  const file = assembleFile(
    `{"b":${tensor(4, 8)},"empty":${tensor(4, 4, '[0,7]')},"a":${tensor(2, 4)},"scalar":${tensor(0, 2, '[]')},"q":${tensor(8, 9, '[3]', 'F3')}} \n`,
    new Uint8Array(9),
  );
  const first = file.length - 9;
  assert.deepEqual(
    parse(file).map(({ name, dtype, start, end }) => [name, dtype, start - first, end - first]),
    [
      ['b', 'BF16', 4, 8],
      ['empty', 'BF16', 4, 4],
      ['a', 'BF16', 2, 4],
      ['scalar', 'BF16', 0, 2],
      ['q', 'F3', 8, 9],
    ],
  );
  assert.deepEqual(parse(assembleFile('{}', new Uint8Array(0))), []);
});

const data = (bytes: number) => new Uint8Array(bytes);
const one = `{"a":${tensor(0, 4)}}`;
const hostile: [what: string, file: Uint8Array, pattern: RegExp][] = [
  ['an empty file', data(0), /at least 8 bytes, found 0/],
  ['seven bytes', data(7), /at least 8 bytes, found 7/],
  ['only a length', assembleFile('', data(0), 2n), /truncated: expected a header of 2 bytes, found 0/],
  ['a header of no bytes', assembleFile('', data(4), 0n), /expected \{/],
  ['a header cut off', assembleFile(one, data(0), 1000n), /truncated/],
  ['a length of 2^64 - 1', assembleFile(one, data(4), 2n ** 64n - 1n), /exceeds the limit of 100000000/],
  ['a length just over the limit', assembleFile(one, data(4), 100_000_001n), /exceeds the limit/],
  ['a header that is not UTF-8', assembleFile('', new Uint8Array([0x7b, 0xff, 0x7d]), 3n), /not UTF-8/],
  ['a byte order mark', assembleFile(`\ufeff${one}`, data(4)), /expected \{/],
  ['another file type', new TextEncoder().encode('<!DOCTYPE html><html>'), /not a safetensors file/],
  ['an array', assembleFile('[]', data(0)), /expected \{/],
  [
    'a duplicate name',
    assembleFile(`{"a":${tensor(0, 4)},"a":${tensor(0, 4)}}`, data(4)),
    /duplicate name "a"/,
  ],
  [
    'a duplicate field',
    assembleFile('{"a":{"dtype":"BF16","dtype":"F32"}}', data(4)),
    /duplicate name "dtype"/,
  ],
  ['an unknown field', assembleFile('{"a":{"dtype":"BF16","strides":[1]}}', data(4)), /found "strides"/],
  ['a missing field', assembleFile('{"a":{"dtype":"BF16","shape":[2]}}', data(4)), /found fewer/],
  ['one offset', assembleFile('{"a":{"dtype":"BF16","shape":[2],"data_offsets":[0]}}', data(4)), /fewer/],
  [
    'three offsets',
    assembleFile('{"a":{"dtype":"BF16","shape":[2],"data_offsets":[0,4,8]}}', data(4)),
    /at most 2/,
  ],
  ['reversed offsets', assembleFile(`{"a":${tensor(4, 0, '[2]')}}`, data(4)), /outside/],
  ['offsets beyond the end', assembleFile(`{"a":${tensor(0, 8)}}`, data(4)), /outside the file's 4 bytes/],
  ['a negative offset', assembleFile(`{"a":${tensor(-4, 0, '[2]')}}`, data(4)), /non-negative integer/],
  ['a negative size', assembleFile(`{"a":${tensor(0, 4, '[-2]')}}`, data(4)), /non-negative integer/],
  ['a fractional size', assembleFile(`{"a":${tensor(0, 4, '[2.5]')}}`, data(4)), /found 2.5/],
  ['a size that is text', assembleFile(`{"a":${tensor(0, 4, '["2"]')}}`, data(4)), /non-negative integer/],
  ['a nested shape', assembleFile(`{"a":${tensor(0, 4, '[[2]]')}}`, data(4)), /non-negative integer/],
  [
    'a shape too small',
    assembleFile(`{"a":${tensor(0, 4, '[1]')}}`, data(4)),
    /expected 2 bytes for BF16 \[1\]/,
  ],
  ['a shape too large', assembleFile(`{"a":${tensor(0, 4, '[2,2]')}}`, data(4)), /expected 8 bytes/],
  [
    'a product that wraps to 4 in 64 bits',
    assembleFile(`{"a":${tensor(0, 4, '[4294967296,4294967296,2]')}}`, data(4)),
    /expected/,
  ],
  [
    'a product of infinity',
    assembleFile(`{"a":${tensor(0, 4, `[${'9007199254740991,'.repeat(40)}1]`)}}`, data(4)),
    /expected/,
  ],
  [
    'too many dimensions',
    assembleFile(`{"a":${tensor(0, 2, `[${'1,'.repeat(64)}1]`)}}`, data(2)),
    /at most 64/,
  ],
  ['an overlap', assembleFile(`{"a":${tensor(0, 4)},"b":${tensor(2, 6)}}`, data(6)), /"b" overlaps/],
  ['the same bytes twice', assembleFile(`{"a":${tensor(0, 4)},"b":${tensor(0, 4)}}`, data(4)), /overlaps/],
  ['a gap', assembleFile(`{"a":${tensor(0, 4)},"b":${tensor(6, 8)}}`, data(8)), /"b" leaves a gap/],
  ['a gap at the start', assembleFile(`{"a":${tensor(2, 4)}}`, data(4)), /gap/],
  ['bytes left over', assembleFile(one, data(5)), /expected \d+ bytes in all/],
  ['data cut off', assembleFile(one, data(3)), /outside the file's 3 bytes/],
  ['metadata that is a number', assembleFile('{"__metadata__":1}', data(0)), /expected \{/],
  ['metadata of numbers', assembleFile('{"__metadata__":{"a":1}}', data(0)), /expected a string/],
  ['a name that would clear the screen', assembleFile(`{"\\u001b[2J":${tensor(0, 8)}}`, data(4)), /u001b/],
  [
    'a name of a megabyte',
    assembleFile(`{"${'n'.repeat(1e6)}":${tensor(0, 8)}}`, data(4)),
    /1000000 characters/,
  ],
  [
    'a dtype of a megabyte',
    assembleFile(`{"a":${tensor(0, 9, '[1]', 'x'.repeat(1e6))}}`, data(4)),
    /outside/,
  ],
];

for (const [what, file, pattern] of hostile) {
  test(`rejects ${what}`, () => {
    assert.throws(() => parse(file), oneLineError('model', pattern));
  });
}

test('rejects a header of 100 MB in bounded time and memory', { timeout: 120_000 }, () => {
  const header = `{"a":${'['.repeat(50e6)}`;
  assert.throws(() => parse(assembleFile(header, data(0))), oneLineError('model', /expected \{/));
});

test('4000 random mutations give entries inside the file or a one-line error', () => {
  const random = seededRandom(20260101);
  const names = ['thinker.model.norm.weight', 'b', 'c\\u0041', '__metadata__x'];
  const original = safetensorsFile(
    names.map((name, index) => ({
      name,
      dtype: 'BF16',
      shape: [index + 1, 2],
      bytes: data(4 * (index + 1)),
    })),
  );
  let rejected = 0;
  for (let round = 0; round < 4000; round++) {
    const file = mutate(original, random);
    try {
      let bytes = 0;
      for (const { start, end } of parse(file)) {
        assert.ok(start >= 8 && start <= end && end <= file.length);
        bytes += end - start;
      }
      assert.ok(bytes <= file.length - 8);
    } catch (error) {
      if (!(error instanceof QwenAsrError)) throw error;
      oneLineError('model')(error);
      rejected++;
    }
  }
  assert.ok(rejected > 3000 && rejected < 4000, `${rejected} of 4000 rejected`);
});

/** Changes, removes, repeats or inserts bytes, with a preference for characters that mean something in a header. */
function mutate(original: Uint8Array, random: () => number): Uint8Array {
  const bytes = [...original];
  const pick = (count: number) => Math.floor(random() * count);
  for (let changes = 1 + pick(3); changes > 0; changes--) {
    const at = pick(bytes.length);
    const meaningful = '{}[]",:0123456789-.eE\\ '.charCodeAt(pick(23));
    const value = random() < 0.7 ? meaningful : pick(256);
    const kind = pick(4);
    if (kind === 0) bytes[at] = value;
    else if (kind === 1) bytes.splice(at, 1 + pick(8));
    else if (kind === 2) bytes.splice(at, 0, value);
    else bytes.splice(at, 0, ...bytes.slice(at, at + pick(40)));
  }
  return new Uint8Array(bytes);
}
