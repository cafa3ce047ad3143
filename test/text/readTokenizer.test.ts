import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readTokenizer } from '../../src/text/readTokenizer.js';
import { readGolden } from '../support/golden.js';
import { demoFiles } from './demoTokenizer.js';
import { placeholderVocabulary } from './placeholderVocabulary.js';

const tokenizerJson = JSON.stringify({
  model: { type: 'BPE', vocab: { x: 0, y: 1, xy: 2 }, merges: ['x y'] },
  added_tokens: [{ id: 3, content: '<asr_text>', special: false }],
});

test('a complete set with vocab.json is preferred', () => {
  assert.equal(readTokenizer({ ...demoFiles, tokenizerJson }).idLimit, 922);
});

test('tokenizer.json serves where vocab.json, merges or added tokens are missing', () => {
  const { vocabJson, mergesTxt, tokenizerConfigJson } = demoFiles;
  const sets = [
    { tokenizerJson },
    { tokenizerJson, vocabJson, mergesTxt },
    { tokenizerJson, vocabJson, tokenizerConfigJson },
    { tokenizerJson, vocabJson, mergesTxt, tokenizerConfigJson: '{}' },
  ];
  for (const files of sets) assert.deepEqual(readTokenizer(files).encode('xy'), [2]);
});

test('vocab.json alone is enough to decode', () => {
  const { tokens } = readGolden('demo/light-en');
  const tokenizer = readTokenizer({ vocabJson: demoFiles.vocabJson });
  // 921 and 917 are added tokens, which this directory does not name.
  assert.equal(tokenizer.decode(tokens), 'language EnglishTurn on the kitchen light.');
});

test('the synthetic model decodes with the published tokens', () => {
  const golden = readGolden('synthetic-tiny-seed1');
  const tokenizer = readTokenizer({ vocabJson: placeholderVocabulary(), mergesTxt: '#version: 0.2\n' });
  assert.equal(tokenizer.decode(golden.tokens), golden.raw);
  assert.equal(tokenizer.decode([11528, 151704, 151645, 23429]), 'language<asr_text>t23429');
});

test('no vocabulary at all', () => {
  assert.throws(() => readTokenizer({ mergesTxt: 'a b' }), {
    code: 'model',
    message: 'tokenizer: expected vocab.json or tokenizer.json, found neither',
  });
});
