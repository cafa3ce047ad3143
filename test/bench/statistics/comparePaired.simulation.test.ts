import assert from 'node:assert/strict';
import { test } from 'node:test';
import { comparePaired, type PairedComparison } from '../../../src/bench/statistics/comparePaired.js';
import { mean, variance } from '../../../src/bench/statistics/descriptive.js';
import { studentQuantile } from '../../../src/bench/statistics/distributions.js';
import { createRandom } from '../../../src/bench/statistics/random.js';

/*
 * What a verdict is worth, on runs with a known truth:
 *  - every run: log-normal noise with a coefficient of variation of 3 %, its own for A and for B;
 *  - every run: with 5 % probability something holds it up by 30 %, A and B independently, so one pair in ten is hit;
 *  - every round: a drift shared by the pair, AR(1) with coefficient 0.5 and steps of 1 %;
 *  - 20 pairs an experiment, 2,000 experiments.
 * Held-up runs count: they cost recognition (without them about 85 % are recognised), never coverage.
 */
const PAIRS = 20;
const EXPERIMENTS = 2000;
const NOISE = Math.sqrt(Math.log(1 + 0.03 ** 2)); // σ of ln time for a CV of 3 %
const DRIFT_STEP = 0.01;
const DRIFT_MEMORY = 0.5;
const OUTLIER_SHARE = 0.05;
const OUTLIER_FACTOR = 1.3;

interface Tally {
  /** Shares of the experiments. */
  readonly covered: number;
  readonly faster: number;
  readonly slower: number;
  readonly same: number;
  readonly naiveCovered: number;
  readonly naiveAlarm: number;
}

test('a true slowdown of 3 % is covered and recognised', (t) => {
  const tally = simulate(1.03, 3);
  t.diagnostic(describe('true slowdown of 3 %', tally));
  assert.ok(tally.covered >= 0.94, `coverage ${tally.covered}`);
  assert.ok(tally.slower >= 0.57, `recognised in ${tally.slower}`);
  assert.ok(tally.faster <= 0.001, `the wrong way in ${tally.faster}`);
  assert.ok(tally.naiveAlarm < 0.4, 'the naive comparison is the weaker one');
});

test('without a difference false alarms are rare', (t) => {
  const tally = simulate(1, 1001);
  t.diagnostic(describe('no difference', tally));
  assert.ok(tally.faster + tally.slower <= 0.055, `false alarms ${tally.faster + tally.slower}`);
  assert.ok(tally.covered >= 0.94, `coverage ${tally.covered}`);
});

test('a speed-up mirrors a slowdown', () => {
  const tally = simulate(1 / 1.03, 2001);
  assert.ok(tally.faster >= 0.57 && tally.slower <= 0.001, `recognised in ${tally.faster}`);
  assert.ok(tally.covered >= 0.94, `coverage ${tally.covered}`);
});

function simulate(ratio: number, seed: number): Tally {
  const random = createRandom(seed);
  const count = { covered: 0, faster: 0, slower: 0, same: 0, naiveCovered: 0, naiveAlarm: 0 };
  for (let experiment = 0; experiment < EXPERIMENTS; experiment++) {
    const a: number[] = [];
    const b: number[] = [];
    let drift = (DRIFT_STEP / Math.sqrt(1 - DRIFT_MEMORY ** 2)) * random.normal(); // from its stationary spread
    for (let pair = 0; pair < PAIRS; pair++) {
      drift = DRIFT_MEMORY * drift + DRIFT_STEP * random.normal();
      const run = (factor: number): number => {
        const held = random.uniform() < OUTLIER_SHARE ? OUTLIER_FACTOR : 1;
        return 1000 * factor * held * Math.exp(drift + NOISE * random.normal());
      };
      a.push(run(1));
      b.push(run(ratio));
    }
    const result: PairedComparison = comparePaired(a, b);
    if (result.low! <= ratio && ratio <= result.high!) count.covered++;
    if (result.verdict !== 'undecided') count[result.verdict]++;
    if (naiveAccepts(a, b, ratio)) count.naiveCovered++;
    if (!naiveAccepts(a, b, 1)) count.naiveAlarm++;
  }
  const share = (value: number): number => value / EXPERIMENTS;
  return {
    covered: share(count.covered),
    faster: share(count.faster),
    slower: share(count.slower),
    same: share(count.same),
    naiveCovered: share(count.naiveCovered),
    naiveAlarm: share(count.naiveAlarm),
  };
}

/** The naive way: Welch's interval of the difference between the mean of B and `ratio` times the mean of A. */
function naiveAccepts(a: readonly number[], b: readonly number[], ratio: number): boolean {
  const varianceA = (ratio ** 2 * variance(a)) / PAIRS;
  const varianceB = variance(b) / PAIRS;
  const freedom = (varianceA + varianceB) ** 2 / ((varianceA ** 2 + varianceB ** 2) / (PAIRS - 1)); // Welch 1947
  // Whole degrees of freedom, rounded down: a little wider, and each quantile is found once.
  const t = studentQuantile(0.975, Math.floor(freedom));
  return Math.abs(mean(b) - ratio * mean(a)) <= t * Math.sqrt(varianceA + varianceB);
}

function describe(truth: string, tally: Tally): string {
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  return (
    `${truth}: covered ${percent(tally.covered)}, slower ${percent(tally.slower)}, ` +
    `faster ${percent(tally.faster)}, same ${percent(tally.same)}; ` +
    `naive unpaired mean: covered ${percent(tally.naiveCovered)}, differs ${percent(tally.naiveAlarm)}`
  );
}
