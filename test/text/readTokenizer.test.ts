import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  readTokenizer,
  tokenizerDataFromJson,
  tokenizerDataFromVocabulary,
} from '../../src/text/readTokenizer.js';
import { finishWork } from '../../src/text/scanVocabulary.js';
import { PUBLISHED_PATTERN, Tokenizer } from '../../src/text/tokenizer.js';
import { readGolden } from '../support/golden.js';
import { demoFiles } from './demoTokenizer.js';
import { placeholderVocabulary } from './placeholderVocabulary.js';

const tokenizerJson = JSON.stringify({
  model: { type: 'BPE', vocab: { x: 0, y: 1, xy: 2 }, merges: ['x y'] },
  added_tokens: [{ id: 3, content: '<asr_text>', special: false }],
});

test('a complete set with vocab.json is preferred', () => {
  assert.equal(readTokenizer({ ...demoFiles, tokenizerJson }).idLimit, 1967);
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
  // 1965 and 1961 are added tokens, which this directory does not name.
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

const split = { type: 'Split', pattern: { Regex: PUBLISHED_PATTERN }, behavior: 'Isolated' };

function tokenizerJsonOf(model: object, rest: object = {}): string {
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
        tokenizerJsonOf(
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
  assert.throws(() => tokenizerDataFromJson(tokenizerJsonOf({ type: 'WordPiece' })), {
    code: 'unsupported',
    message: 'tokenizer.json: expected a model of type "BPE", found "WordPiece"',
  });
  const other = { pre_tokenizer: { ...split, pattern: { Regex: '\\w+' } } };
  assert.throws(() => tokenizerDataFromJson(tokenizerJsonOf({}, other)), {
    code: 'unsupported',
    message: /^tokenizer\.json: expected the Qwen2 pre-tokenizer pattern, found "/,
  });
});

test('malformed files are named, with the entry', () => {
  const refused: readonly (readonly [string, RegExp])[] = [
    ['{', /^tokenizer\.json: not JSON: /],
    ['{}', /^tokenizer\.json: expected model to be an object, found undefined$/],
    [tokenizerJsonOf({ vocab: { a: null } }), /^tokenizer\.json: entry "a": expected an id, found null$/],
    [
      tokenizerJsonOf({ merges: 'a b' }),
      /^tokenizer\.json: expected model\.merges to be an array, found "a b"$/,
    ],
    [tokenizerJsonOf({ merges: ['a b', 'ab'] }), /^tokenizer\.json merge 2: /],
    [tokenizerJsonOf({}, { added_tokens: {} }), /^tokenizer\.json: expected added_tokens to be an array/],
    [tokenizerJsonOf({}, { added_tokens: [{ id: 9 }] }), /^tokenizer\.json: expected added token 1 /],
  ];
  for (const [text, message] of refused) {
    assert.throws(() => tokenizerDataFromJson(text), { code: 'model', message });
  }
});

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
