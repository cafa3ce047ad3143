import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { countErrors } from '../../src/bench/accuracy/scoreTranscript.js';
import { type LoadOptions, loadAudio, loadModel } from '../../src/index.js';
import { demoModelDir, heldOutDir } from '../support/projectRoot.js';
import { type HeldOutClip, heldOutClips } from './support/heldOutClips.js';

const directory = heldOutDir();
const skip = directory === null && 'QWEN_ASR_HELD_OUT is not set';

/** What the demo model's README says of all 260 clips: 1.9 % of the words wrong in f32, Chinese by characters. */
const BOUND = 0.03;

/** What integers may add, as a share of the words; docs/performance.md has what they add to all clips. */
const MOST_ADDED = { int8: 0.002, int4: 0.01 } as const;

test('clips that the demo model was not trained on have the texts that were spoken, in every precision', {
  skip,
}, async (t) => {
  // Every fifth: all kinds and languages, in seconds.
  const clips = heldOutClips(directory!).filter((_, i) => i % 5 === 0);
  const plain = await errorsOf(clips, 'f32');
  t.diagnostic(`f32: ${plain.errors} of ${plain.words} words are wrong`);
  assert.ok(plain.words > 1000, `${plain.words} words`);
  assert.ok(plain.errors / plain.words < BOUND, `${plain.errors} of ${plain.words} words are wrong`);
  for (const precision of ['int8', 'int4'] as const) {
    const { errors } = await errorsOf(clips, precision);
    t.diagnostic(`${precision}: ${errors} words are wrong`);
    const added = (errors - plain.errors) / plain.words;
    assert.ok(
      added <= MOST_ADDED[precision],
      `${precision}: ${errors} words are wrong, ${plain.errors} in f32`,
    );
  }
});

/** Errors in the texts of clips, all of whose languages must be right; in Chinese every character counts as a word. */
async function errorsOf(
  clips: readonly HeldOutClip[],
  precision: NonNullable<LoadOptions['precision']>,
): Promise<{ errors: number; words: number }> {
  const model = await loadModel(demoModelDir, { precision });
  let [errors, words] = [0, 0];
  for (const { file, language, text } of clips) {
    const { samples } = await loadAudio(join(directory!, file));
    const found = await model.transcribe(samples).result;
    // Of a third of a second before any word it may make one.
    if (text !== '') assert.equal(found.language, language, `${precision}: ${file}`);
    const score = countErrors(text, found.text, language);
    errors += score.wordErrors;
    words += score.referenceWords;
  }
  await model.close();
  return { errors, words };
}
