import assert from 'node:assert/strict';
import { test } from 'node:test';
import { arrivals } from '../../../src/bench/load/runLevel.js';

test('arrivals are a Poisson process: exponential gaps of the right mean, which the seed repeats', () => {
  const rate = 5;
  const times = arrivals(rate, 2_000_000, 7);
  const count = times.length;
  // 10 000 are expected, with a standard deviation of 100.
  assert.ok(Math.abs(count - 10_000) < 400, `${count} arrivals`);
  const gaps = times.map((time, index) => time - (times[index - 1] ?? 0)).sort((a, b) => a - b);
  // Kolmogorov and Smirnov against 1 − exp(−λt), at 0.1 %: 1.95 ÷ √n.
  const distance = Math.max(
    ...gaps.map((gap, index) => Math.abs(1 - Math.exp((-rate * gap) / 1000) - (index + 0.5) / count)),
  );
  assert.ok(distance < 1.95 / Math.sqrt(count), `distance ${distance}`);
  assert.deepEqual(arrivals(rate, 2_000_000, 7), times);
  assert.notDeepEqual(arrivals(rate, 2_000_000, 8), times);
  assert.ok(times.every((time) => time > 0 && time < 2_000_000));
});
