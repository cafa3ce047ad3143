import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { readModelConfig } from '../../src/model/config.js';
import { readModelDirectory } from '../../src/model/modelDirectory.js';
import type { ModelTensors } from '../../src/model/modelTensors.js';
import { parseSafetensors } from '../../src/model/safetensors.js';
import { mutate } from '../audio/support/mutations.js';
import { readMutations } from '../support/mutateText.js';
import { demoModelDir } from '../support/projectRoot.js';
import { Random } from '../support/random.js';
import { oneLineError } from './support/oneLineError.js';

const COUNT = 10_000;

let tensors: ModelTensors;

before(async () => {
  tensors = (await readModelDirectory(demoModelDir)).tensors;
});

test(`${COUNT} damaged copies of config.json give a sane config or one line`, () => {
  const text = readFileSync(join(demoModelDir, 'config.json'), 'utf8');
  const { taken, refused } = readMutations(text, COUNT, (mutated) => {
    const { encoder, decoder } = readModelConfig(tensors, mutated);
    assert.equal(encoder.windowTokens % encoder.tokensPerChunk, 0);
    assert.ok(decoder.rmsNormEpsilon > 0 && decoder.ropeTheta > 0 && Number.isFinite(decoder.ropeTheta));
  });
  assert.ok(taken > 100 && refused > 100, `${taken} taken, ${refused} refused`);
});

test(`${COUNT} damaged safetensors files give entries inside the file or one line`, () => {
  const header = JSON.stringify({
    __metadata__: { format: 'pt' },
    'thinker.model.norm.weight': { dtype: 'BF16', shape: [4, 2], data_offsets: [0, 16] },
    b: { dtype: 'F32', shape: [], data_offsets: [16, 20] },
    c: { dtype: 'I64', shape: [0, 5], data_offsets: [20, 20] },
  });
  const file = new Uint8Array(8 + header.length + 20);
  new DataView(file.buffer).setBigUint64(0, BigInt(header.length), true);
  file.set(new TextEncoder().encode(header), 8);
  const outcome = { taken: 0, refused: 0 };
  const growthFrom = process.memoryUsage().rss;
  for (let seed = 1; seed <= COUNT; seed++) {
    const bytes = mutate(file, new Random(seed));
    try {
      for (const { start, end } of parseSafetensors(bytes, bytes.length, 'x.safetensors')) {
        assert.ok(start >= 8 && start <= end && end <= bytes.length);
      }
      outcome.taken++;
    } catch (error) {
      oneLineError('model')(error);
      outcome.refused++;
    }
  }
  assert.ok(process.memoryUsage().rss - growthFrom < 300e6);
  assert.ok(outcome.taken > 100 && outcome.refused > 100, JSON.stringify(outcome));
});
