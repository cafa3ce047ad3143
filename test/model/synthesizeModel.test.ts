import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readModelConfig } from '../../src/model/config.js';
import { readModelDirectory } from '../../src/model/modelDirectory.js';
import {
  synthesizeModel,
  syntheticFiles,
  WeightGenerator,
  writeSynthetic,
} from '../../src/model/synthesizeModel.js';
import { hashSyntheticFiles } from './support/hashSyntheticFiles.js';
import { oneLineError } from './support/oneLineError.js';
import { temporaryDirectory } from './support/temporaryDirectory.js';

/*
 * SHA-256 of the files that the script which defines synthetic models writes. The values come from that script and
 * not from this project.
 */
const SHARED_FILES = {
  'vocab.json': '38ed9b1a2c4a65420f72294e4ad99034cce0dc1873922fac350a82663b17d33d',
  'merges.txt': '215a6aba00d27bcd42b8ad1dccc4b4d23f40decc150bdbf0d5ce6bb2410708df',
};
const TINY_CONFIG = { 'config.json': 'c8a4d8fb4d4e9fcc729ac3bbfe2b4bf2e8eaf101b780aa956839535ae67d75f0' };
const TINY_SEED_1 = {
  'model.safetensors': '463a7bb1e393d339f8341078ef915980d97781ab8ed6f6ecd34450d160f5e483',
  ...TINY_CONFIG,
  ...SHARED_FILES,
};
const TINY_SEED_7 = {
  'model.safetensors': '9e5e4bb727f22a7bd33e1543b46471146154063ccb50132af5a01ff5d11299e7',
  ...TINY_CONFIG,
  ...SHARED_FILES,
};
test('the files of tiny models are those of the script', () => {
  assert.deepEqual(hashSyntheticFiles({ size: 'tiny', seed: 1 }).hashes, TINY_SEED_1);
  assert.deepEqual(hashSyntheticFiles({ size: 'tiny', seed: 7 }).hashes, TINY_SEED_7);
});

test('the model in memory is the model in files', async () => {
  const files = await synthesizeModel({ size: 'tiny', seed: 7 });
  const digest = createHash('sha256');
  for (const { fileName, bytes } of syntheticFiles({ size: 'tiny', seed: 7 })) {
    if (fileName === 'model.safetensors') {
      digest.update(bytes); // The header; the tensors follow from the model in memory.
      break;
    }
  }
  for (const { bytes } of files.tensors.byName.values()) digest.update(bytes);
  assert.equal(digest.digest('hex'), TINY_SEED_7['model.safetensors']);
  const sha256 = (text: string | Uint8Array = '') => createHash('sha256').update(text).digest('hex');
  assert.equal(sha256(files.configJson), TINY_CONFIG['config.json']);
  assert.equal(sha256(files.tokenizerFiles.vocabJson), SHARED_FILES['vocab.json']);
  assert.equal(sha256(files.tokenizerFiles.mergesTxt), SHARED_FILES['merges.txt']);
  assert.equal(files.source, 'synthetic:tiny:7');
  assert.equal(files.synthetic, true);
  const head = files.tensors.require('lm_head.weight').bytes;
  assert.equal(head.buffer, files.tensors.require('model.embed_tokens.weight').bytes.buffer);
  const config = readModelConfig(files.tensors, files.configJson);
  assert.deepEqual(
    [config.encoder.dModel, config.decoder.headDim, config.tokenIds.audioPad],
    [128, 32, 151676],
  );
});

test('the vocabulary has the published size and ids', async () => {
  const { tokenizerFiles } = await synthesizeModel({ size: 'tiny', seed: 1 });
  const idOf: Record<string, number> = JSON.parse(String(tokenizerFiles.vocabJson));
  assert.equal(Object.keys(idOf).length, 151643);
  assert.equal(idOf['Ċ'], 198);
  assert.deepEqual([idOf['system'], idOf['user'], idOf['assistant']], [8948, 872, 77091]);
});

test('seed and abort are checked', async () => {
  await assert.rejects(synthesizeModel({ size: 'tiny', seed: -1 }), oneLineError('usage', /found -1/));
  await assert.rejects(synthesizeModel({ size: 'tiny', seed: 0.5 }), oneLineError('usage'));
  await assert.rejects(
    synthesizeModel({ size: 'tiny', seed: 1, signal: AbortSignal.abort() }),
    oneLineError('aborted', /synthetic:tiny:1: loading was aborted/),
  );
});

test('making a model lets other work in', async () => {
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  await synthesizeModel({ size: 'tiny', seed: 1 });
  clearInterval(timer);
  assert.ok(turns > 0, 'no timer ran while the model was made');
});

