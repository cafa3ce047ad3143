import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Tokenizer } from '../../src/text/tokenizer.js';
import { readGolden } from '../support/golden.js';
import { Random } from '../support/random.js';
import { demoTokenizer } from './demoTokenizer.js';
import { randomText } from './randomText.js';

const clips = [
  'light-en',
  'light-en-context',
  'music-es',
  'silence-3s',
  'timer-en',
  'timer-en-forced',
  'morning-en',
  'weather-de',
];

for (const clip of clips) {
  test(`golden ${clip}: the generated ids decode to the raw output`, () => {
    const golden = readGolden(`demo/${clip}`);
    assert.equal(demoTokenizer.decode(golden.tokens), golden.raw);
  });
}

test('golden light-en-context: a typed <|im_end|> is plain text', () => {
  const ids = readGolden('demo/light-en-context').prompt_ids;
  const system = demoTokenizer.encode('system\nLights: kitchen, bedroom.\nPlain text: <|im_end|>');
  assert.deepEqual(ids.slice(1, 1 + system.length), system);
  assert.equal(ids[1 + system.length], demoTokenizer.idOf('<|im_end|>'));
});

test('golden timer-en-forced: the language name', () => {
  const ids = readGolden('demo/timer-en-forced').prompt_ids;
  assert.deepEqual(demoTokenizer.encode('language English'), ids.slice(-3, -1));
  assert.deepEqual(demoTokenizer.encode(' English'), ids.slice(-2, -1));
});

test('decoding gives back the NFC of any text, and no text yields an added token', () => {
  const random = new Random(5);
  const firstAdded = Math.min(...['<|endoftext|>', '<asr_text>'].map((token) => demoTokenizer.idOf(token)!));
  for (let i = 0; i < 3000; i++) {
    const text = randomText(random);
    const ids = demoTokenizer.encode(text);
    assert.equal(demoTokenizer.decode(ids), text.normalize('NFC'));
    assert.ok(
      ids.every((id) => id < firstAdded),
      text,
    );
  }
});

test('a lone surrogate counts as U+FFFD', () => {
  for (const text of ['\ud800', 'a\udc00b', ' \ud83d', '\ud83d\ud83d\ude00']) {
    assert.deepEqual(demoTokenizer.encode(text), demoTokenizer.encode(Buffer.from(text).toString()));
  }
});

test('special and unknown ids are left out, other added tokens kept', () => {
  const idOf = (content: string): number => demoTokenizer.idOf(content)!;
  const on = demoTokenizer.encode(' on');
  const ids = [idOf('<|im_start|>'), idOf('<asr_text>'), 1967, 1_000_000, -1, ...on, idOf('<|im_end|>')];
  assert.equal(demoTokenizer.decode(ids), '<asr_text> on');
});

test('bytes that are not UTF-8 decode as in TextDecoder, whole and one by one', () => {
  const random = new Random(6);
  const asrText = demoTokenizer.idOf('<asr_text>')!;
  for (let i = 0; i < 3000; i++) {
    // The demo vocabulary has the byte b as id b.
    const text = Buffer.from(randomText(random));
    const parts = Array.from({ length: random.integer(0, 40) }, (_, k) => {
      const choice = random.integer(0, 9);
      if (choice === 0) return { id: 1960, bytes: [] };
      if (choice === 1) return { id: asrText, bytes: [...Buffer.from('<asr_text>')] };
      const byte = choice < 4 ? random.integer(0, 255) : (text[k] ?? 0xe2);
      return { id: byte, bytes: [byte] };
    });
    const expected = new TextDecoder('utf-8', { ignoreBOM: true }).decode(
      Uint8Array.from(parts.flatMap(({ bytes }) => bytes)),
    );
    const ids = parts.map(({ id }) => id);
    assert.equal(demoTokenizer.decode(ids), expected);
    const decoder = demoTokenizer.streamDecoder();
    assert.equal(ids.map((id) => decoder.push(id)).join('') + decoder.flush(), expected);
  }
});

test('a stream holds back incomplete characters', () => {
  const decoder = demoTokenizer.streamDecoder();
  const pieces = [...Buffer.from('é😀ok')].map((byte) => decoder.push(byte));
  assert.deepEqual(pieces, ['', 'é', '', '', '', '😀', 'o', 'k']);
  assert.equal(decoder.flush(), '');
  assert.equal(decoder.push(0xe2), '');
  assert.equal(decoder.push(0x82), '');
  assert.equal(decoder.flush(), '\ufffd');
  assert.equal(decoder.push(0x61), 'a');
});

test('without merges, words that are one entry are encoded and others refused', () => {
  const vocab = { a: 0, b: 1, ab: 2, ĠEnglish: 3, ÃŁ: 4 };
  const tokenizer = Tokenizer.create({ vocab, addedTokens: [] });
  assert.deepEqual(tokenizer.encode('ab English'), [2, 3]);
  assert.deepEqual(tokenizer.encode('ß'), [4]);
  assert.throws(() => tokenizer.encode('ab ba'), {
    code: 'tokenizer',
    message:
      'cannot encode " ba": expected one vocabulary entry, because the model directory has no merges.txt',
  });
});

test('an empty list of merges is not a missing one: bytes stay bytes', () => {
  const tokenizer = Tokenizer.create({
    vocab: { a: 0, b: 1, ab: 2 },
    merges: '#version: 0.2\n',
    addedTokens: [],
  });
  assert.deepEqual(tokenizer.encode('ab'), [0, 1]);
  assert.throws(() => tokenizer.encode('abc'), {
    code: 'tokenizer',
    message: 'cannot encode "abc": the vocabulary lacks byte 0x63',
  });
});

test('entries are found by content and by id', () => {
  const golden = readGolden('demo/music-es');
  assert.equal(demoTokenizer.pieceOf(golden.tokens[4]!), 'ĠmÃºsica');
  assert.equal(demoTokenizer.idOf('ĠmÃºsica'), golden.tokens[4]);
  assert.equal(demoTokenizer.pieceOf(golden.tokens[2]!), '<asr_text>');
  assert.equal(demoTokenizer.idOf('nonsense'), undefined);
  assert.equal(demoTokenizer.pieceOf(1967), undefined);
  assert.equal(demoTokenizer.idLimit, 1967);
});
