import assert from 'node:assert/strict';
import { test } from 'node:test';
import { byteAlphabet, bytesOfPiece, pieceOfText, Vocabulary } from '../../src/text/vocabulary.js';

test('every byte has a printable character of its own', () => {
  assert.equal(byteAlphabet.length, 256);
  assert.equal(new Set(byteAlphabet).size, 256);
  for (const character of byteAlphabet) assert.match(character, /^[\p{L}\p{N}\p{P}\p{S}]$/u);
});

test('the alphabet is the published one', () => {
  // GPT-2's encoder.json starts with these, in this order of bytes.
  assert.equal(byteAlphabet[0x00], 'Ā');
  assert.equal(byteAlphabet[0x0a], 'Ċ');
  assert.equal(byteAlphabet[0x0d], 'č');
  assert.equal(byteAlphabet[0x20], 'Ġ');
  assert.equal(byteAlphabet[0x21], '!');
  assert.equal(byteAlphabet[0x7e], '~');
  assert.equal(byteAlphabet[0x7f], 'ġ');
  assert.equal(byteAlphabet[0xa0], 'ł');
  assert.equal(byteAlphabet[0xa1], '¡');
  assert.equal(byteAlphabet[0xad], 'Ń');
  assert.equal(byteAlphabet[0xff], 'ÿ');
});

test('pieces and bytes convert both ways', () => {
  for (let byte = 0; byte < 256; byte++) {
    assert.deepEqual([...bytesOfPiece(byteAlphabet[byte]!)], [byte]);
  }
  assert.equal(pieceOfText(' música'), 'ĠmÃºsica');
  assert.equal(Buffer.from(bytesOfPiece('ĠmÃºsica')).toString('utf8'), ' música');
});

test('an entry outside the alphabet stands for its own UTF-8', () => {
  for (const piece of ['日本', ' space', '\u0144', '😀', '\u00ad']) {
    assert.equal(Buffer.from(bytesOfPiece(piece)).toString('utf8'), piece);
  }
});

test('ids are looked up both ways, gaps included', () => {
  const vocabulary = new Vocabulary({
    vocab: { b: 5, '!': 0 },
    addedTokens: [{ id: 7, content: '<x>', special: true }],
  });
  assert.equal(vocabulary.idOf('b'), 5);
  assert.equal(vocabulary.idOf('c'), undefined);
  assert.deepEqual(
    [...vocabulary.idOfPiece],
    [
      ['!', 0],
      ['b', 5],
    ],
  );
  assert.equal(vocabulary.idOf('b'), 5);
  assert.equal(vocabulary.idOf('<x>'), undefined);
  assert.equal(vocabulary.idLimit, 8);
  assert.equal(vocabulary.entry(5), 'b');
  assert.equal(vocabulary.entry(3), undefined);
  assert.equal(vocabulary.byteIds[0x62], 5);
  assert.equal(vocabulary.byteIds[0x61], undefined);
});

test('pieces by id are the same vocabulary', () => {
  const vocab = { b: 5, '!': 0 };
  const addedTokens = [{ id: 7, content: '<x>', special: true }];
  const byId = new Vocabulary({ vocab: ['!', undefined, undefined, undefined, undefined, 'b'], addedTokens });
  const entries = (vocabulary: Vocabulary) =>
    Array.from({ length: vocabulary.idLimit }, (_, id) => vocabulary.entry(id));
  assert.deepEqual(entries(byId), entries(new Vocabulary({ vocab, addedTokens })));
  assert.equal(byId.idOf('b'), 5);
  assert.equal(byId.byteIds[0x62], 5);
});

test('a file may repeat its added tokens among the vocabulary', () => {
  const token = { id: 1, content: '<x>', special: true };
  const vocabulary = new Vocabulary({
    vocab: new Map([
      ['a', 0],
      ['<x>', 1],
    ]),
    addedTokens: [token, token],
  });
  assert.deepEqual(vocabulary.entry(1), token);
});

test('unusable and shared ids are named', () => {
  const created =
    (vocab: Record<string, number>, id = 9) =>
    (): unknown =>
      new Vocabulary({ vocab, addedTokens: [{ id, content: '<x>', special: true }] });
  assert.throws(created({ a: -1 }), { code: 'model', message: /entry "a": expected an id .*, found -1$/ });
  assert.throws(created({ a: 1.5 }), { message: /entry "a": expected an id .*, found 1\.5$/ });
  assert.throws(created({ a: 1e9 }), { message: /entry "a": expected an id/ });
  assert.throws(created({ a: 1, b: 1 }), { message: /found "a" and "b" with id 1$/ });
  assert.throws(created({ a: 1 }, 1), { message: /found "a" and "<x>" with id 1$/ });
  assert.throws(created({ a: 1 }, Number.NaN), { message: /added token "<x>": expected an id/ });
});
