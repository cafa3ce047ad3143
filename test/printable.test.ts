import assert from 'node:assert/strict';
import { test } from 'node:test';
import { printableDocument, printableLine, printableText } from '../src/printable.js';

test('control characters are written out, everything else stays', () => {
  assert.equal(printableLine('a\nb\r\tc\u001b[31m\u009b\0 é日🙂'), 'a\\nb\\r\\tc\\x1b[31m\\x9b\\x00 é日🙂');
});

test('line feeds and tabs of a text stay', () => {
  assert.equal(printableText('a\nb\tc\r\u0007'), 'a\nb\tc\\r\\x07');
});

test('what changes the direction of writing is written out, but for the marks that texts need', () => {
  assert.equal(printableLine('a\u202egpj.wav\u2066\u200f\u2028'), 'a\\u202egpj.wav\\u2066\\u200f\\u2028');
  assert.equal(printableText('שלום\u200f \u202eabc\u0085'), 'שלום\u200f \\u202eabc\\x85');
});

test('every text of a document is made printable, and nothing else', () => {
  const counts = new Map([['a\n', 1]]);
  const document = { path: 'a\u001b', runs: [{ text: 'b\n', ms: 1.5, none: null }], counts };
  assert.deepEqual(printableDocument(document), {
    path: 'a\\x1b',
    runs: [{ text: 'b\\n', ms: 1.5, none: null }],
    counts,
  });
});
