import assert from 'node:assert/strict';
import { loadWav, type SpeechModel } from '../../../src/index.js';
import { goldenWav, readGolden, readGoldenStage, relativeRms } from '../../support/golden.js';
import { type GoldenClip, STAGE_BOUND, STAGES } from './goldenClips.js';

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
  const { samples } = await loadWav(goldenWav(name));
  const stages = new Map<string, Float32Array>();
  const observer = (stage: string, values: Float32Array) => void stages.set(stage, values);
  const watched = await model.transcribe(samples, { ...options, observer }).result;
  const { operand } = model.info;
  for (const stage of STAGES) {
    const error = relativeRms(stages.get(stage)!, readGoldenStage(name, stage));
    assert.ok(error < STAGE_BOUND[operand], `${name} ${stage}: relative RMS ${error}`);
  }
  // Without an observer a pass is one tape instead of one between every two probes.
  const plain = await model.transcribe(samples, options).result;
  assert.deepEqual(plain.tokenIds, watched.tokenIds, name);
  assert.equal(plain.audioTokenCount, golden.shapes['encoder']![0]);
  assert.equal(plain.promptTokenCount, golden.prompt_ids.length);
  if (hasTinyMargins && operand !== 'f32') return;
  assert.deepEqual(plain.tokenIds, golden.tokens, name);
  assert.equal(plain.raw, golden.raw);
  assert.equal(plain.language, golden.language);
  assert.equal(plain.text, golden.text);
}
