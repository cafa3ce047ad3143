import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRandom, type Random } from '../../../src/bench/statistics/random.js';
import { summarize } from '../../../src/bench/statistics/summarize.js';

/*
 * What the documentation promises of the intervals of a summary, on samples whose true mean and median are known. 2,000
 * experiments stray from the true coverage by one point (two standard errors) at 95 %, and by two at 80 %.
 */
const EXPERIMENTS = 2000;

interface Population {
  readonly draw: (random: Random) => number;
  readonly mean: number;
  readonly median: number;
}

/** ln normal with this standard deviation of the logarithm. */
const logNormal = (sigma: number): Population => ({
  draw: (random) => 100 * Math.exp(sigma * random.normal()),
  mean: 100 * Math.exp(sigma ** 2 / 2),
  median: 100,
});
const NORMAL: Population = { draw: (random) => 100 + 3 * random.normal(), mean: 100, median: 100 };
/** Noise of 3 %; one run in twenty is held up by 30 %. Its median is that of the mixture, found by bisection. */
const HELD_UP: Population = {
  draw: (random) => 100 * (random.uniform() < 0.05 ? 1.3 : 1) * Math.exp(0.03 * random.normal()),
  mean: 100 * 1.015 * Math.exp(0.03 ** 2 / 2),
  median: 100.1981, // 100 · exp(0.03 · Φ⁻¹(0.5 / 0.95))
};

function coverage(
  population: Population,
  runs: number,
  seed: number,
): { mean: number; median: number | null } {
  const random = createRandom(seed);
  let ofMean = 0;
  let ofMedian = 0;
  let hasMedian = true;
  for (let experiment = 0; experiment < EXPERIMENTS; experiment++) {
    const sample = Array.from({ length: runs }, () => population.draw(random));
    const { meanInterval, medianInterval } = summarize(sample);
    assert.ok(meanInterval !== null);
    if (meanInterval.low <= population.mean && population.mean <= meanInterval.high) ofMean++;
    hasMedian = medianInterval !== null;
    if (medianInterval === null) continue;
    if (medianInterval.low <= population.median && population.median <= medianInterval.high) ofMedian++;
  }
  return { mean: ofMean / EXPERIMENTS, median: hasMedian ? ofMedian / EXPERIMENTS : null };
}

for (const [name, population, promised] of [
  ['normal runs', NORMAL, 0.95],
  ['log-normal runs, coefficient of variation 3 %', logNormal(0.03), 0.95],
  ['log-normal runs, coefficient of variation 30 %', logNormal(0.2936), 0.93],
  ['one run in twenty held up by 30 %', HELD_UP, 0.8],
] as const) {
  test(`${name}: the intervals of mean and median cover what is promised`, (t) => {
    for (const runs of [3, 5, 10, 20]) {
      const found = coverage(population, runs, runs);
      t.diagnostic(`${runs} runs: mean ${found.mean}, median ${found.median}`);
      const strays = 2 * Math.sqrt((promised * (1 - promised)) / EXPERIMENTS);
      assert.ok(found.mean >= promised - strays, `${runs} runs: the mean in ${found.mean}`);
      if (runs < 6) assert.equal(found.median, null);
      else assert.ok((found.median ?? 0) >= 0.94, `${runs} runs: the median in ${found.median}`);
    }
  });
}
