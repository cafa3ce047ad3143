import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareIndependent } from '../../../src/bench/statistics/compareIndependent.js';
import { createRandom, type Random } from '../../../src/bench/statistics/random.js';
import { adjustByHolm } from '../../../src/bench/statistics/verdict.js';
import { QwenAsrError } from '../../../src/error.js';

const close = (actual: number, expected: number, tolerance = 1e-12): void =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual}, expected ${expected}`);

const A = [100, 101, 99, 102, 100.5];
const B = [110, 108, 111, 109, 112];

test('one session a side without an allowance: the rank test alone', () => {
  const result = compareIndependent([A], [B], { allowancePercent: 0 });
  close(result.ratio, 1.095, 0.005);
  assert.ok(result.low! > 1.05 && result.high! < 1.13);
  assert.deepEqual([result.verdict, result.method, result.sessionsNeeded], ['slower', 'exact', null]);
  close(result.pValue, 2 / 252); // the most extreme of C(10, 5) splits
  const few = compareIndependent([[1, 2, 3]], [[4, 5, 6]]);
  assert.deepEqual([few.low, few.verdict, few.runsNeeded, few.sessionsNeeded], [null, 'undecided', 4, null]);
});

test('one session a side: the interval is as wide as sessions are allowed to deviate', () => {
  const result = compareIndependent([[100, 100, 100, 100]], [[103, 103, 103, 103]], { allowancePercent: 2 });
  close(Math.log(result.ratio), Math.log(1.03));
  // The runs agree, so what remains is the difference of two sessions: 1.96 · √2 · ln 1.02.
  const halfWidth = 1.959963984540054 * Math.SQRT2 * Math.log(1.02);
  close(Math.log(result.low!), Math.log(1.03) - halfWidth, 1e-9);
  close(Math.log(result.high!), Math.log(1.03) + halfWidth, 1e-9);
  assert.deepEqual([result.verdict, result.runsNeeded, result.sessionsMeasured], ['undecided', null, false]);
  close(result.sessionPercent, 2);
  // (1.96 + 0.84)² · 2 · ln² 1.02 / ln² 1.03 = 7.04
  assert.equal(result.sessionsNeeded, 8);
});

test('several sessions: Student’s two-sample interval over their log medians', () => {
  // Medians 100 102 101 and 105 104 106, wild runs beside them.
  const a = [[100, 100, 180], [102], [101, 90, 150]];
  const b = [[105], [104, 104, 300], [106]];
  const result = compareIndependent(a, b);
  const [logA, logB] = [[100, 102, 101].map(Math.log), [105, 104, 106].map(Math.log)];
  const centre = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / 3;
  const squares = (values: readonly number[]) =>
    values.reduce((sum, value) => sum + (value - centre(values)) ** 2, 0);
  const deviation = Math.sqrt((squares(logA) + squares(logB)) / 4);
  const estimate = centre(logB) - centre(logA);
  const halfWidth = 2.7764451052 * deviation * Math.sqrt(2 / 3); // t(0.975, 4)
  close(Math.log(result.ratio), estimate);
  close(Math.log(result.low!), estimate - halfWidth, 1e-9);
  close(Math.log(result.high!), estimate + halfWidth, 1e-9);
  close(result.sessionPercent, 100 * Math.expm1(deviation));
  assert.deepEqual(
    [result.runsA, result.runsB, result.sessionsA, result.sessionsB, result.sessionsMeasured],
    [7, 5, 3, 3, true],
  );
  assert.deepEqual([result.degreesOfFreedom, result.verdict], [4, 'slower']);
  assert.equal(result.pValue < 0.05, result.low! > 1);
});

test('one session of a change is held against several of the baseline', () => {
  const baseline = [[100], [101], [99], [100.5], [99.5]];
  const { degreesOfFreedom, verdict } = compareIndependent(baseline, [[110]]);
  assert.deepEqual([degreesOfFreedom, verdict], [4, 'slower']);
  assert.equal(compareIndependent(baseline, [[101]]).verdict, 'undecided');
});

test('Holm’s correction', () => {
  // p = 0.01 0.04 0.03 0.005: sorted 0.005 0.01 0.03 0.04, times 4 3 2 1, kept from falling.
  assert.deepEqual(adjustByHolm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02]);
  assert.deepEqual(adjustByHolm([0.7, 0.9]), [1, 1]);
  assert.deepEqual(adjustByHolm([]), []);
});

test('bad input is one clear line', () => {
  const refuses = (run: () => unknown, message: RegExp): void =>
    assert.throws(
      run,
      (error) => error instanceof QwenAsrError && error.code === 'usage' && message.test(error.message),
    );
  refuses(() => compareIndependent([[]], [[1]]), /times of A: expected at least 1 value, found 0/);
  refuses(
    () => compareIndependent([[1]], [[1, -1]]),
    /times of B: expected positive times, found -1 at index 1/,
  );
  refuses(
    () => compareIndependent([A], [B], { allowancePercent: -1 }),
    /allowance: expected 0 to 100 percent/,
  );
});

/** Sessions that deviate from each other by 2 %, of ten runs that deviate by 1 %. */
function sessions(random: Random, count: number, factor: number): number[][] {
  return Array.from({ length: count }, () => {
    const level = 100 * factor * Math.exp(0.02 * random.normal());
    return Array.from({ length: 10 }, () => level * Math.exp(0.01 * random.normal()));
  });
}

function shares(seed: number, ratio: number, counts: readonly [number, number], options = {}) {
  const random = createRandom(seed);
  // The rank test of single sessions takes a while.
  const experiments = counts[0] === 1 && counts[1] === 1 ? 500 : 2000;
  const found = { claimed: 0, covered: 0, slower: 0 };
  for (let experiment = 0; experiment < experiments; experiment++) {
    const a = sessions(random, counts[0], 1);
    const b = sessions(random, counts[1], ratio);
    const { verdict, low, high } = compareIndependent(a, b, options);
    if (verdict === 'faster' || verdict === 'slower') found.claimed++;
    if (verdict === 'slower') found.slower++;
    if (low! <= ratio && ratio <= high!) found.covered++;
  }
  return {
    claimed: found.claimed / experiments,
    covered: found.covered / experiments,
    slower: found.slower / experiments,
  };
}

test('sessions that deviate by 2 %: equal builds are called faster or slower in 5 % of comparisons', (t) => {
  for (const counts of [
    [1, 1],
    [1, 2],
    [2, 2],
    [3, 3],
    [5, 5],
    [5, 1],
  ] as const) {
    const { claimed, covered } = shares(31, 1, counts);
    t.diagnostic(`${counts.join(' + ')} sessions: claimed ${claimed}, covered ${covered}`);
    assert.ok(claimed <= 0.06, `${counts.join(' + ')} sessions: ${claimed}`);
    assert.ok(covered >= 0.94, `${counts.join(' + ')} sessions: ${covered}`);
  }
  const blind = shares(31, 1, [1, 1], { allowancePercent: 0 });
  assert.ok(blind.claimed > 0.6, 'without an allowance most are: what it is for');
});

test('sessions that deviate by 2 %: how large a slowdown several of them recognise', (t) => {
  for (const [count, ratio, least] of [
    [3, 1.08, 0.75],
    [5, 1.05, 0.85],
    [10, 1.03, 0.8],
  ] as const) {
    const { slower } = shares(37, ratio, [count, count]);
    t.diagnostic(`${count} + ${count} sessions, ${ratio}: ${slower}`);
    assert.ok(slower >= least, `${count} + ${count} sessions, ${ratio}: ${slower}`);
  }
});
