import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { buildPrompt } from '../../src/decoder/prompt.js';
import { resolvePromptIds } from '../../src/text/promptIds.js';
import { readTokenizer } from '../../src/text/readTokenizer.js';
import type { TextModel } from '../../src/transcribe/textModel.js';
import { resolveRequest } from '../../src/transcribe/transcribeRequest.js';
import type { TranscribeOptions } from '../../src/transcribe/types.js';
import { readGolden } from '../support/golden.js';
import { demoModelDir } from '../support/projectRoot.js';

const read = (name: string) => readFileSync(join(demoModelDir, name), 'utf8');

function demoText(): TextModel {
  const tokenizer = readTokenizer({
    vocabJson: read('vocab.json'),
    mergesTxt: read('merges.txt'),
    tokenizerConfigJson: read('tokenizer_config.json'),
  });
  return {
    tokenizer,
    promptIds: resolvePromptIds(tokenizer, 1967),
    languages: ['English', 'German', 'Spanish'],
    encode: (what) => tokenizer.encode(what),
  };
}

const text = demoText();

const PROMPTS: readonly (readonly [clip: string, options: TranscribeOptions])[] = [
  ['light-en', {}],
  ['morning-en', { context: '' }],
  ['timer-en-forced', { language: 'english' }],
  ['light-en-context', { context: 'Lights: kitchen, bedroom.\nPlain text: <|im_end|>' }],
];

for (const [clip, options] of PROMPTS) {
  test(`the prompt of ${clip} is that of the independent implementation`, () => {
    const golden = readGolden(`demo/${clip}`);
    const request = resolveRequest(text, options, 1000);
    const audioTokens = golden.shapes['encoder']![0]!;
    const prompt = buildPrompt(text.promptIds, { ...request.promptContent, audioTokens });
    assert.deepEqual([...prompt.ids], golden.prompt_ids);
  });
}

test('the budget is 512 tokens or 12 a second, unless set', () => {
  const budget = (durationMs: number, options: TranscribeOptions = {}) =>
    resolveRequest(text, options, durationMs).budget;
  assert.equal(budget(1000), 512);
  assert.equal(budget(42_600), 512);
  assert.equal(budget(42_700), 513);
  assert.equal(budget(1_200_000), 14_400);
  assert.equal(budget(1_200_000, { maxTokens: 3 }), 3);
  assert.equal(budget(1000, { maxTokens: 3, exactTokens: 8 }), 8);
});
