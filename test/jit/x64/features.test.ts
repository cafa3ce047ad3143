import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  isaFeatures,
  isaName,
  isaNames,
  X64_LEVELS,
  X64_PRESETS,
  x64Capabilities,
} from '../../../src/jit/x64/features.js';

const ALL = { avx2: true, avx512: true, vnni: true, avxVnni: true, bf16: true };

test('levels are names of their features', () => {
  for (const level of X64_LEVELS) {
    assert.equal(isaName(X64_PRESETS[level]), level);
    assert.deepEqual(isaFeatures(level), X64_PRESETS[level]);
  }
});

test('what a CPU has beside a level is in the name where kernels can use it', () => {
  const { avx2, avx512f } = X64_PRESETS;
  assert.equal(isaName({ ...avx2, avxVnni: true }), 'avx2+avxvnni');
  assert.equal(isaName({ ...avx512f, vnni: true }), 'avx512f+vnni');
  assert.equal(isaName({ ...avx512f, avxVnni: true }), 'avx512f', 'vectors of 512 bits have no VEX form');
  assert.equal(isaName({ ...avx512f, bf16: true }), 'avx512f', 'the level of BF16 has VNNI, too');
  assert.equal(isaName(ALL), 'avx512bf16');
  assert.deepEqual(isaNames(ALL), ['avx2', 'avx2+avxvnni', 'avx512f', 'avx512f+vnni', 'avx512bf16']);
  for (const name of isaNames(ALL)) assert.equal(isaName(isaFeatures(name)!), name);
});

test('other names are none', () => {
  for (const name of [
    '',
    'AVX2',
    'avx512',
    'avx2+',
    'avx2+vnni',
    'avx512bf16+vnni',
    '+vnni',
    'avx2+toString',
    'wasm',
  ]) {
    assert.equal(isaFeatures(name), null, name);
  }
});

test('a body may ask for what the features give', () => {
  const of = (name: string) => {
    const { lanes, pairDot, byteDot, vecRegisters } = x64Capabilities(isaFeatures(name)!);
    return { lanes, pairDot, byteDot, vecRegisters };
  };
  assert.deepEqual(of('avx2'), { lanes: 8, pairDot: false, byteDot: false, vecRegisters: 16 });
  assert.deepEqual(of('avx2+avxvnni'), { lanes: 8, pairDot: false, byteDot: true, vecRegisters: 16 });
  assert.deepEqual(of('avx512f'), { lanes: 16, pairDot: false, byteDot: false, vecRegisters: 32 });
  assert.deepEqual(of('avx512f+vnni'), { lanes: 16, pairDot: false, byteDot: true, vecRegisters: 32 });
  assert.deepEqual(of('avx512bf16'), { lanes: 16, pairDot: true, byteDot: true, vecRegisters: 32 });
  assert.equal(x64Capabilities('avx2', { tileRows: 2 }).tuning.tileRows, 2);
});
