import assert from 'node:assert/strict';
import { test } from 'node:test';
import { americanSpelling } from '../../../src/bench/accuracy/americanSpelling.js';

test('the spelling table is the published one', () => {
  // Facts of whisper/normalizers/english.json: 1,739 entries, one of them no single word.
  assert.equal(americanSpelling.size, 1738);
  const letters = Array.from(americanSpelling).reduce((sum, [from, to]) => sum + from.length + to.length, 0);
  // Its file has 56,121 characters: 12 of layout for each of the 1,739 entries, 26 for the words of
  // "flyer / flier": "flier / flyer", and two for the braces.
  assert.equal(letters + 12 * 1739 + 26 + 2, 56_121);
  for (const [british, american] of [
    ['accessorise', 'accessorize'],
    ['yoghurts', 'yogurts'],
    ['cancelation', 'cancellation'],
    ['gage', 'gauge'],
    ['glamor', 'glamour'],
    ['archeological', 'archaeological'],
    ['mmm', 'hmm'],
  ] as const) {
    assert.equal(americanSpelling.get(british), american);
  }
});

test('every entry is two plain words that differ', () => {
  for (const [british, american] of americanSpelling) {
    assert.match(british, /^[a-z]+$/);
    assert.match(american, /^[a-z]+$/);
    assert.notEqual(british, american);
  }
});
