import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wordBoundary } from '../../src/text/wordBoundary.js';

const CASES: readonly (readonly [text: string, limit: number, expected: number])[] = [
  ['Close the cur', 13, 9],
  ['Close the', 9, 5],
  ['Close', 5, 0],
  ['Close the door', 9, 9],
  ['定时九秒。', 3, 3],
  ['iPhone手机', 6, 6],
  ['iPho', 4, 0],
  ['a\u0301b', 1, 0], // never before a mark
  ['กำแพง', 1, 1],
  ['ที่นี่', 1, 0], // Thai vowel signs and tones belong to their consonant
  ['ที่นี่', 4, 3],
  ['مرحبا بالعالم', 9, 5],
  ['👩‍👩‍👧', 2, 0], // joined people, and halves of a pair
  ['好👍🏽好', 4, 1],
];

for (const [text, limit, expected] of CASES) {
  test(`${JSON.stringify(text)} may be divided at ${expected}, up to ${limit}`, () => {
    assert.equal(wordBoundary(text, limit), expected);
  });
}
