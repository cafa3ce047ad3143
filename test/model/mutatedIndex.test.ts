import assert from 'node:assert/strict';
import { test } from 'node:test';
import { QwenAsrError } from '../../src/error.js';
import { findWeightFiles, INDEX_FILE } from '../../src/model/readModelFolder.js';
import { mutateText } from '../support/mutateText.js';
import { Random } from '../support/random.js';
import { oneLineError } from './support/oneLineError.js';

const COUNT = 10_000;
const SHARDS = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'];

test(`${COUNT} damaged copies of ${INDEX_FILE} name only files of the directory, or are refused in one line`, async () => {
  const weight_map = { a: SHARDS[0], b: SHARDS[1], 'c.weight': SHARDS[1] };
  const index = JSON.stringify({ metadata: { total_size: 20 }, weight_map });
  const names = [INDEX_FILE, ...SHARDS];
  const outcome = { taken: 0, refused: 0 };
  for (let seed = 1; seed <= COUNT; seed++) {
    const text = mutateText(index, new Random(seed));
    try {
      const { fileNames } = await findWeightFiles('dir', names, async () => text);
      for (const name of fileNames) assert.ok(SHARDS.includes(name), name);
      outcome.taken++;
    } catch (error) {
      if (!(error instanceof QwenAsrError)) throw error;
      oneLineError('model')(error);
      outcome.refused++;
    }
  }
  assert.ok(outcome.taken > 100 && outcome.refused > 100, JSON.stringify(outcome));
});
