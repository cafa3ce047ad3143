import assert from 'node:assert/strict';
import { test } from 'node:test';
import { printableLine, printableText } from '../../src/cli/printable.js';

test('control characters are written out, everything else stays', () => {
  assert.equal(printableLine('a\nb\r\tc\u001b[31m\u009b\0 é日🙂'), 'a\\nb\\r\\tc\\x1b[31m\\x9b\\x00 é日🙂');
});

test('line feeds and tabs of a text stay', () => {
  assert.equal(printableText('a\nb\tc\r\u0007'), 'a\nb\tc\\r\\x07');
});
