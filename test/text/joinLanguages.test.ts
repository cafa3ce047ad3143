import assert from 'node:assert/strict';
import { test } from 'node:test';
import { joinLanguages } from '../../src/text/joinLanguages.js';

test('languages are named once for as long as they go on, silence is passed over', () => {
  assert.equal(joinLanguages([]), '');
  assert.equal(joinLanguages(['', '']), '');
  assert.equal(joinLanguages(['English', 'English']), 'English');
  assert.equal(joinLanguages(['English', '', 'English', 'German', '', 'English']), 'English,German,English');
});
