import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRandom } from '../../../src/bench/statistics/random.js';
import { summarize } from '../../../src/bench/statistics/summarize.js';
import { QwenAsrError } from '../../../src/error.js';

test('five runs: everything they support, and a sentence for what they do not', () => {
  const summary = summarize([1788, 1842, 1801, 1815, 1812]);
  assert.equal(summary.runs, 5);
  assert.deepEqual([summary.min, summary.median, summary.max], [1788, 1812, 1842]);
  assert.ok(Math.abs(summary.mean - 1811.6) < 1e-9);
  assert.equal(summary.mad, 11); // deviations 24 30 11 3 0
  assert.ok(Math.abs(summary.standardDeviation! - Math.sqrt(401.3)) < 1e-9);
  assert.equal(summary.medianInterval, null);
  // 1811.6 ± t(0.975, 4) · √(401.3 / 5)
  assert.ok(Math.abs(summary.meanInterval!.low - (1811.6 - 2.7764451 * Math.sqrt(80.26))) < 1e-4);
  assert.ok(Math.abs(summary.meanInterval!.high - (1811.6 + 2.7764451 * Math.sqrt(80.26))) < 1e-4);
  assert.deepEqual(
    summary.percentiles.map((entry) => entry.supported),
    [false, false],
  );
  assert.deepEqual(summary.notes, [
    'a 95 % interval of the median needs 6 runs, this sample has 5',
    'p90 needs 64 runs, this sample has 5: with fewer, it rests on one or two extreme runs',
    'p99 needs 662 runs, this sample has 5: with fewer, it rests on one or two extreme runs',
  ]);
});

test('six runs have an interval of the median, 64 a p90, 662 a p99', () => {
  const random = createRandom(2);
  const runs = Array.from({ length: 662 }, () => 100 * Math.exp(0.03 * random.normal()));
  assert.ok(summarize(runs.slice(0, 6)).medianInterval !== null);
  const supported = (count: number): boolean[] =>
    summarize(runs.slice(0, count)).percentiles.map((entry) => entry.supported);
  assert.deepEqual(supported(63), [false, false]);
  assert.deepEqual(supported(64), [true, false]);
  assert.deepEqual(supported(661), [true, false]);
  assert.deepEqual(supported(662), [true, true]);
  assert.deepEqual(summarize(runs).notes, []);
});

test('outliers are named and stay in every figure', () => {
  const summary = summarize([100, 101, 99, 100, 102, 180]);
  assert.deepEqual(summary.outliers, [{ index: 5, value: 180, side: 'high', far: true }]);
  assert.equal(summary.max, 180);
  assert.ok(Math.abs(summary.mean - 682 / 6) < 1e-9);
});

test('one run has no spread, two have one but no interval of the mean', () => {
  const one = summarize([7]);
  assert.deepEqual([one.meanInterval, one.standardDeviation, one.outliers.length], [null, null, 0]);
  const two = summarize([7, 9]);
  assert.deepEqual([two.meanInterval, two.standardDeviation], [null, Math.SQRT2]);
  assert.ok(summarize([7, 8, 9]).meanInterval !== null);
  assert.match(
    summarize([10, 11, 14, 10, 12, 19, 11], { confidence: 0.99 }).notes[0]!,
    /^a 99 % interval of the median needs 8 runs/,
  );
});

test('an empty or broken sample is refused', () => {
  for (const sample of [[], [1, Number.POSITIVE_INFINITY]]) {
    assert.throws(
      () => summarize(sample),
      (error) =>
        error instanceof QwenAsrError && error.code === 'usage' && /^summary: expected/.test(error.message),
    );
  }
});
