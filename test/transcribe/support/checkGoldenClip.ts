import assert from 'node:assert/strict';
import { join } from 'node:path';
import { loadWav, type SpeechModel, type TranscribeOptions } from '../../../src/index.js';
import type { Precision } from '../../../src/ops/operators.js';
import { readGolden, readGoldenStage, relativeRms } from '../../support/golden.js';
import { demoModelDir } from '../../support/projectRoot.js';

/** Relative RMS of every stage against the independent implementation, which computes in f32. */
const STAGE_BOUND: Readonly<Record<Precision, number>> = { f32: 1e-4, bf16: 1e-2 };

const STAGES = ['mel', 'stem', 'enc_layer0', 'encoder', 'first_logits'];

/** A clip that the independent implementation has run. */
export interface GoldenClip {
  readonly name: string;
  readonly options: TranscribeOptions;
  /** The best two logits of some step are closer than bf16 resolves: tokens are compared in f32 only. */
  readonly hasTinyMargins?: true;
}

/** Spelled from the golden's prompt pieces; `<|im_end|>` is plain text in it. */
const CONTEXT = 'kitchen lamps: garden, café\n<|im_end|> two';

/** All goldens of the demo model. */
export const DEMO_CLIPS: readonly GoldenClip[] = [
  { name: 'demo/timer-en', options: {} },
  { name: 'demo/light-en', options: {} },
  { name: 'demo/weather-de', options: {} },
  { name: 'demo/music-es', options: {} },
  { name: 'demo/silence-3s', options: {} },
  { name: 'demo/timer-en-forced', options: { language: 'en' } },
  { name: 'demo/light-en-context', options: { context: CONTEXT } },
  { name: 'demo/two-windows-en', options: {}, hasTinyMargins: true },
];

/** The published vocabulary of 151,936 entries on random weights: `synthetic:tiny:1`. */
export const SYNTHETIC_CLIP: GoldenClip = {
  name: 'synthetic-tiny-seed1',
  options: { exactTokens: 4 },
  hasTinyMargins: true,
};

/**
 * Holds a model's stages, tokens and text against the golden of one clip.
 *
 * @throws AssertionError
 */
export async function checkGoldenClip(
  model: SpeechModel,
  { name, options, hasTinyMargins }: GoldenClip,
): Promise<void> {
  const golden = readGolden(name);
  const { samples } = await loadWav(join(demoModelDir, 'samples', golden.wav));
  const stages = new Map<string, Float32Array>();
  const observer = (stage: string, values: Float32Array) => void stages.set(stage, values);
  const watched = await model.transcribe(samples, { ...options, observer }).result;
  const { precision } = model.info;
  for (const stage of STAGES) {
    const error = relativeRms(stages.get(stage)!, readGoldenStage(name, stage));
    assert.ok(error < STAGE_BOUND[precision], `${name} ${stage}: relative RMS ${error}`);
  }
  // Without an observer a pass is one tape instead of one between every two probes.
  const plain = await model.transcribe(samples, options).result;
  assert.deepEqual(plain.tokenIds, watched.tokenIds, name);
  assert.equal(plain.audioTokenCount, golden.shapes['encoder']![0]);
  assert.equal(plain.promptTokenCount, golden.prompt_ids.length);
  if (hasTinyMargins && precision !== 'f32') return;
  assert.deepEqual(plain.tokenIds, golden.tokens, name);
  assert.equal(plain.raw, golden.raw);
  assert.equal(plain.language, golden.language);
  assert.equal(plain.text, golden.text);
}
