import assert from 'node:assert/strict';
import { test } from 'node:test';
import { comparePaired } from '../../../src/bench/statistics/comparePaired.js';
import { createRandom, type Random } from '../../../src/bench/statistics/random.js';
import { decide } from '../../../src/bench/statistics/verdict.js';
import { QwenAsrError } from '../../../src/error.js';

const close = (actual: number, expected: number, tolerance = 1e-12): void =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual}, expected ${expected}`);

function times(random: Random, count: number, centre: number, noise: number): number[] {
  return Array.from({ length: count }, () => centre * Math.exp(noise * random.normal()));
}

test('ratio, interval and p-value are those of the signed ranks', () => {
  // ln ratios of 0.01 … 0.06: of their 21 Walsh averages the middle is 0.035, the ends 0.01 and 0.06.
  const a = [100, 100, 100, 100, 100, 100];
  const b = [1, 2, 3, 4, 5, 6].map((percent) => 100 * Math.exp(percent / 100));
  const result = comparePaired(a, b);
  assert.equal(result.pairs, 6);
  close(Math.log(result.ratio), 0.035);
  close(Math.log(result.low!), 0.01);
  close(Math.log(result.high!), 0.06);
  assert.deepEqual(
    [result.verdict, result.runsNeeded, result.pValue, result.method],
    ['slower', 6, 2 / 64, 'exact'],
  );
  close(result.meanRatio, b.reduce((sum, time) => sum + time, 0) / 600);
  assert.deepEqual([result.meanDisagrees, result.outlyingPairs], [false, []]);
});

test('five pairs have no interval at 95 %, and are told how many have', () => {
  const { ratio, low, high, verdict, runsNeeded } = comparePaired([1, 1, 1, 1, 1], [2, 2, 2, 2, 2]);
  close(ratio, 2);
  assert.deepEqual([low, high, verdict, runsNeeded], [null, null, 'undecided', 6]);
  assert.equal(comparePaired([1, 1], [2, 2], { confidence: 0.99 }).runsNeeded, 8);
});

test('swapping the sides inverts the ratio and the verdict', () => {
  const random = createRandom(5);
  for (let round = 0; round < 50; round++) {
    const a = times(random, 15, 100, 0.03);
    const b = times(random, 15, 103, 0.03);
    a[3]! *= 1.4;
    const there = comparePaired(a, b);
    const back = comparePaired(b, a);
    close(there.ratio * back.ratio, 1, 1e-9);
    close(there.low! * back.high!, 1, 1e-9);
    close(there.pValue, back.pValue, 1e-9);
    const opposite = { faster: 'slower', slower: 'faster', same: 'same', undecided: 'undecided' } as const;
    assert.equal(back.verdict, opposite[there.verdict]);
    close(there.meanRatio * back.meanRatio, 1, 1e-9);
    assert.deepEqual(back.outlyingPairs, there.outlyingPairs);
  }
});

test('the unit of the times does not matter, and a drift shared by the pairs hardly does', () => {
  const random = createRandom(6);
  const a = times(random, 20, 100, 0.02);
  const b = times(random, 20, 102, 0.02);
  const plain = comparePaired(a, b);
  const seconds = comparePaired(
    a.map((x) => x / 1000),
    b.map((x) => x / 1000),
  );
  close(seconds.ratio, plain.ratio, 1e-12);
  close(seconds.pValue, plain.pValue, 1e-12);
  const drift = (time: number, i: number): number => time * 1.02 ** i;
  const drifting = comparePaired(a.map(drift), b.map(drift));
  close(drifting.ratio, plain.ratio, 1e-9);
  close(drifting.low!, plain.low!, 1e-9);
});

test('the p-value and the interval agree about a ratio of 1', () => {
  const random = createRandom(8);
  for (let round = 0; round < 300; round++) {
    const count = 6 + random.integer(25);
    const result = comparePaired(times(random, count, 100, 0.05), times(random, count, 102, 0.05), {
      confidence: 0.9,
      marginPercent: 0,
    });
    assert.equal(result.pValue < 0.1, result.low! > 1 || result.high! < 1);
    assert.equal(result.verdict === 'undecided', result.pValue >= 0.1);
  }
});

test('runs that were held up are named and count; the ratio hardly moves', () => {
  const random = createRandom(9);
  const a = times(random, 20, 100, 0.02);
  const b = times(random, 20, 100, 0.02);
  const clean = comparePaired(a, b);
  a[4]! *= 1.3;
  b[17]! *= 1.5;
  const disturbed = comparePaired(a, b);
  assert.deepEqual(disturbed.outlyingPairs, [4, 17]);
  assert.ok(Math.abs(disturbed.ratio - clean.ratio) < 0.01);
  assert.ok(disturbed.high! / disturbed.low! > clean.high! / clean.low!, 'they have their say');
});

test('a quarter of slow runs is never passed over in silence', () => {
  const random = createRandom(14);
  for (const noise of [0.0005, 0.01, 0.03]) {
    for (let experiment = 0; experiment < 300; experiment++) {
      const a = times(random, 20, 100, noise);
      const b = times(random, 20, 100, noise).map((time, pair) => (pair % 4 === 1 ? 1.5 * time : time));
      const { verdict, meanDisagrees, meanRatio } = comparePaired(a, b);
      assert.ok(verdict !== 'same' && verdict !== 'faster', verdict);
      assert.ok(meanDisagrees && meanRatio > 1.08);
    }
  }
});

test('where only the mean changed, the verdict about typical runs says that the mean disagrees', () => {
  const a = Array.from({ length: 20 }, () => 100);
  const b = a.map((time, pair) => (pair < 2 ? 1.5 * time : time));
  const { verdict, meanRatio, meanDisagrees } = comparePaired(a, b);
  assert.deepEqual([verdict, meanRatio, meanDisagrees], ['same', 1.05, true]);
  const random = createRandom(15);
  let disagree = 0;
  for (let experiment = 0; experiment < 500; experiment++) {
    if (comparePaired(times(random, 20, 100, 0.03), times(random, 20, 103, 0.03)).meanDisagrees) disagree++;
  }
  assert.ok(disagree < 10, `noise alone: ${disagree} of 500`);
});

test('verdicts: same needs the whole interval inside the margin', () => {
  const ratio = (estimate: number, halfWidth: number, count = 20) => ({
    estimate,
    low: estimate - halfWidth,
    high: estimate + halfWidth,
    confidence: 0.95,
    count,
  });
  assert.equal(decide(ratio(0.001, 0.005), 1).verdict, 'same');
  assert.equal(decide(ratio(0.004, 0.003), 1).verdict, 'same', 'certain, but too small to matter');
  assert.equal(decide(ratio(0.004, 0.003), 0).verdict, 'slower');
  assert.equal(decide(ratio(-0.02, 0.01), 1).verdict, 'faster');
  assert.equal(decide(ratio(0.02, 0.03), 1).verdict, 'undecided');
  assert.equal(decide(ratio(0, 0.02), 0).runsNeeded, null, 'equal things differ after no number of runs');
});

test('runsNeeded decides about as often as it says', () => {
  const random = createRandom(21);
  for (const [truth, noise, expected] of [
    [1.02, 0.05, 'slower'],
    [1, 0.03, 'same'],
  ] as const) {
    const pilot = decide(
      {
        estimate: Math.log(truth),
        low: Math.log(truth) - 1.959964 * noise * Math.SQRT2 * 0.25,
        high: Math.log(truth) + 1.959964 * noise * Math.SQRT2 * 0.25,
        confidence: 0.95,
        count: 16, // the standard error of 16 pairs: σ √2 / √16
      },
      1,
    );
    assert.equal(pilot.verdict, 'undecided');
    const needed = pilot.runsNeeded!;
    let reached = 0;
    for (let experiment = 0; experiment < 300; experiment++) {
      const a = times(random, needed, 100, noise);
      const b = times(random, needed, 100 * truth, noise);
      if (comparePaired(a, b).verdict === expected) reached++;
    }
    assert.ok(
      reached / 300 > 0.7 && reached / 300 < 0.9,
      `${expected}: ${reached / 300} with ${needed} pairs`,
    );
  }
});

test('times without any spread are decided', () => {
  const six = (time: number) => Array.from({ length: 6 }, () => time);
  const equal = comparePaired(six(5), six(5));
  assert.deepEqual([equal.ratio, equal.pValue, equal.verdict], [1, 1, 'same']);
  const twice = comparePaired(six(5), six(10));
  assert.equal(twice.verdict, 'slower');
  close(twice.ratio, 2);
});

test('17,000 pairs take a moment', () => {
  const random = createRandom(16);
  const { ratio, low, high } = comparePaired(
    times(random, 17_000, 100, 0.03),
    times(random, 17_000, 101, 0.03),
  );
  // The standard error of the mean of 17,000 differences is 0.03 √2 / √17000 = 0.0325 %.
  assert.ok(Math.abs(ratio - 1.01) < 0.0015, `${ratio}`);
  assert.ok(Math.abs((high! - low!) / (2 * 1.96 * 0.000_325 * 1.0233) - 1) < 0.1, `${low} … ${high}`);
});

test('bad input is one clear line', () => {
  const refuses = (run: () => unknown, message: RegExp): void =>
    assert.throws(
      run,
      (error) => error instanceof QwenAsrError && error.code === 'usage' && message.test(error.message),
    );
  refuses(() => comparePaired([1, 2], [1, 2, 3]), /as many runs of B as of A, found 3 and 2/);
  refuses(() => comparePaired([1], [1]), /times of A: expected at least 2 values, found 1/);
  refuses(() => comparePaired([1, 0], [1, 2]), /times of A: expected positive times, found 0 at index 1/);
  refuses(() => comparePaired([1, 2], [1, 2], { marginPercent: -1 }), /margin: expected 0 to 100 percent/);
});
