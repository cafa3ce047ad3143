import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  MAD_TO_SIGMA,
  mean,
  meanInterval,
  median,
  medianAbsoluteDeviation,
  quantile,
  standardDeviation,
  tukeyFences,
  variance,
} from '../../../src/bench/statistics/descriptive.js';
import { normalQuantile } from '../../../src/bench/statistics/distributions.js';
import { createRandom } from '../../../src/bench/statistics/random.js';
import { QwenAsrError } from '../../../src/error.js';

test('quantiles follow definition 7 of Hyndman and Fan', () => {
  // R: quantile(c(15, 20, 35, 40, 50), type = 7) at 0.05, 0.3, 0.4, 0.5, 1.
  const sample = [40, 15, 50, 35, 20];
  assert.equal(quantile(sample, 0.05), 16);
  assert.equal(quantile(sample, 0.3), 23);
  assert.ok(Math.abs(quantile(sample, 0.4) - 29) < 1e-12);
  assert.equal(quantile(sample, 0.5), 35);
  assert.equal(quantile(sample, 1), 50);
  assert.equal(quantile([3], 0.9), 3);
  assert.deepEqual(sample, [40, 15, 50, 35, 20], 'the sample is left as it was');
});

test('the quantile of k / (n − 1) is the k-th sorted value', () => {
  const random = createRandom(3);
  for (let round = 0; round < 200; round++) {
    const sample = Array.from({ length: 2 + random.integer(30) }, () => random.normal());
    const sorted = sample.slice().sort((x, y) => x - y);
    const k = random.integer(sample.length);
    assert.ok(Math.abs(quantile(sample, k / (sample.length - 1)) - sorted[k]!) < 1e-12);
  }
});

test('median and MAD of small samples', () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 3, 2]), 2.5);
  assert.equal(median([10, 9, 100]), 10, 'numbers are not sorted as text');
  // The textbook example: the deviations from 2 are 1 1 0 0 2 4 7.
  assert.equal(medianAbsoluteDeviation([1, 1, 2, 2, 4, 6, 9]), 1);
  assert.ok(Math.abs(MAD_TO_SIGMA - 1 / normalQuantile(0.75)) < 1e-12);
});

test('the scaled MAD of a large normal sample is its standard deviation', () => {
  const random = createRandom(11);
  const sample = Array.from({ length: 40_000 }, () => 100 + 7 * random.normal());
  assert.ok(Math.abs(MAD_TO_SIGMA * medianAbsoluteDeviation(sample) - 7) < 0.15);
});

test('mean and deviation keep the digits of the NIST data set NumAcc1', () => {
  // NIST Statistical Reference Datasets: certified mean 10000002 and standard deviation 1.
  assert.equal(mean([10_000_001, 10_000_003, 10_000_002]), 10_000_002);
  assert.equal(standardDeviation([10_000_001, 10_000_003, 10_000_002]), 1);
  assert.equal(mean([1, 1e100, 1, -1e100]), 0.5, 'Neumaier keeps what a plain sum loses');
  assert.ok(Math.abs(variance([2, 4, 4, 4, 5, 5, 7, 9]) - 32 / 7) < 1e-12);
});

test("Student's interval of the mean", () => {
  // t(0.975, 4) = 2.776445; s = √2.5, so the half width is 2.776445 · √(2.5 / 5).
  const { low, high, confidence } = meanInterval([1, 2, 3, 4, 5]);
  assert.ok(Math.abs(low - (3 - 2.7764451052 * Math.SQRT1_2)) < 1e-9);
  assert.ok(Math.abs(high - (3 + 2.7764451052 * Math.SQRT1_2)) < 1e-9);
  assert.equal(confidence, 0.95);
});

test('Tukey fences name the outliers and keep their places', () => {
  // Quartiles 10.25 and 11.75, range 1.5: fences 8 and 14; far out beyond 5.75 and 16.25.
  const { low, high, outliers } = tukeyFences([10, 30, 11, 7, 11, 12]);
  assert.deepEqual([low, high], [8, 14]);
  assert.deepEqual(outliers, [
    { index: 1, value: 30, side: 'high', far: true },
    { index: 3, value: 7, side: 'low', far: false },
  ]);
  assert.deepEqual(tukeyFences([5, 5, 5, 5]).outliers, []);
});

test('normal data lie outside the fences with the known 0.7 %', () => {
  const random = createRandom(5);
  const sample = Array.from({ length: 50_000 }, () => random.normal());
  const share = tukeyFences(sample).outliers.length / sample.length;
  assert.ok(Math.abs(share - 0.00698) < 0.0015, `share ${share}`);
});

test('samples that are too small or not finite are refused in one line', () => {
  const usage = (message: RegExp) => (error: unknown) =>
    error instanceof QwenAsrError && error.code === 'usage' && message.test(error.message);
  assert.throws(() => median([]), usage(/^median: expected at least 1 value, found 0$/));
  assert.throws(() => mean([1, Number.NaN]), usage(/^mean: expected finite numbers, found NaN at index 1$/));
  assert.throws(() => meanInterval([1, 2]), usage(/at least 3 values, found 2/));
  assert.throws(() => tukeyFences([1, 2, 3]), usage(/at least 4 values, found 3/));
  assert.throws(() => meanInterval([1, 2, 3], 95), usage(/confidence: expected a number between 0.5 and 1/));
});
