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

const ALL = { avx2: true, avx512: true, vnni: true, avxVnni: true, bf16: true, amx: true };

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
  assert.equal(isaName(ALL), 'amx');
  assert.equal(isaName({ ...ALL, amx: false }), 'avx512bf16');
  const names = ['avx2', 'avx2+avxvnni', 'avx512f', 'avx512f+vnni', 'avx512bf16', 'amx'];
  assert.deepEqual(isaNames(ALL), names);
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
    const { lanes, pairDot, byteDot, smallByteDot, vecRegisters, tiles } = x64Capabilities(
      isaFeatures(name)!,
    );
    return { lanes, pairDot, byteDot, smallByteDot, vecRegisters, tiles };
  };
  const [narrow, wide] = [
    { lanes: 8, vecRegisters: 16, tiles: false },
    { lanes: 16, vecRegisters: 32, tiles: false },
  ];
  const [bytes, smallBytes] = [
    { byteDot: true, smallByteDot: false },
    { byteDot: false, smallByteDot: true },
  ];
  assert.deepEqual(of('avx2'), { ...narrow, ...smallBytes, pairDot: false });
  assert.deepEqual(of('avx2+avxvnni'), { ...narrow, ...bytes, pairDot: false });
  assert.deepEqual(of('avx512f'), { ...wide, ...smallBytes, pairDot: false });
  assert.deepEqual(of('avx512f+vnni'), { ...wide, ...bytes, pairDot: false });
  assert.deepEqual(of('avx512bf16'), { ...wide, ...bytes, pairDot: true });
  assert.deepEqual(of('amx'), { ...wide, ...bytes, pairDot: true, tiles: true });
  assert.equal(x64Capabilities('avx2', { tileRows: 2 }).tuning.tileRows, 2);
});
