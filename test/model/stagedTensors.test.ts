import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readModelConfig } from '../../src/model/config.js';
import { readModelDirectory } from '../../src/model/modelDirectory.js';
import type { ModelTensors } from '../../src/model/modelTensors.js';
import type { ModelFiles } from '../../src/model/readModelFolder.js';
import { WeightForms } from '../../src/model/weightForms.js';
import { loadDecoderWeights } from '../../src/model/weights.js';
import type { Backend, Weight } from '../../src/ops/operators.js';
import { type Parameter, storedParts } from '../../src/ops/parameter.js';
import { demoModelDir, goldenDir } from '../support/projectRoot.js';
import { demoTensors, writeDemoCopy } from './support/demoModel.js';

/** Memory that counts what is taken of it. */
class CountedMemory {
  taken = 0;
  mostTaken = 0;

  readonly reserve = (byteLength: number) => {
    this.taken += byteLength;
    this.mostTaken = Math.max(this.mostTaken, this.taken);
    const release = () => {
      this.taken -= byteLength;
    };
    return { buffer: new ArrayBuffer(byteLength), byteOffset: 0, release };
  };
}

/** A backend that notes the bytes of what is placed in it, as they are when it packs. */
class NotingBackend implements Pick<Backend, 'weight' | 'placeWeights'> {
  readonly placed = new Map<string, Uint8Array[]>();
  private waiting: Parameter[] = [];

  weight(parameter: Parameter): Weight {
    this.waiting.push(parameter);
    const { name, shape, dtype, bytes } = parameter;
    return {
      name,
      shape,
      dtype: dtype === 'affine' ? 'bf16' : dtype,
      byteLength: bytes.byteLength,
    } as Weight;
  }

  async placeWeights(): Promise<void> {
    for (const parameter of this.waiting.splice(0)) {
      assert.ok(!this.placed.has(parameter.name), `${parameter.name} is placed once`);
      this.placed.set(
        parameter.name,
        storedParts(parameter).map(({ bytes }) => bytes.slice()),
      );
    }
  }
}

async function openStaged(directory: string, precision: 'auto' | 'int8' | 'int4') {
  const memory = new CountedMemory();
  const options = { precision, operand: 'f32', reserve: memory.reserve } as const;
  const files = await readModelDirectory(directory, undefined, undefined, options);
  return { files, memory };
}

function decoderOf({ tensors, configJson }: ModelFiles, precision: 'auto' | 'int8') {
  const placed: Parameter[] = [];
  const weight = (parameter: Parameter) => {
    placed.push(parameter);
    return { name: parameter.name } as Weight;
  };
  const { decoder } = readModelConfig(tensors, configJson);
  const weights = loadDecoderWeights(
    tensors,
    decoder,
    { weight },
    new WeightForms(tensors, precision, 'f32'),
  );
  return { weights, placed };
}

/** All tensors that are no matrices, whose bytes are there at once. */
function others(tensors: ModelTensors): [string, Uint8Array][] {
  return [...tensors.byName].flatMap(([name, { shape, bytes }]) =>
    shape.length === 2 ? [] : [[name, bytes]],
  );
}

for (const [directory, precision] of [
  [demoModelDir, 'int8'],
  [demoModelDir, 'int4'],
  [join(goldenDir, 'variants', 'mlx-8bit'), 'auto'],
  [join(goldenDir, 'variants', 'mlx-4bit'), 'auto'],
] as const) {
  test(`matrices pass one at a time through the memory of the two largest: ${directory.split('/').at(-1)}, ${precision}`, async () => {
    const whole = await readModelDirectory(directory);
    const { files, memory } = await openStaged(directory, precision);
    const backend = new NotingBackend();
    await files.staged!.placeIn(backend);
    const matricesOf = [...whole.tensors.byName.values()].filter(({ shape }) => shape.length === 2);
    // As they are stored, matrices of floating-point numbers stay what they are.
    const isKept = ({ dtype }: Parameter) => precision === 'auto' && dtype !== 'affine';
    const bytesOf = (parameter: Parameter): number =>
      storedParts(parameter).reduce((sum, { bytes }) => sum + 64 * Math.ceil(bytes.byteLength / 64), 0);
    const kept = matricesOf.filter(isKept).reduce((sum, parameter) => sum + bytesOf(parameter), 0);
    assert.ok(memory.taken >= kept - 64 && memory.taken <= kept, 'what was packed is given back');
    const sizes = matricesOf.filter((parameter) => !isKept(parameter)).map(bytesOf);
    const [largest = 0, second = 0] = sizes.sort((a, b) => b - a);
    assert.ok(memory.mostTaken <= largest + second + kept, `${memory.mostTaken} bytes`);
    let matrices = 0;
    for (const [name, parameter] of whole.tensors.byName) {
      if (parameter.shape.length !== 2 || isKept(parameter)) continue;
      const found = backend.placed.get(parameter.name);
      assert.deepEqual(
        found,
        storedParts(parameter).map(({ bytes }) => new Uint8Array(bytes)),
        name,
      );
      matrices++;
    }
    assert.equal(backend.placed.size, matrices);
    assert.deepEqual(others(files.tensors), others(whole.tensors));
    files.release();
    whole.release();
  });
}

test('nothing is staged where no integers are wanted', async () => {
  const memory = new CountedMemory();
  for (const precision of ['f32', 'auto'] as const) {
    const options = { precision, operand: 'f32', reserve: memory.reserve } as const;
    const files = await readModelDirectory(demoModelDir, undefined, undefined, options);
    assert.equal(files.staged, undefined);
    assert.equal(memory.mostTaken, 0);
    files.release();
  }
});

/** The demo model with a head of its own: the embedding once more, or with one byte changed. */
async function withHead(change: (bytes: Uint8Array) => void, check: (files: ModelFiles) => Promise<void>) {
  const directory = mkdtempSync(join(tmpdir(), 'qwen-asr-head-'));
  try {
    const tensors = demoTensors().filter(({ name }) => !name.includes('lm_head'));
    const embedding = tensors.find(({ name }) => name.endsWith('embed_tokens.weight'))!;
    const bytes = embedding.bytes.slice();
    change(bytes);
    writeDemoCopy(directory, [{ ...embedding, name: 'thinker.lm_head.weight', bytes }, ...tensors]);
    const { files } = await openStaged(directory, 'int8');
    await check(files);
    files.release();
  } finally {
    rmSync(directory, { recursive: true });
  }
}

test('a head that repeats the embedding is placed once, one that differs in a byte by itself', async () => {
  for (const isChanged of [false, true]) {
    await withHead(
      (bytes) => {
        if (isChanged) bytes[bytes.length - 1]! ^= 1;
      },
      async (files) => {
        const backend = new NotingBackend();
        await files.staged!.placeIn(backend);
        assert.equal(backend.placed.has('thinker.lm_head.weight'), isChanged);
        const { weights } = decoderOf(files, 'int8');
        assert.equal(weights.lmHead === weights.embedTokens, !isChanged);
      },
    );
  }
});
