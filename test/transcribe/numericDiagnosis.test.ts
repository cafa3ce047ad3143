import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { loadModel, loadWav } from '../../src/index.js';
import { demoTensors, writeDemoCopy } from '../model/support/demoModel.js';
import { oneLineError } from '../model/support/oneLineError.js';
import type { FileTensor } from '../model/support/safetensorsFile.js';
import { temporaryDirectory } from '../model/support/temporaryDirectory.js';
import { demoModelDir } from '../support/projectRoot.js';

const BF16_NAN = 0x7fc0;
const BF16_INFINITY = 0x7f80;
const EMBEDDING = 'thinker.model.embed_tokens.weight';

/** The demo model's ` English` token, which the prompt does not hold but the second decode step reads. */
const ENGLISH = 1918;

/** The tensor with one element replaced. */
function damaged(tensor: FileTensor, index: number, bits: number): FileTensor {
  const bytes = tensor.bytes.slice();
  new DataView(bytes.buffer).setUint16(2 * index, bits, true);
  return { ...tensor, bytes };
}

/** Transcribes with a copy of the demo model whose tensors `change` has touched. */
async function transcribeDamaged(
  t: TestContext,
  change: (tensors: FileTensor[]) => FileTensor[],
  options = {},
): Promise<unknown> {
  const directory = temporaryDirectory(t);
  writeDemoCopy(directory, change(demoTensors()));
  const model = await loadModel(directory, { backend: 'reference' });
  const { samples } = await loadWav(join(demoModelDir, 'samples', 'light-en.wav'));
  try {
    return await model.transcribe(samples, options).result;
  } finally {
    await model.close();
  }
}

const damage = (name: string, index: number, bits: number) => (tensors: FileTensor[]) => {
  assert.ok(tensors.some((tensor) => tensor.name === name));
  return tensors.map((tensor) => (tensor.name === name ? damaged(tensor, index, bits) : tensor));
};

/** Adds a head of its own, equal to the embedding, before the damage is done. */
const withHead = (change: (tensors: FileTensor[]) => FileTensor[]) => (tensors: FileTensor[]) => {
  const embedding = tensors.find(({ name }) => name === EMBEDDING)!;
  return change([...tensors, { ...embedding, name: 'thinker.lm_head.weight' }]);
};

const CASES: readonly (readonly [string, (tensors: FileTensor[]) => FileTensor[], RegExp])[] = [
  ['conv2', damage('thinker.audio_tower.conv2d2.weight', 5, BF16_NAN), /^conv stem: .*NaN/],
  [
    'encoder layer 2',
    damage('thinker.audio_tower.layers.2.self_attn.v_proj.weight', 7, BF16_NAN),
    /^encoder layer 2: .*NaN/,
  ],
  [
    'encoder layer 0, an infinity',
    damage('thinker.audio_tower.layers.0.fc2.bias', 3, BF16_INFINITY),
    /^encoder layer 0: .*Infinity at row 0, column 3 of \[22, 192\]/,
  ],
  ['projector', damage('thinker.audio_tower.proj2.bias', 0, BF16_NAN), /^encoder output: .*NaN/],
  [
    'decoder layer 1',
    damage('thinker.model.layers.1.mlp.up_proj.weight', 11, BF16_NAN),
    /^decoder layer 1: .*NaN/,
  ],
  ['final norm', damage('thinker.model.norm.weight', 0, BF16_NAN), /^logits: .*NaN/],
  [
    'lm_head',
    withHead(damage('thinker.lm_head.weight', 256 * 500, BF16_NAN)),
    /^logits: .*NaN at row 0, column 500/,
  ],
  [
    'an embedding that only a decode step reads',
    withHead(damage(EMBEDDING, 256 * ENGLISH, BF16_NAN)),
    /^token embedding \(decode step\): .*NaN/,
  ],
];

for (const [what, change, message] of CASES) {
  test(`a broken weight ends the run and names the first broken stage: ${what}`, async (t) => {
    await assert.rejects(transcribeDamaged(t, change), oneLineError('numeric', message));
  });
}

test('encode names the stage too', async (t) => {
  const directory = temporaryDirectory(t);
  writeDemoCopy(directory, damage('thinker.audio_tower.layers.3.fc1.bias', 0, BF16_NAN)(demoTensors()));
  const model = await loadModel(directory, { backend: 'reference' });
  const mel = { data: new Float32Array(128 * 50), bins: 128, frames: 50 } as const;
  await assert.rejects(model.encode(mel), oneLineError('numeric', /^encoder layer 3: /));
  mel.data[130] = Infinity;
  await assert.rejects(
    model.encode(mel),
    oneLineError('numeric', /^log-mel: .*Infinity at row 2, column 30/),
  );
  await model.close();
});

test('the diagnosing run hides its events and probes from the caller', async (t) => {
  const stages: string[] = [];
  const options = { observer: (stage: string) => stages.push(stage) };
  const change = damage('thinker.model.norm.weight', 0, BF16_NAN);
  await assert.rejects(transcribeDamaged(t, change, options), oneLineError('numeric'));
  assert.equal(stages.filter((stage) => stage === 'mel').length, 1);
});
