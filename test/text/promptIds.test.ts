import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type PromptIds, resolvePromptIds } from '../../src/text/promptIds.js';
import { readTokenizer } from '../../src/text/readTokenizer.js';
import { readGolden } from '../support/golden.js';
import { demoModelDir } from '../support/projectRoot.js';
import { demoFiles, demoTokenizer } from './demoTokenizer.js';
import { placeholderVocabulary } from './placeholderVocabulary.js';

/** The template without context and forced language (model-spec, prompt). */
function defaultPrompt(ids: PromptIds, audioTokens: number): number[] {
  const { imStart, imEnd, newline, system, user, assistant, audioStart, audioPad, audioEnd } = ids;
  return [
    ...[imStart, system, newline, imEnd, newline, imStart, user, newline, audioStart],
    ...new Array<number>(audioTokens).fill(audioPad),
    ...[audioEnd, imEnd, newline, imStart, assistant, newline],
  ];
}

test('the demo model: ids of the golden prompts', () => {
  const { thinker_config: config } = JSON.parse(readFileSync(join(demoModelDir, 'config.json'), 'utf8'));
  const ids = resolvePromptIds(demoTokenizer, 1967, {
    audioTokenId: config.audio_token_id,
    audioStartTokenId: config.audio_start_token_id,
    audioEndTokenId: config.audio_end_token_id,
  });
  const golden = readGolden('demo/weather-de');
  assert.deepEqual(defaultPrompt(ids, golden.shapes['encoder']![0]!), golden.prompt_ids);
  const forced = readGolden('demo/timer-en-forced').prompt_ids;
  assert.deepEqual([ids.language, ids.asrText], [forced.at(-3), forced.at(-1)]);
  assert.deepEqual([...ids.endIds].sort(), golden.eos);
});

test('the tokenizer alone gives the same ids', () => {
  const withConfig = resolvePromptIds(demoTokenizer, 1967, { audioTokenId: 1964 });
  assert.deepEqual(resolvePromptIds(demoTokenizer, 1967), withConfig);
});

test('config.json goes first', () => {
  const ids = resolvePromptIds(demoTokenizer, 1967, {
    audioTokenId: 5,
    audioStartTokenId: 6,
    audioEndTokenId: 7,
  });
  assert.deepEqual([ids.audioPad, ids.audioStart, ids.audioEnd], [5, 6, 7]);
});

test('a published vocabulary without other files has the published ids', () => {
  const ids = resolvePromptIds(readTokenizer({ vocabJson: placeholderVocabulary() }), 151936);
  const golden = readGolden('synthetic-tiny-seed1');
  assert.deepEqual(defaultPrompt(ids, golden.shapes['encoder']![0]!), golden.prompt_ids);
  assert.deepEqual([ids.language, ids.asrText], [11528, 151704]);
  assert.deepEqual([...ids.endIds].sort(), [151643, 151645]);
});

test('a token that no file names is named', () => {
  const { vocabJson, mergesTxt } = demoFiles;
  assert.throws(() => resolvePromptIds(readTokenizer({ vocabJson, mergesTxt }), 1967), {
    code: 'model',
    message: /^prompt: expected an id for "<\|im_end\|>", found none/,
  });
  const vocabulary = JSON.parse(vocabJson);
  delete vocabulary.assistant;
  const tokenizer = readTokenizer({ ...demoFiles, vocabJson: JSON.stringify(vocabulary), mergesTxt: '' });
  assert.throws(() => resolvePromptIds(tokenizer, 1967), { message: /"assistant", found none/ });
});

test('an id without a row in the embedding is refused', () => {
  assert.throws(() => resolvePromptIds(demoTokenizer, 1961), {
    code: 'model',
    message:
      'prompt: expected the id of "<|im_end|>" to be below the 1961 rows of embed_tokens.weight, found 1961',
  });
  assert.throws(() => resolvePromptIds(demoTokenizer, 1967, { audioTokenId: 1967 }), {
    message: /"<\|audio_pad\|>"/,
  });
  assert.throws(() => resolvePromptIds(demoTokenizer, 1967, { audioTokenId: -1 }), { message: /found -1$/ });
});

test('an entry without a row in the embedding is refused, wherever it comes from', () => {
  const message = (id: number, piece: string) =>
    `tokenizer: expected ids below the 1967 rows of embed_tokens.weight, found ${id} for "${piece}"`;
  const { vocabJson, mergesTxt, tokenizerConfigJson } = demoFiles;
  const vocabulary = (id: number) => JSON.stringify({ ...JSON.parse(vocabJson), Z: id });
  const addedToken = (id: number) => {
    const config = JSON.parse(tokenizerConfigJson!);
    config.added_tokens_decoder[id] = { content: '<extra>', special: false };
    return JSON.stringify(config);
  };
  const tokenizerJson = (vocab: number, added: number) =>
    JSON.stringify({
      model: {
        type: 'BPE',
        vocab: JSON.parse(vocabulary(vocab)),
        merges: mergesTxt!.trim().split('\n').slice(1),
      },
      added_tokens: [
        ...Object.entries(JSON.parse(tokenizerConfigJson!).added_tokens_decoder).map(([id, token]) => {
          return { ...(token as object), id: Number(id) };
        }),
        { id: added, content: '<extra>', special: true },
      ],
    });
  const cases: [files: Parameters<typeof readTokenizer>[0], id: number, piece: string][] = [
    [{ ...demoFiles, vocabJson: vocabulary(1_000_000) }, 1_000_000, 'Z'],
    [{ ...demoFiles, vocabJson: vocabulary(1967) }, 1967, 'Z'],
    [{ ...demoFiles, tokenizerConfigJson: addedToken(1967) }, 1967, '<extra>'],
    [{ tokenizerJson: tokenizerJson(1_000_000, 1_000_001) }, 1_000_000, 'Z'],
    [{ tokenizerJson: tokenizerJson(90, 100_000) }, 100_000, '<extra>'],
  ];
  for (const [files, id, piece] of cases) {
    assert.throws(() => resolvePromptIds(readTokenizer(files), 1967), {
      code: 'model',
      message: message(id, piece),
    });
  }
});
