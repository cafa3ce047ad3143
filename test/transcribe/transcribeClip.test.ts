import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PromptIds } from '../../src/text/promptIds.js';
import { Tokenizer } from '../../src/text/tokenizer.js';
import { OutputText } from '../../src/transcribe/transcribeClip.js';
import type { TranscribeRequest } from '../../src/transcribe/transcribeRequest.js';

/** `Ã` and `©` are the bytes C3 and A9 of é; ids 10 and 11 are added tokens. */
const tokenizer = Tokenizer.create({
  vocab: { language: 0, ĠEnglish: 1, caf: 2, Ã: 3, '©': 4, Ġbar: 5, Ġ: 6 },
  addedTokens: [
    { id: 10, content: '<asr_text>', special: false },
    { id: 11, content: '<|im_end|>', special: true },
  ],
});
const END = 11;
const promptIds = { asrText: 10 } as PromptIds;
const text = { tokenizer, promptIds, languages: ['English'], encode: () => [] };

function run(ids: readonly number[], options: Partial<TranscribeRequest> = {}) {
  const request = { forcedLanguage: undefined, promptContent: {}, budget: 99, exact: false, ...options };
  const output = new OutputText(text, request);
  const pieces = ids.map((id, at) => output.push({ id, isStop: id === END, isLast: at === ids.length - 1 }));
  return {
    rawPieces: pieces.map(({ rawPiece }) => rawPiece),
    shown: pieces.map(({ textPiece }) => textPiece),
    ...output.finish(),
  };
}

test('pieces come when their bytes are complete, text pieces after the tag', () => {
  const { raw, rawPieces, shown, language, text, textTokenCount } = run([0, 1, 10, 2, 3, 4, 5, END]);
  assert.equal(raw, 'language English<asr_text>café bar');
  assert.deepEqual(rawPieces, ['language', ' English', '<asr_text>', 'caf', '', 'é', ' bar', '']);
  assert.deepEqual(shown, ['', '', '', 'caf', '', 'é', ' bar', '']);
  assert.deepEqual([language, text, textTokenCount], ['English', 'café bar', 4]);
});

test('a character that the budget cut off becomes U+FFFD with the last token', () => {
  const { shown, text } = run([0, 1, 10, 2, 3]);
  assert.deepEqual(shown, ['', '', '', 'caf', '\uFFFD']);
  assert.equal(text, 'caf\uFFFD');
});

test('text tokens: after the first tag; all but end tokens without one or with a forced language', () => {
  assert.equal(run([0, 1, 10, END]).textTokenCount, 0);
  assert.equal(run([0, 1, 10, 2, 10, 5, END]).textTokenCount, 3);
  assert.equal(run([2, 5, END]).textTokenCount, 2);
  assert.equal(run([2, 10, 5, END], { forcedLanguage: 'English' }).textTokenCount, 3);
  assert.equal(run([0, 10, 2, END, 5], { exact: true }).textTokenCount, 5);
});

test('without a tag the text appears at the end, with a forced language at once', () => {
  assert.deepEqual(run([2, 5, END]).shown, ['', '', 'caf bar']);
  const forced = run([2, 5, END], { forcedLanguage: 'English' });
  assert.deepEqual(forced.shown, ['caf', ' bar', '']);
  assert.deepEqual([forced.language, forced.text], ['English', 'caf bar']);
});
