import assert from 'node:assert/strict';
import { join } from 'node:path';
import { loadModel, loadWav, type SpeechModel, type TranscribeOptions } from '../../../src/index.js';
import type { Precision } from '../../../src/ops/operators.js';
import { readGolden, readGoldenStage, relativeRms } from '../../support/golden.js';
import { demoModelDir } from '../../support/projectRoot.js';
import type { NativeConfiguration } from './nativeConfigurations.js';

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

/**
 * Loads a model in one configuration and holds its stages, tokens and text against the goldens of some clips.
 *
 * @throws AssertionError
 */
export async function checkNativeGoldens(
  source: string,
  clips: readonly GoldenClip[],
  { isa, precision }: NativeConfiguration,
  threads: number,
): Promise<void> {
  const model = await loadModel(source, { backend: 'x64', isa, precision, threads });
  try {
    const { backend, isa: actual, precision: used, threads: participants } = model.info;
    assert.deepEqual([backend, actual, used, participants], ['x64', isa, precision, threads]);
    for (const clip of clips) await checkClip(model, clip);
  } finally {
    await model.close();
  }
}

async function checkClip(model: SpeechModel, { name, options, hasTinyMargins }: GoldenClip): Promise<void> {
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
