import assert from 'node:assert/strict';
import { test } from 'node:test';
import { finishWork } from '../../src/text/slicedWork.js';
import { Tokenizer } from '../../src/text/tokenizer.js';
import { tokenizerDataFromVocabulary } from '../../src/text/vocabularyFiles.js';
import { placeholderVocabulary } from './placeholderVocabulary.js';

const vocabJson = '{"a":0,"b":1,"ab":2}';

test('added tokens come from added_tokens_decoder', () => {
  const tokenizerConfigJson =
    '{"added_tokens_decoder":{"3":{"content":"<x>","special":true},"4":{"content":"<y>","special":false},"5":{"content":"<z>"}}}';
  const { addedTokens } = finishWork(tokenizerDataFromVocabulary({ vocabJson, tokenizerConfigJson }));
  assert.deepEqual(addedTokens, [
    { id: 3, content: '<x>', special: true },
    { id: 4, content: '<y>', special: false },
    { id: 5, content: '<z>', special: false },
  ]);
});

test('the published tokens stand in for a vocabulary of exactly that size without its own', () => {
  const published = placeholderVocabulary();
  const idOf = (files: { vocabJson: string; tokenizerConfigJson?: string }): number | undefined =>
    finishWork(tokenizerDataFromVocabulary(files)).addedTokens.find(({ content }) => content === '<asr_text>')
      ?.id;
  assert.equal(idOf({ vocabJson: published }), 151704);
  assert.equal(idOf({ vocabJson: published, tokenizerConfigJson: '{"model_max_length":1}' }), 151704);
  assert.equal(idOf({ vocabJson: published.replace(/\}$/, ',"extra":151643}') }), undefined);
  assert.equal(idOf({ vocabJson }), undefined);
  const own = '{"added_tokens_decoder":{"151999":{"content":"<asr_text>","special":false}}}';
  assert.equal(idOf({ vocabJson: published, tokenizerConfigJson: own }), 151999);
});

test('special tokens that stand in the vocabulary itself are no text', () => {
  const files = { vocabJson: '{"a":0,"<asr_text>":1,"<|im_end|>":2}', mergesTxt: '' };
  const tokenizer = Tokenizer.create(finishWork(tokenizerDataFromVocabulary(files)));
  assert.equal(tokenizer.decode([1, 0, 2]), '<asr_text>a');
});

test('malformed files are named, with the entry', () => {
  const refused = (files: { vocabJson?: string; tokenizerConfigJson?: string }, message: RegExp): void => {
    assert.throws(
      () => finishWork(tokenizerDataFromVocabulary({ vocabJson, ...files })),
      (error: Error) => {
        assert.match(error.message, message);
        assert.ok(!error.message.includes('\n'), error.message);
        return 'code' in error && error.code === 'model';
      },
    );
  };
  refused({ vocabJson: '' }, /^vocab\.json: not JSON: /);
  refused({ vocabJson: '{"a":\n0,}' }, /^vocab\.json: not JSON: /);
  refused({ vocabJson: '["a"]' }, /^vocab\.json: expected a JSON object, found an array$/);
  refused({ vocabJson: '{"a":"0"}' }, /^vocab\.json: entry "a": expected an id, found "0"$/);
  refused({ tokenizerConfigJson: 'null' }, /^tokenizer_config\.json: expected a JSON object, found null$/);
  refused({ tokenizerConfigJson: '{"added_tokens_decoder":[]}' }, /added_tokens_decoder to be an object/);
  refused(
    { tokenizerConfigJson: '{"added_tokens_decoder":{"x":{"content":"<x>"}}}' },
    /added_tokens_decoder "x"/,
  );
  refused(
    { tokenizerConfigJson: '{"added_tokens_decoder":{"7":{"text":"<x>"}}}' },
    /added_tokens_decoder "7"/,
  );
});

test('a byte order mark is accepted', () => {
  assert.equal(
    finishWork(tokenizerDataFromVocabulary({ vocabJson: `\ufeff${vocabJson}` })).addedTokens.length,
    0,
  );
});
