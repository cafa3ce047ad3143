import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareIndependent } from '../../../src/bench/statistics/compareIndependent.js';
import { comparePaired } from '../../../src/bench/statistics/comparePaired.js';
import { mean, variance } from '../../../src/bench/statistics/meanInterval.js';
import { createRandom, type Random } from '../../../src/bench/statistics/random.js';
import { findSlowRuns } from '../../../src/bench/statistics/slowRuns.js';
import { decide } from '../../../src/bench/statistics/verdict.js';
import { QwenAsrError } from '../../../src/error.js';

const close = (actual: number, expected: number, tolerance = 1e-12): void =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual}, expected ${expected}`);

function times(random: Random, count: number, centre: number, noise: number): number[] {
  return Array.from({ length: count }, () => centre * Math.exp(noise * random.normal()));
}

test('without slow runs the interval is that of the paired t-test on log ratios', () => {
  const a = [100, 104, 98, 101, 99, 103];
  const b = [103, 105, 102, 104, 101, 108];
  const logs = b.map((time, i) => Math.log(time / a[i]!));
  const halfWidth = 2.5705818366 * Math.sqrt(variance(logs) / 6); // t(0.975, 5)
  const result = comparePaired(a, b);
  assert.equal(result.pairs, 6);
  close(Math.log(result.ratio), mean(logs));
  close(Math.log(result.low), mean(logs) - halfWidth, 1e-9);
  close(Math.log(result.high), mean(logs) + halfWidth, 1e-9);
  assert.equal(result.verdict, 'slower');
  assert.equal(result.runsNeeded, 6);
  assert.equal(result.rankTest.pValue, 2 / 64);
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
    close(there.low * back.high, 1, 1e-9);
    close(there.pValue, back.pValue, 1e-9);
    const opposite = { faster: 'slower', slower: 'faster', same: 'same', undecided: 'undecided' } as const;
    assert.equal(back.verdict, opposite[there.verdict]);
    assert.deepEqual(back.setAside, { a: there.setAside.b, b: there.setAside.a });
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
  assert.deepEqual(drifting.setAside, { a: [], b: [] });
  close(drifting.ratio, plain.ratio, 1e-9);
  close(drifting.low, plain.low, 1e-9);
});

test('the p-value and the interval agree about a ratio of 1', () => {
  const random = createRandom(8);
  for (let round = 0; round < 300; round++) {
    const count = 3 + random.integer(25);
    const result = comparePaired(times(random, count, 100, 0.05), times(random, count, 102, 0.05), {
      confidence: 0.9,
      marginPercent: 0,
    });
    assert.equal(result.pValue < 0.1, result.low > 1 || result.high < 1);
    assert.equal(result.verdict === 'undecided', result.pValue >= 0.1);
  }
});

test('runs that were held up are named and have no say', () => {
  const random = createRandom(9);
  const a = times(random, 20, 100, 0.02);
  const b = times(random, 20, 100, 0.02);
  const clean = comparePaired(a, b);
  a[4]! *= 1.3;
  a[11]! *= 2;
  b[17]! *= 1.5;
  const disturbed = comparePaired(a, b);
  assert.deepEqual(disturbed.setAside, { a: [4, 11], b: [17] });
  assert.ok(Math.abs(disturbed.ratio - clean.ratio) < 0.005);
  assert.ok(Math.abs(disturbed.high / disturbed.low / (clean.high / clean.low) - 1) < 0.02);
});

test('a lone run whose partner was held up still counts, the less the more the machine drifts', () => {
  // Twelve pairs with 1 % noise; in the last A was held up, and B happens to be 2 % slow.
  const ratioAt = (driftSpread: number): number => {
    const random = createRandom(10);
    const level = Array.from({ length: 12 }, () => Math.exp(driftSpread * random.normal()));
    const a = times(random, 12, 100, 0.01).map((time, i) => time * level[i]!);
    const b = times(random, 12, 100, 0.01).map((time, i) => time * level[i]!);
    level[11] = 1;
    a[11] = 160;
    b[11] = 102;
    const result = comparePaired(a, b);
    assert.deepEqual(result.setAside, { a: [11], b: [] });
    return Math.log(result.ratio);
  };
  const complete = ratioAt(0.3); // so wild that the lone run says nothing
  const [calm, drifting] = [ratioAt(0), ratioAt(0.03)];
  assert.ok(calm > drifting && drifting > complete, `${calm}, ${drifting}, ${complete}`);
  assert.ok(calm - complete < 0.02 / 11, 'one run of twelve does not carry the result');
});

test('what happens to a quarter of the runs is no outlier', () => {
  const random = createRandom(12);
  const a = times(random, 20, 100, 0.01).map((time, i) => (i % 3 === 0 ? 1.5 * time : time));
  const b = times(random, 20, 100, 0.01);
  assert.deepEqual(comparePaired(a, b).setAside, { a: [], b: [] });
  assert.deepEqual(findSlowRuns([1, 1, 9], [1, 1, 1]), { a: [], b: [] }, 'three pairs are too few to judge');
});

test('the noisier side is not thinned out', () => {
  const random = createRandom(13);
  let flagged = 0;
  let sum = 0;
  for (let round = 0; round < 400; round++) {
    const result = comparePaired(times(random, 20, 100, 0.01), times(random, 20, 100, 0.06));
    flagged += result.setAside.b.length;
    sum += Math.log(result.ratio);
  }
  assert.ok(flagged < 0.003 * 400 * 20, `${flagged} runs of 8000 set aside`);
  assert.ok(Math.abs(sum / 400) < 0.003, `bias ${sum / 400}`);
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
  const equal = comparePaired([5, 5, 5], [5, 5, 5]);
  assert.deepEqual([equal.ratio, equal.pValue, equal.verdict], [1, 1, 'same']);
  const twice = comparePaired([5, 5, 5], [10, 10, 10]);
  assert.equal(twice.verdict, 'slower');
  assert.ok(twice.pValue < 1e-20);
  close(twice.ratio, 2);
});

test('independent samples: ratio, interval and verdict of the rank test', () => {
  const result = compareIndependent([100, 101, 99, 102, 100.5], [110, 108, 111, 109, 112]);
  close(result.ratio, 1.095, 0.005);
  assert.ok(result.low! > 1.05 && result.high! < 1.13);
  assert.deepEqual([result.verdict, result.method], ['slower', 'exact']);
  close(result.pValue, 2 / 252); // the most extreme of C(10, 5) splits
  const few = compareIndependent([1, 2, 3], [4, 5, 6]);
  assert.deepEqual([few.low, few.verdict, few.runsNeeded], [null, 'undecided', 4]);
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
  refuses(() => compareIndependent([], [1]), /times of A: expected at least 1 value, found 0/);
});
