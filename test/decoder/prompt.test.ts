import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildPrompt, type PromptTokenIds } from '../../src/decoder/prompt.js';
import { readGolden } from '../support/golden.js';

/** The published vocabulary's ids. */
const PUBLISHED: PromptTokenIds = {
  imStart: 151644,
  imEnd: 151645,
  audioStart: 151669,
  audioEnd: 151670,
  audioPad: 151676,
  asrText: 151704,
  newline: 198,
  system: 8948,
  user: 872,
  assistant: 77091,
  language: 11528,
};

test('the default prompt is the published one', () => {
  const golden = readGolden('synthetic-tiny-seed1');
  const [audioTokens] = golden.shapes['encoder']!;
  const prompt = buildPrompt(PUBLISHED, { audioTokens: audioTokens! });
  assert.deepEqual([...prompt.ids], golden.prompt_ids);
  assert.equal(prompt.audioTokens, audioTokens);
  assert.ok(
    prompt.ids.subarray(prompt.audioStart, prompt.audioStart + audioTokens!).every((id) => id === 151676),
  );
  assert.equal(prompt.ids[prompt.audioStart - 1], PUBLISHED.audioStart);
});

test('a context takes the place of the system line, a forced language ends the prompt', () => {
  const content = { audioTokens: 2, systemIds: [8948, 198, 42, 43], languageNameIds: [6364, 7] };
  assert.deepEqual(
    [...buildPrompt(PUBLISHED, content).ids],
    [
      ...[151644, 8948, 198, 42, 43, 151645, 198, 151644, 872, 198, 151669, 151676, 151676, 151670],
      ...[151645, 198, 151644, 77091, 198, 11528, 6364, 7, 151704],
    ],
  );
});
