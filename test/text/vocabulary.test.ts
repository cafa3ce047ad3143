import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Vocabulary } from '../../src/text/vocabulary.js';

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
  assert.equal(vocabulary.entries.length, 8);
  assert.equal(vocabulary.entries[5], 'b');
  assert.equal(vocabulary.entries[3], undefined);
  assert.equal(vocabulary.byteIds[0x62], 5);
  assert.equal(vocabulary.byteIds[0x61], undefined);
});

test('pieces by id are the same vocabulary', () => {
  const vocab = { b: 5, '!': 0 };
  const addedTokens = [{ id: 7, content: '<x>', special: true }];
  const byId = new Vocabulary({ vocab: ['!', undefined, undefined, undefined, undefined, 'b'], addedTokens });
  assert.deepEqual(byId.entries, new Vocabulary({ vocab, addedTokens }).entries);
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
  assert.deepEqual(vocabulary.entries[1], token);
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
