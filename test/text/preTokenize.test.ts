import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PUBLISHED_PATTERN, preTokenize } from '../../src/text/tokenizer.js';
import { processorMs } from '../support/processorMs.js';
import { Random } from '../support/random.js';
import { randomText } from './randomText.js';

/** Words of each text, read off the published pattern by hand. */
const cases: readonly (readonly [string, readonly string[]])[] = [
  ['', []],
  ['Hello world', ['Hello', ' world']],
  [
    "I'll we'RE THEY'VE it'S I'M he'D CAN'T",
    ['I', "'ll", ' we', "'RE", ' THEY', "'VE", ' it', "'S", ' I', "'M", ' he', "'D", ' CAN', "'T"],
  ],
  // The contraction comes first wherever a match starts at its apostrophe, even inside a longer word.
  ["'sable 'lL 'Reap", ["'s", 'able', " '", 'lL', " '", 'Reap']],
  ["a'llama 'x", ['a', "'ll", 'ama', " '", 'x']],
  // The long s folds to s, as in Oniguruma and Python's regex module.
  ["x'\u017fx", ['x', "'\u017f", 'x']],
  ['2024', ['2', '0', '2', '4']],
  ['x²½Ⅷ٣', ['x', '²', '½', 'Ⅷ', '٣']],
  ['a.b,c', ['a', '.b', ',c']],
  ['wait...\n\nok', ['wait', '...\n\n', 'ok']],
  [' ?!\r\nx', [' ?!\r\n', 'x']],
  ['a   b', ['a', '  ', ' b']],
  ['a   ', ['a', '   ']],
  ['a \n\n b', ['a', ' \n\n', ' b']],
  ['\t\tx', ['\t', '\tx']],
  ['   1', ['  ', ' ', '1']],
  // A lone combining mark is neither letter nor number; before letters it is their leading character.
  ['e\u0301\u0301', ['e', '\u0301\u0301']],
  ['\u0301a', ['\u0301a']],
  // U+0085 is white space and U+FEFF is not: JavaScript's \s says the opposite.
  ['a\u0085\u0085b', ['a', '\u0085', '\u0085b']],
  ['!\u0085', ['!', '\u0085']],
  ['\ufeff\ufeffb', ['\ufeff\ufeff', 'b']],
  ['a\u00a0\u3000b', ['a', '\u00a0', '\u3000b']],
  ['a\x1c\x1cb', ['a', '\x1c\x1c', 'b']],
  ['<|im_end|>', ['<|', 'im', '_end', '|>']],
  ['你好，世界', ['你好', '，世界']],
  ['👩‍👧 x', ['👩‍👧', ' x']],
];

test('texts are cut where the published pattern cuts them', () => {
  for (const [text, words] of cases) assert.deepEqual(preTokenize(text), words, JSON.stringify(text));
});

test('the published pattern is stated in full', () => {
  // model-spec: as in tokenizer.json of every Qwen2 and Qwen3 model.
  assert.equal(
    PUBLISHED_PATTERN,
    String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
  );
});

test('nothing is lost: the words join to the text', () => {
  const random = new Random(1);
  for (let i = 0; i < 5000; i++) {
    const text = randomText(random);
    assert.equal(preTokenize(text).join(''), text);
  }
});

test('long runs of one kind take linear time', () => {
  const startMs = processorMs();
  for (const run of [' ', '\n', ' \n', 'a', '1', '.', "'", '\u0301', "'s"]) {
    const text = `${run.repeat(200_000)}x`;
    assert.equal(preTokenize(text).join('').length, text.length);
  }
  assert.ok(processorMs() - startMs < 5000);
});
