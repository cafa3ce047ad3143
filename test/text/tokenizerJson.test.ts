import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PUBLISHED_PATTERN } from '../../src/text/preTokenize.js';
import { Tokenizer } from '../../src/text/tokenizer.js';
import { tokenizerDataFromJson } from '../../src/text/tokenizerJson.js';

const split = { type: 'Split', pattern: { Regex: PUBLISHED_PATTERN }, behavior: 'Isolated' };

function tokenizerJson(model: object, rest: object = {}): string {
  const vocab = { a: 0, b: 1, ab: 2, '#': 3, '##': 4 };
  return JSON.stringify({ model: { type: 'BPE', vocab, merges: [], ...model }, ...rest });
}

test('merges as strings and as pairs give the same tokenizer', () => {
  for (const merges of [
    ['a b', '# #'],
    [
      ['a', 'b'],
      ['#', '#'],
    ],
  ]) {
    const tokenizer = Tokenizer.create(
      tokenizerDataFromJson(
        tokenizerJson(
          { merges },
          {
            added_tokens: [{ id: 9, content: '<x>', special: true }],
            pre_tokenizer: { type: 'Sequence', pretokenizers: [split, { type: 'ByteLevel' }] },
          },
        ),
      ),
    );
    assert.deepEqual(tokenizer.encode('aba##'), [2, 0, 4]);
    assert.equal(tokenizer.idOf('<x>'), 9);
    assert.equal(tokenizer.decode([2, 9, 4]), 'ab##');
  }
});

test('other kinds of tokenizer are refused', () => {
  assert.throws(() => tokenizerDataFromJson(tokenizerJson({ type: 'WordPiece' })), {
    code: 'unsupported',
    message: 'tokenizer.json: expected a model of type "BPE", found "WordPiece"',
  });
  const other = { pre_tokenizer: { ...split, pattern: { Regex: '\\w+' } } };
  assert.throws(() => tokenizerDataFromJson(tokenizerJson({}, other)), {
    code: 'unsupported',
    message: /^tokenizer\.json: expected the Qwen2 pre-tokenizer pattern, found "/,
  });
});

test('malformed files are named, with the entry', () => {
  const refused: readonly (readonly [string, RegExp])[] = [
    ['{', /^tokenizer\.json: not JSON: /],
    ['{}', /^tokenizer\.json: expected model to be an object, found undefined$/],
    [tokenizerJson({ vocab: { a: null } }), /^tokenizer\.json: entry "a": expected an id, found null$/],
    [
      tokenizerJson({ merges: 'a b' }),
      /^tokenizer\.json: expected model\.merges to be an array, found "a b"$/,
    ],
    [tokenizerJson({ merges: ['a b', 'ab'] }), /^tokenizer\.json merge 2: /],
    [tokenizerJson({}, { added_tokens: {} }), /^tokenizer\.json: expected added_tokens to be an array/],
    [tokenizerJson({}, { added_tokens: [{ id: 9 }] }), /^tokenizer\.json: expected added token 1 /],
  ];
  for (const [text, message] of refused) {
    assert.throws(() => tokenizerDataFromJson(text), { code: 'model', message });
  }
});
