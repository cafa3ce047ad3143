import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { countErrors } from '../../src/bench/accuracy/scoreTranscript.js';
import { loadAudio, loadModel } from '../../src/index.js';
import { demoModelDir, heldOutDir } from '../support/projectRoot.js';

const directory = heldOutDir();

/** What the demo model's README says of all 260 clips: 1.9 % of the words wrong in f32, Chinese by characters. */
const BOUND = 0.03;

test('clips that the demo model was not trained on have the texts that were spoken', {
  skip: directory === null && 'QWEN_ASR_HELD_OUT is not set',
}, async () => {
  const lines = readFileSync(join(directory!, 'clips.jsonl'), 'utf8').trimEnd().split('\n');
  // Every fifth: all kinds and languages, in seconds.
  const clips = lines
    .filter((_, i) => i % 5 === 0)
    .map((line) => JSON.parse(line) as { file: string; language: string; text: string });
  const model = await loadModel(demoModelDir, { precision: 'f32' });
  let [errors, words] = [0, 0];
  for (const { file, language, text } of clips) {
    const { samples } = await loadAudio(join(directory!, file));
    const found = await model.transcribe(samples).result;
    assert.equal(found.language, language === 'None' ? '' : language, file);
    const score = countErrors(text, found.text, language);
    // In Chinese every character counts as a word.
    errors += score.wordErrors;
    words += score.referenceWords;
  }
  await model.close();
  assert.ok(words > 1000, `${words} words`);
  assert.ok(errors / words < BOUND, `${errors} of ${words} words are wrong`);
});
