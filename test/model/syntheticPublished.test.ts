import assert from 'node:assert/strict';
import { test } from 'node:test';
import { syntheticFileList } from '../../src/model/synthesizeModel.js';
import { hashSyntheticFiles } from './support/hashSyntheticFiles.js';

/*
 * SHA-256 of the files that the script which defines synthetic models writes. The values come from that script and
 * not from this project.
 */
const SHARED_FILES = {
  'vocab.json': '38ed9b1a2c4a65420f72294e4ad99034cce0dc1873922fac350a82663b17d33d',
  'merges.txt': '215a6aba00d27bcd42b8ad1dccc4b4d23f40decc150bdbf0d5ce6bb2410708df',
};
const SMALL_SEED_1 = {
  'model.safetensors': 'df0a92bdd44a96ddf0a0bf8e75a705dafdafabb35e500b38ef417e636cf6f9bc',
  'config.json': '3b3ca0df44d6eb2851c91556de31485be6eea06ea03dc92bdc844cee26fbcf0d',
  ...SHARED_FILES,
};
const LARGE_SEED_1 = {
  'model-00001-of-00002.safetensors': '708d8713821c0cf9c38a18ad95ae91bee9bdfe9b148f0e034fa3268515fa2b29',
  'model-00002-of-00002.safetensors': '0d7a2fb771cefa7f34aab27987a0b153777a1b216bc7503944addbb000670de0',
  'model.safetensors.index.json': 'b6f5d4eb902a31090108188beff51e34af8b22aba7f0c01367dc9a4c51221e5a',
  'config.json': '31ae2cb2e0c12d512d7177e6f3823313fe3296361e4cb7c2cf3a4d9c70c20ebc',
  ...SHARED_FILES,
};

test('the files of the 0.6b model are those of the script', () => {
  const { hashes, totalBytes } = hashSyntheticFiles({ size: '0.6b', seed: 1 });
  assert.deepEqual(hashes, SMALL_SEED_1);
  assert.equal(syntheticFileList('0.6b').totalBytes, totalBytes);
});

test('the files of the 1.7b model are those of the script', (t) => {
  if (process.env['CI'] !== 'true') {
    t.skip('makes 4.7 GB, about ten seconds: runs with CI=true');
    return;
  }
  const { hashes, totalBytes } = hashSyntheticFiles({ size: '1.7b', seed: 1 });
  assert.deepEqual(hashes, LARGE_SEED_1);
  assert.equal(syntheticFileList('1.7b').totalBytes, totalBytes);
});