test('writes a directory that reads back', async (t) => {
  const directory = join(temporaryDirectory(t), 'new', 'tiny');
  const progress: number[] = [];
  await writeSynthetic({
    size: 'tiny',
    seed: 1,
    directory,
    onProgress: ({ writtenBytes, totalBytes }) => progress.push(writtenBytes / totalBytes),
  });
  assert.deepEqual(readdirSync(directory).sort(), Object.keys(TINY_SEED_1).sort());
  for (const [fileName, hash] of Object.entries(TINY_SEED_1)) {
    const bytes = readFileSync(join(directory, fileName));
    assert.equal(createHash('sha256').update(bytes).digest('hex'), hash);
  }
  assert.equal(progress.at(-1), 1);
  assert.ok(progress.every((part, index) => part >= (progress[index - 1] ?? 0)));
  const files = await readModelDirectory(directory);
  assert.equal(files.tensors.byName.size, 70);
  await assert.rejects(
    writeSynthetic({ size: 'tiny', seed: 2, directory }),
    oneLineError('file', /expected an empty directory, found /),
  );
  await writeSynthetic({ size: 'tiny', seed: 7, directory, overwrite: true });
  const hash = createHash('sha256')
    .update(readFileSync(join(directory, 'model.safetensors')))
    .digest('hex');
  assert.equal(hash, TINY_SEED_7['model.safetensors']);
});

test('an interrupted run leaves no broken file', async (t) => {
  const directory = temporaryDirectory(t);
  const controller = new AbortController();
  const writing = writeSynthetic({
    size: 'tiny',
    seed: 1,
    directory,
    signal: controller.signal,
    onProgress: ({ writtenBytes }) => {
      if (writtenBytes > 1e6) controller.abort();
    },
  });
  await assert.rejects(writing, oneLineError('aborted', /writing was aborted/));
  assert.deepEqual(readdirSync(directory), []);
});

test('says where it cannot write', async (t) => {
  const directory = temporaryDirectory(t);
  writeFileSync(join(directory, 'file'), '');
  await assert.rejects(
    writeSynthetic({ size: 'tiny', seed: 1, directory: join(directory, 'file') }),
    oneLineError('file', /file: /),
  );
});

const float = (bf16: number) => new Float32Array(new Uint32Array([bf16 << 16]).buffer)[0] ?? Number.NaN;

test('runs the xorshift sequence of Marsaglia (2003) for shifts 13, 17, 5', () => {
  // Seed 0 has state 1; the first values of that sequence are in common use as a check.
  const generator = new WeightGenerator(0);
  const states: number[] = [];
  for (let i = 0; i < 4; i++) {
    generator.fill(new Uint16Array(1));
    states.push(generator.state >>> 0);
  }
  assert.deepEqual(states, [270369, 67634689, 2647435461, 307599695]);
  assert.equal(new WeightGenerator(1).state, 2654435761);
});

test('draws from the distribution of the tensor', () => {
  const expectations = [
    { tensor: { name: 'w', shape: [4, 3, 2], kind: 'weight' }, centre: 0, deviation: Math.sqrt(1 / 6) },
    { tensor: { name: 'e', shape: [4, 3], kind: 'embedding' }, centre: 0, deviation: 0.03 },
    { tensor: { name: 'b', shape: [4], kind: 'bias' }, centre: 0, deviation: 0.02 / Math.sqrt(3) },
    { tensor: { name: 'n', shape: [4], kind: 'norm' }, centre: 1, deviation: 0.1 / Math.sqrt(3) },
  ] as const;
  const count = 200_000;
  for (const { tensor, centre, deviation } of expectations) {
    const generator = new WeightGenerator(5);
    generator.select(tensor);
    const values = new Uint16Array(count);
    generator.fill(values);
    let sum = 0;
    let squares = 0;
    let widest = 0;
    for (const bits of values) {
      const offset = float(bits) - centre;
      sum += offset;
      squares += offset * offset;
      widest = Math.max(widest, Math.abs(offset));
    }
    // Five standard errors of the mean; bf16 keeps 8 bits, so the width is right to 2^-8 of the largest value.
    assert.ok(Math.abs(sum / count) < (5 * deviation) / Math.sqrt(count) + 2 ** -10 * centre, tensor.kind);
    assert.ok(Math.abs(Math.sqrt(squares / count) / deviation - 1) < 0.01, tensor.kind);
    assert.ok(widest <= Math.sqrt(3) * deviation + 2 ** -8 * (centre + deviation * 2), tensor.kind);
  }
});

test('pieces give what one call gives', () => {
  const whole = new WeightGenerator(9);
  const pieces = new WeightGenerator(9);
  const tensor = { name: 'b', shape: [1000], kind: 'bias' } as const;
  whole.select(tensor);
  pieces.select(tensor);
  const a = new Uint16Array(1000);
  const b = new Uint16Array(1000);
  whole.fill(a);
  for (let start = 0; start < 1000; start += 37) pieces.fill(b.subarray(start, start + 37));
  assert.deepEqual(a, b);
  assert.equal(whole.state, pieces.state);
});
