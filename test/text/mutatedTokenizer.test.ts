import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TokenizerFiles } from '../../src/model/readModelFolder.js';
import { resolvePromptIds } from '../../src/text/promptIds.js';
import { readTokenizer } from '../../src/text/readTokenizer.js';
import { readMutations } from '../support/mutateText.js';

const COUNT = 10_000;

const PIECES = ['a', 'b', 'c', 'Ġ', 'Ċ', 'ab', 'abc', 'Ġa', 'system', 'user', 'assistant', 'language'];
const ADDED = [
  '<|im_start|>',
  '<|im_end|>',
  '<|endoftext|>',
  '<|audio_start|>',
  '<|audio_end|>',
  '<|audio_pad|>',
  '<asr_text>',
];

const vocab = Object.fromEntries(PIECES.map((piece, id) => [piece, id]));
const added = ADDED.map((content, i) => ({
  id: PIECES.length + i,
  content,
  special: content !== '<asr_text>',
}));
const merges = ['a b', 'ab c', 'Ġ a'];
const whole: TokenizerFiles = {
  vocabJson: JSON.stringify(vocab),
  mergesTxt: `#version: 0.2\n${merges.join('\n')}\n`,
  tokenizerConfigJson: JSON.stringify({
    added_tokens_decoder: Object.fromEntries(added.map(({ id, ...token }) => [id, token])),
  }),
};
const single: TokenizerFiles = {
  tokenizerJson: JSON.stringify({
    model: { type: 'BPE', vocab, merges: merges.map((merge) => merge.split(' ')) },
    added_tokens: added,
  }),
};

/** All that a model does with them. */
function use(files: TokenizerFiles): void {
  const tokenizer = readTokenizer(files);
  const prompt = resolvePromptIds(tokenizer, 64);
  assert.ok(prompt.endIds.size >= 1);
  const ids = tokenizer.encode('abc ab\n');
  assert.equal(typeof tokenizer.decode([...ids, 2 ** 20, ...prompt.endIds]), 'string');
}

for (const [files, name] of [
  [whole, 'vocabJson'],
  [whole, 'mergesTxt'],
  [whole, 'tokenizerConfigJson'],
  [single, 'tokenizerJson'],
] as const) {
  test(`${COUNT} damaged copies of ${name} are used or refused in one line`, () => {
    const { taken, refused } = readMutations(String(files[name]), COUNT, (text) =>
      use({ ...files, [name]: text }),
    );
    assert.ok(taken > 100 && refused > 100, `${taken} used, ${refused} refused`);
  });
}
