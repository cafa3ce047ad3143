import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadModel, loadWav, QwenAsrError, type SpeechModel, segmentRecording } from '../../../src/index.js';
import { goldenWav, readGolden, readGoldenStage } from '../../support/golden.js';
import { demoModelDir } from '../../support/projectRoot.js';
import { Random } from '../../support/random.js';
import { STAGE_BOUND } from '../support/goldenClips.js';

const CLIPS = [
  'timer-en',
  'light-en',
  'weather-de',
  'music-es',
  'lamp-zh',
  'timer-en-noisy',
  'morning-en',
].map((name) => `demo/${name}`);

/**
 * Two best logits that are further apart than this cannot change places: those of reduced precision differ from exact ones
 * by a relative RMS of at most the stage's bound, in two runs, and hardly any by more than six times the RMS.
 */
function sureMargin(name: string): number {
  const logits = readGoldenStage(name, 'first_logits');
  const rms = Math.sqrt(logits.reduce((sum, value) => sum + value ** 2, 0) / logits.length);
  return 2 * 6 * STAGE_BOUND.bf16 * rms;
}

/** How many tokens two runs must have in common: up to the first that exact arithmetic is not sure of. */
function sureTokens(name: string): number {
  const unsure = readGolden(name).margins.findIndex((margin) => margin <= sureMargin(name));
  return unsure < 0 ? readGolden(name).tokens.length : unsure;
}

async function open(precision: 'bf16' | 'int8'): Promise<SpeechModel | string> {
  try {
    return await loadModel(demoModelDir, { precision });
  } catch (error) {
    if (error instanceof QwenAsrError && error.code === 'unsupported') return error.message;
    throw error;
  }
}

for (const precision of ['bf16', 'int8'] as const) {
  test(`${precision}: in a batch requests have the tokens that they have alone, wherever the two best are apart`, async (t) => {
    const model = await open(precision);
    if (typeof model === 'string') return t.skip(model);
    const clips = await Promise.all(CLIPS.map((name) => loadWav(goldenWav(name))));
    const alone: (readonly number[])[] = [];
    for (const { samples } of clips) alone.push((await model.transcribe(samples).result).tokenIds);
    const sure = CLIPS.map(sureTokens);
    const total = sure.reduce((sum, count) => sum + count, 0);
    assert.ok(total > 100, `only ${total} tokens are sure`);
    const rows: number[] = [];
    const batch = model.openBatch({ sequences: 6, onDecodeStep: (_, count) => rows.push(count) });
    const random = new Random(5);
    await Promise.all(
      Array.from({ length: 42 }, async (_, i) => {
        const clip = random.integer(0, CLIPS.length - 1);
        // All at once and in any order: who is beside whom differs from request to request.
        for await (const { tokenIds } of batch.transcribeSegments(segmentRecording(clips[clip]!.samples))) {
          const count = sure[clip]!;
          assert.deepEqual(tokenIds.slice(0, count), alone[clip]!.slice(0, count), `${i}: ${CLIPS[clip]}`);
        }
      }),
    );
    assert.ok(Math.max(...rows) >= 4, `at most ${Math.max(...rows)} rows`);
    await batch.close();
    await model.close();
  });
}
