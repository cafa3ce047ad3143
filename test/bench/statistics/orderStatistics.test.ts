import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRandom } from '../../../src/bench/statistics/random.js';
import {
  percentile,
  quantileInterval,
  runsForMedianInterval,
  runsForPercentile,
} from '../../../src/bench/statistics/summarize.js';

const counting = (length: number): number[] => Array.from({ length }, (_, i) => i + 1);

test('a 95 % interval of the median needs 6 runs', () => {
  assert.equal(runsForMedianInterval(0.95), 6);
  assert.equal(runsForMedianInterval(0.99), 8);
  for (let runs = 1; runs < 6; runs++) assert.equal(quantileInterval(counting(runs)), null, `${runs} runs`);
  const interval = quantileInterval([6, 1, 5, 2, 4, 3]);
  assert.deepEqual([interval?.low, interval?.high], [1, 6]);
  assert.ok(Math.abs(interval!.coverage - 31 / 32) < 1e-12);
});

test('the ranks of the median interval are those of published tables', () => {
  // Le Boudec 2010, table A.1; the same ranks stand in the sign-test tables of Conover 1999.
  for (const [runs, low, high] of [
    [7, 1, 7],
    [8, 1, 8],
    [9, 2, 8],
    [10, 2, 9],
    [15, 4, 12],
    [20, 6, 15],
    [25, 8, 18],
    [30, 10, 21],
    [50, 18, 33],
  ] as const) {
    const interval = quantileInterval(counting(runs));
    assert.deepEqual([interval?.lowRank, interval?.highRank], [low, high], `${runs} runs`);
  }
});

test('the ranks are the tightest that hold the level, by exact enumeration of the binomial', () => {
  for (const runs of [6, 13, 40, 64]) {
    for (const p of [0.25, 0.5, 0.9]) {
      const pmf = binomialPmf(runs, p);
      const below = (rank: number): number => pmf.slice(0, rank).reduce((sum, value) => sum + value, 0);
      const interval = quantileInterval(counting(runs), p);
      const possible = below(1) <= 0.025 && 1 - below(runs) <= 0.025;
      assert.equal(interval !== null, possible, `${runs} runs, p = ${p}`);
      if (interval === null) continue;
      assert.ok(below(interval.lowRank) <= 0.025 && below(interval.lowRank + 1) > 0.025);
      assert.ok(1 - below(interval.highRank) <= 0.025 && 1 - below(interval.highRank - 1) > 0.025);
      assert.ok(Math.abs(interval.coverage - (below(interval.highRank) - below(interval.lowRank))) < 1e-9);
    }
  }
});

test('the interval covers the true median of a skewed distribution', () => {
  const random = createRandom(17);
  let covered = 0;
  const experiments = 4000;
  for (let experiment = 0; experiment < experiments; experiment++) {
    const interval = quantileInterval(Array.from({ length: 15 }, () => -Math.log(random.uniform())))!;
    if (interval.low <= Math.LN2 && Math.LN2 <= interval.high) covered++;
  }
  assert.ok(covered / experiments > 0.95, `coverage ${covered / experiments}`); // exact: 96.5 %
});

test("the floors of the percentiles are Wilks' sample sizes", () => {
  // Second-order 99 % sample sizes: 64 for p90, 130 for p95, 662 for p99.
  assert.equal(runsForPercentile(90), 64);
  assert.equal(runsForPercentile(95), 130);
  assert.equal(runsForPercentile(99), 662);
  assert.equal(runsForPercentile(10), 64, 'the lower tail mirrors the upper');
  for (const percent of [80, 90, 97.5]) {
    const runs = runsForPercentile(percent);
    const atMostOneBeyond = (n: number): number => {
      const pmf = binomialPmf(n, 1 - percent / 100);
      return pmf[0]! + pmf[1]!;
    };
    assert.ok(atMostOneBeyond(runs) <= 0.01 && atMostOneBeyond(runs - 1) > 0.01, `p${percent}`);
  }
});

test('a percentile is refused below its floor and has an interval from there', () => {
  const refused = percentile(counting(63), 90);
  assert.deepEqual(refused, {
    supported: false,
    percent: 90,
    runsNeeded: 64,
    explanation: 'p90 needs 64 runs, this sample has 63: with fewer, it rests on one or two extreme runs',
  });
  const shown = percentile(counting(64), 90);
  assert.ok(shown.supported);
  assert.ok(Math.abs(shown.value - 57.7) < 1e-9); // 1 + 0.9 · 63
  assert.ok(shown.interval !== null && shown.interval.low < 57.7 && shown.interval.high > 57.7);
});

test('the second-largest of 64 runs exceeds the true p90 in 99 % of experiments', () => {
  const random = createRandom(23);
  let above = 0;
  const experiments = 20_000;
  for (let experiment = 0; experiment < experiments; experiment++) {
    const beyond = Array.from({ length: 64 }, () => random.uniform()).filter((value) => value > 0.9).length;
    if (beyond >= 2) above++;
  }
  assert.ok(Math.abs(above / experiments - 0.9904) < 0.003, `share ${above / experiments}`);
});

function binomialPmf(trials: number, p: number): number[] {
  const pmf = [(1 - p) ** trials];
  for (let k = 0; k < trials; k++) pmf.push((pmf[k]! * (trials - k) * p) / ((k + 1) * (1 - p)));
  return pmf;
}
