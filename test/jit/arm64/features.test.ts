import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  arm64Capabilities,
  arm64Features,
  arm64Name,
  arm64Names,
  containsFeatures,
  NEON,
} from '../../../src/jit/arm64/features.js';

const ALL = { lse: true, dotprod: true, bf16: true, i8mm: true };

test('a name is its features', () => {
  assert.equal(arm64Name(NEON), 'neon');
  assert.equal(arm64Name({ ...NEON, lse: true, dotprod: true }), 'neon+lse+dotprod');
  assert.deepEqual(arm64Features('neon+lse+dotprod+bf16+i8mm'), ALL);
  for (const name of arm64Names(ALL)) assert.equal(arm64Name(arm64Features(name)!), name);
  for (const name of ['', 'avx2', 'neon+', 'neon+dotprod+lse', 'neon+sve', 'neon+lse+lse', 'lse'])
    assert.equal(arm64Features(name), null, name);
});

test('a CPU can do with less than it has', () => {
  assert.deepEqual(arm64Names({ ...ALL, bf16: false }), [
    'neon',
    'neon+lse',
    'neon+lse+dotprod',
    'neon+lse+dotprod+i8mm',
  ]);
  assert.ok(containsFeatures(ALL, NEON));
  assert.ok(!containsFeatures({ ...ALL, i8mm: false }, ALL));
});

test('a body may ask for what the features give', () => {
  const { lanes, pairDot, byteDot, vecRegisters } = arm64Capabilities({ ...NEON, bf16: true });
  assert.deepEqual(
    { lanes, pairDot, byteDot, vecRegisters },
    { lanes: 4, pairDot: true, byteDot: false, vecRegisters: 32 },
  );
  assert.equal(arm64Capabilities(NEON, { tileRows: 3 }).tuning.tileRows, 3);
});
