import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NumberHeap } from '../../src/text/numberHeap.js';
import { Random } from '../support/random.js';

test('pops what was pushed in ascending order, whatever the order of calls', () => {
  const random = new Random(2);
  const heap = new NumberHeap();
  const kept: number[] = [];
  for (let step = 0; step < 20_000; step++) {
    if (random.integer(0, 2) > 0) {
      const key = random.integer(0, 500);
      heap.push(key);
      kept.push(key);
    } else {
      kept.sort((a, b) => a - b);
      assert.equal(heap.pop(), kept.shift());
    }
  }
  for (const key of kept.sort((a, b) => a - b)) assert.equal(heap.pop(), key);
  assert.equal(heap.pop(), undefined);
});
