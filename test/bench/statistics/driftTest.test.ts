import assert from 'node:assert/strict';
import { test } from 'node:test';
import { median } from '../../../src/bench/statistics/descriptive.js';
import { isSteady, testDrift } from '../../../src/bench/statistics/driftTest.js';
import { createRandom } from '../../../src/bench/statistics/random.js';

test('the p-value counts all orders of the runs', () => {
  const orders = permutations([1, 2, 3, 4, 5, 6]);
  const score = (order: readonly number[]): number =>
    order.reduce((sum, x, i) => sum + order.slice(i + 1).reduce((s, y) => s + Math.sign(y - x), 0), 0);
  const scores = orders.map(score);
  for (let i = 0; i < orders.length; i += 37) {
    const below = scores.filter((s) => s <= scores[i]!).length;
    const above = scores.filter((s) => s >= scores[i]!).length;
    const expected = Math.min(1, (2 * Math.min(below, above)) / orders.length);
    const { pValue, tau, method } = testDrift(orders[i]!);
    assert.equal(method, 'exact');
    assert.ok(Math.abs(pValue - expected) < 1e-12, `${orders[i]}: ${pValue}, expected ${expected}`);
    assert.ok(Math.abs(tau - scores[i]! / 15) < 1e-12);
  }
});

test('the variance with ties is the one of all orders of the tied values', () => {
  // Enumerated: Var S over the orders of 1 1 2 3 3 3 5; the p-value must be that of S = 11 with this variance.
  const values = [1, 1, 2, 3, 3, 3, 5];
  const scores = permutations(values).map((order) =>
    order.reduce((sum, x, i) => sum + order.slice(i + 1).reduce((s, y) => s + Math.sign(y - x), 0), 0),
  );
  const variance = scores.reduce((sum, s) => sum + s * s, 0) / scores.length;
  const { pValue, tau, method } = testDrift(values);
  const observed = Math.round(tau * 21);
  assert.equal(method, 'normal');
  assert.equal(observed, 17); // 21 pairs less 1 tie of two and 3 ties among three
  const z = (observed - 1) / Math.sqrt(variance);
  const tail = 2 * (1 - simpsonNormal(z));
  assert.ok(Math.abs(pValue - tail) < 1e-8, `${pValue}, expected ${tail}`);
});

test('false alarms stay at the level and a drift of half a sigma a run is found', () => {
  const random = createRandom(43);
  let alarms = 0;
  let found = 0;
  for (let experiment = 0; experiment < 1000; experiment++) {
    const flat = Array.from({ length: 12 }, () => 100 + random.normal());
    if (testDrift(flat).drifting) alarms++;
    if (testDrift(flat.map((value, i) => value + 0.5 * i)).drifting) found++;
  }
  assert.ok(alarms <= 70, `${alarms} false alarms in 1000`);
  assert.ok(found >= 990, `${found} of 1000 found`);
});

test('the slope is the median of all slopes, unmoved by one wild run', () => {
  const drift = testDrift([100, 102, 104, 106, 500, 110, 112]);
  assert.ok(Math.abs(drift.slopePerRun - 2) < 1e-9);
  assert.ok(Math.abs(drift.totalPercent - (100 * 2 * 6) / 106) < 1e-9);
  assert.equal(drift.drifting, true);
  assert.equal(testDrift([5, 5, 5, 5]).pValue, 1);
});

test('the slope is the median of all slopes and S counts all pairs, ties included', () => {
  const random = createRandom(45);
  for (let round = 0; round < 100; round++) {
    const values = Array.from({ length: 3 + random.integer(12) }, () => random.integer(9));
    const pairs = values.flatMap((x, i) => values.slice(i + 1).map((y, step) => [y - x, step + 1] as const));
    const slopes = pairs.map(([rise, run]) => rise / run);
    const { slopePerRun, tau } = testDrift(values);
    assert.ok(Math.abs(slopePerRun - median(slopes)) < 1e-9, `${values}: ${slopePerRun}`);
    assert.equal(
      Math.round(tau * pairs.length),
      pairs.reduce((sum, [rise]) => sum + Math.sign(rise), 0),
    );
  }
});

test('20,000 runs are tested in a moment', () => {
  const random = createRandom(46);
  const values = Array.from({ length: 20_000 }, (_, i) => 100 + 0.0001 * i + random.normal());
  const { slopePerRun, drifting } = testDrift(values);
  // The slope's standard error is σ √12 / n^1.5 = 1.2e-6.
  assert.ok(Math.abs(slopePerRun - 0.0001) < 6e-6, `${slopePerRun}`);
  assert.equal(drifting, true);
});

test('a warm-up is steady when it stops getting faster', () => {
  assert.equal(isSteady([100, 100, 100, 100]), false, 'too few runs to tell');
  assert.equal(isSteady([150, 130, 118, 110, 105]), false, 'still getting faster');
  assert.equal(isSteady([150, 101, 100, 102, 100]), false, 'the first run stands out');
  assert.equal(isSteady([150, 101, 100, 102, 100, 101]), true);
  assert.equal(isSteady([100.4, 100.3, 100.2, 100.1, 100]), true, 'a trend below 1 % does not matter');
});

test('warm-up ends soon on a noisy but steady machine', () => {
  const random = createRandom(47);
  let total = 0;
  for (let experiment = 0; experiment < 500; experiment++) {
    const runs = [160, 115];
    while (!isSteady(runs) && runs.length < 30) runs.push(100 * Math.exp(0.03 * random.normal()));
    assert.ok(runs.length >= 7, 'neither of the two slow runs is in the window');
    total += runs.length;
  }
  assert.ok(total / 500 < 9.5, `mean length ${total / 500}`);
});

function permutations(values: readonly number[]): number[][] {
  if (values.length <= 1) return [values.slice()];
  return values.flatMap((value, i) =>
    permutations([...values.slice(0, i), ...values.slice(i + 1)]).map((rest) => [value, ...rest]),
  );
}

/** Φ(z) by Simpson's rule, independent of the code under test. */
function simpsonNormal(z: number): number {
  const steps = 2000;
  let sum = 0;
  for (let i = 0; i <= steps; i++) {
    const x = (z * i) / steps;
    sum += Math.exp((-x * x) / 2) * (i === 0 || i === steps ? 1 : i % 2 === 1 ? 4 : 2);
  }
  return 0.5 + (sum * z) / (3 * steps) / Math.sqrt(2 * Math.PI);
}
