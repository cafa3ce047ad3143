import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadModel, loadWav, type SpeechModel } from '../../src/index.js';
import { goldenDir } from '../support/projectRoot.js';

/** What the independent implementation computed, in f32 on the dequantised weights; see test/golden/README.md. */
interface VariantGolden {
  readonly clips: Readonly<
    Record<
      string,
      {
        readonly text: string;
        readonly language: string;
        readonly tokens: readonly number[];
        /** The five best logits of the first step. */
        readonly top5: readonly (readonly [id: number, logit: number])[];
      }
    >
  >;
}

/** Logits of the first step differ from the independent implementation's by less, on logits of up to 17. */
const LOGIT_BOUND = 2e-3;

const BACKENDS = ['reference', 'x64', 'wasm'] as const;

for (const variant of ['mlx-8bit', 'mlx-4bit', 'mlx-bf16', 'hf']) {
  const directory = variantDirectory(variant);
  for (const backend of BACKENDS) {
    const skip =
      directory === null
        ? `QWEN_ASR_VARIANTS is not set: ${variant} is not among the project's files`
        : false;
    test(`${variant} gives the tokens of the independent implementation on ${backend}`, {
      skip,
    }, async () => {
      const model = await loadModel(directory!, { backend, precision: 'f32' });
      try {
        const golden = JSON.parse(readFileSync(join(directory!, 'golden.json'), 'utf8')) as VariantGolden;
        for (const [wav, expected] of Object.entries(golden.clips)) await compare(model, wav, expected);
      } finally {
        await model.close();
      }
    });
  }
}

for (const variant of ['mlx-8bit', 'mlx-4bit']) {
  const directory = variantDirectory(variant);
  for (const backend of ['x64', 'wasm'] as const) {
    test(`${variant} gives the same tokens with integers as they are stored, on ${backend}`, {
      skip: directory === null ? `QWEN_ASR_VARIANTS is not set: ${variant}` : false,
    }, async () => {
      const model = await loadModel(directory!, { backend });
      try {
        assert.equal(model.info.precision, variant === 'mlx-4bit' ? 'int4' : 'int8');
        const golden = JSON.parse(readFileSync(join(directory!, 'golden.json'), 'utf8')) as VariantGolden;
        for (const [wav, { tokens }] of Object.entries(golden.clips)) {
          const { samples } = await loadWav(join(goldenDir, 'variants', wav));
          assert.deepEqual((await model.transcribe(samples).result).tokenIds, tokens, wav);
        }
      } finally {
        await model.close();
      }
    });
  }
}

/** Ours where the project ships it, else beside the others. */
function variantDirectory(variant: string): string | null {
  const shipped = join(goldenDir, 'variants', variant);
  if (existsSync(shipped)) return shipped;
  const folder = process.env['QWEN_ASR_VARIANTS'];
  return folder === undefined ? null : join(folder, variant);
}

async function compare(
  model: SpeechModel,
  wav: string,
  expected: VariantGolden['clips'][string],
): Promise<void> {
  const { samples } = await loadWav(join(goldenDir, 'variants', wav));
  let logits = new Float32Array();
  const observer = (stage: string, values: Float32Array) => {
    if (stage === 'first_logits') logits = values.slice();
  };
  const transcript = await model.transcribe(samples, { observer }).result;
  assert.deepEqual(transcript.tokenIds, expected.tokens, wav);
  assert.equal(transcript.text, expected.text);
  assert.equal(transcript.language, expected.language);
  for (const [id, logit] of expected.top5) {
    const difference = Math.abs(logits[id]! - logit);
    assert.ok(difference < LOGIT_BOUND, `${wav}: logit of ${id} is ${logits[id]}, expected ${logit}`);
  }
}
