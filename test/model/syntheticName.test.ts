import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatSyntheticName, parseSyntheticName } from '../../src/model/syntheticName.js';
import { oneLineError } from './support/oneLineError.js';

test('reads size and seed', () => {
  assert.deepEqual(parseSyntheticName('synthetic:0.6b:3'), { size: '0.6b', seed: 3 });
  assert.deepEqual(parseSyntheticName('synthetic:tiny'), { size: 'tiny', seed: 1 });
  assert.deepEqual(parseSyntheticName('synthetic:1.7B:0'), { size: '1.7b', seed: 0 });
  assert.deepEqual(parseSyntheticName('synthetic:tiny:9007199254740991'), {
    size: 'tiny',
    seed: 9007199254740991,
  });
});

test('leaves directories alone', () => {
  for (const text of ['models/demo', 'synthetic', './synthetic:tiny', '', 'Synthetic:tiny']) {
    assert.equal(parseSyntheticName(text), null);
  }
});

test('rejects unknown sizes and seeds', () => {
  const sizes = ['synthetic:', 'synthetic:2b', 'synthetic:tiny ', 'synthetic::1'];
  for (const text of sizes) {
    assert.throws(() => parseSyntheticName(text), oneLineError('usage', /size tiny, 0\.6b or 1\.7b/), text);
  }
  const seeds = ['', '-1', '1.5', '1e3', '0x10', ' 1', 'abc', '9007199254740992', '99999999999999999999'];
  for (const seed of seeds) {
    assert.throws(
      () => parseSyntheticName(`synthetic:tiny:${seed}`),
      oneLineError('usage', /a seed from 0 to 9007199254740991/),
      seed,
    );
  }
  assert.throws(() => parseSyntheticName('synthetic:tiny:1:2'), oneLineError('usage', /SIZE:SEED/));
});

test('writes what it reads', () => {
  assert.equal(formatSyntheticName({ size: '1.7b', seed: 12 }), 'synthetic:1.7b:12');
});
