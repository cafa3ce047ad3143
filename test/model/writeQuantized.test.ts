import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { loadModel, loadWav } from '../../src/index.js';
import { writeQuantized } from '../../src/model/writeQuantized.js';
import { readGolden } from '../support/golden.js';
import { demoModelDir } from '../support/projectRoot.js';
import { relativeRms } from '../support/relativeRms.js';
import { oneLineError } from './support/oneLineError.js';

const folder = mkdtempSync(join(tmpdir(), 'quantized-'));
after(() => rmSync(folder, { recursive: true, force: true }));

interface Header {
  readonly [name: string]: {
    readonly dtype: string;
    readonly shape: number[];
    readonly data_offsets: [number, number];
  };
}

/** The tensors of a safetensors file, read without the code under test. */
function readTensors(directory: string) {
  const file = readFileSync(join(directory, 'model.safetensors'));
  const length = Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.subarray(8, 8 + length).toString()) as Header;
  const bytesOf = (name: string): Buffer => {
    const [start, end] = header[name]!.data_offsets;
    return file.subarray(8 + length + start, 8 + length + end);
  };
  const bf16 = (name: string): Float32Array => {
    const bytes = bytesOf(name);
    const words = Uint32Array.from({ length: bytes.length / 2 }, (_, i) => bytes.readUInt16LE(2 * i) << 16);
    return new Float32Array(words.buffer);
  };
  return { header, bytesOf, bf16 };
}

for (const [bits, relativeError] of [
  [8, 0.006],
  [4, 0.1],
] as const) {
  test(`${bits} bits: every value is near its original, and what is quantised is what was promised`, async () => {
    const output = join(folder, `demo-${bits}`);
    await writeQuantized({ input: demoModelDir, output, bits, groupSize: 64 });
    const [original, made] = [readTensors(demoModelDir), readTensors(output)];
    const config = JSON.parse(readFileSync(join(output, 'config.json'), 'utf8'));
    assert.deepEqual(config.quantization, config.quantization_config);
    for (const module of ['model.layers.0.mlp.down_proj', 'model.embed_tokens', 'audio_tower.layers.1.fc2']) {
      const ownBits = module.startsWith('model.layers.') ? bits : 8;
      assert.deepEqual(
        config.quantization[module],
        ownBits === bits ? undefined : { group_size: 64, bits: ownBits },
      );
      const values = original.bf16(`thinker.${module}.weight`);
      const [scales, biases] = [made.bf16(`${module}.scales`), made.bf16(`${module}.biases`)];
      const packed = made.bytesOf(`${module}.weight`);
      const found = values.map((_, i) => {
        const byte = packed[Math.floor((i * ownBits) / 8)]!;
        const q = ownBits === 8 ? byte : i % 2 === 0 ? byte & 15 : byte >> 4;
        return scales[Math.floor(i / 64)]! * q + biases[Math.floor(i / 64)]!;
      });
      const error = relativeRms(found, values);
      assert.ok(error < (ownBits === 8 ? 0.006 : relativeError), `${module}: relative RMS ${error}`);
    }
    const convolution = original.header['thinker.audio_tower.conv2d2.weight']!.shape;
    assert.deepEqual(made.header['audio_tower.conv2d2.weight']!.shape, [
      convolution[0],
      3,
      3,
      convolution[1],
    ]);
    assert.equal(made.header['model.norm.weight']!.dtype, 'BF16');
    assert.equal(made.header['model.layers.0.self_attn.q_norm.scales'], undefined);
  });

  test(`${bits} bits: the directory transcribes`, async () => {
    const model = await loadModel(join(folder, `demo-${bits}`), { precision: 'f32' });
    try {
      for (const name of ['demo/timer-en', 'demo/weather-de']) {
        const golden = readGolden(name);
        const { samples } = await loadWav(join(demoModelDir, 'samples', golden.wav));
        assert.equal((await model.transcribe(samples).result).text, golden.text);
      }
    } finally {
      await model.close();
    }
  });
}

test('matrices that no group divides stay as they were, and are named', async () => {
  const output = join(folder, 'demo-128');
  const { ragged } = await writeQuantized({ input: demoModelDir, output, bits: 8, groupSize: 128 });
  const { header } = readTensors(output);
  for (const [name, { shape, dtype }] of Object.entries(readTensors(demoModelDir).header)) {
    const own = name.replace('thinker.', '');
    if (shape?.length !== 2) continue;
    assert.equal(header[own]!.dtype, shape[1]! % 128 === 0 ? 'U32' : dtype, own);
    assert.equal(ragged.includes(own), shape[1]! % 128 !== 0, own);
  }
});

test('a directory that is quantised already, or that holds a model, is refused', async () => {
  const options = { bits: 8, groupSize: 64 } as const;
  await assert.rejects(
    writeQuantized({ ...options, input: join(folder, 'demo-8'), output: join(folder, 'twice') }),
    oneLineError('model', /not quantised yet/),
  );
  await assert.rejects(
    writeQuantized({ ...options, input: demoModelDir, output: join(folder, 'demo-8') }),
    oneLineError('file', /expected an empty directory/),
  );
});
