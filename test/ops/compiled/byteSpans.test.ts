import assert from 'node:assert/strict';
import { test } from 'node:test';
import { joinedSpans } from '../../../src/ops/compiled/byteSpans.js';

test('neighbours in a buffer become one span, whatever their order; others stay apart', () => {
  const [first, second] = [new ArrayBuffer(1024), new ArrayBuffer(1024)];
  const spans = joinedSpans([
    new Uint8Array(first, 200, 100),
    new Uint8Array(second, 300, 10), // begins where one of the other buffer ends
    new Uint8Array(first, 0, 200),
    new Uint8Array(first, 302, 8), // behind what alignment left out
    new Uint8Array(first, 600, 24),
  ]);
  const places = spans.map(({ buffer, byteOffset, byteLength }) => [
    buffer === first,
    byteOffset,
    byteLength,
  ]);
  assert.deepEqual(places, [
    [true, 0, 310],
    [false, 300, 10],
    [true, 600, 24],
  ]);
  assert.deepEqual(joinedSpans([]), []);
});
