import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fitLinearModel, fitOverhead } from '../../../src/bench/statistics/leastSquares.js';
import { createRandom } from '../../../src/bench/statistics/random.js';
import { QwenAsrError } from '../../../src/error.js';

function close(actual: number, expected: number, relative: number, label: string): void {
  const error = Math.abs(actual - expected) / Math.abs(expected);
  assert.ok(error <= relative, `${label}: ${actual}, expected ${expected}`);
}

/** Longley (1967), NIST Statistical Reference Datasets: employment and six nearly dependent columns. */
const LONGLEY = {
  employment: [
    60323, 61122, 60171, 61187, 63221, 63639, 64989, 63761, 66019, 67857, 68169, 66513, 68655, 69564, 69331,
    70551,
  ],
  deflator: [
    83.0, 88.5, 88.2, 89.5, 96.2, 98.1, 99.0, 100.0, 101.2, 104.6, 108.4, 110.8, 112.6, 114.2, 115.7, 116.9,
  ],
  product: [
    234289, 259426, 258054, 284599, 328975, 346999, 365385, 363112, 397469, 419180, 442769, 444546, 482704,
    502601, 518173, 554894,
  ],
  unemployed: [
    2356, 2325, 3682, 3351, 2099, 1932, 1870, 3578, 2904, 2822, 2936, 4681, 3813, 3931, 4806, 4007,
  ],
  forces: [1590, 1456, 1616, 1650, 3099, 3594, 3547, 3350, 3048, 2857, 2798, 2637, 2552, 2514, 2572, 2827],
  population: [
    107608, 108632, 109773, 110929, 112075, 113270, 115094, 116219, 117388, 118734, 120445, 121950, 123366,
    125368, 127852, 130081,
  ],
  year: Array.from({ length: 16 }, (_, i) => 1947 + i),
};

test('the fit has the certified values of the Longley data', () => {
  const { employment, ...columns } = LONGLEY;
  const fit = fitLinearModel(employment, columns);
  const certified = [
    ['intercept', -3482258.63459582, 890420.383607373],
    ['deflator', 15.0618722713733, 84.9149257747669],
    ['product', -0.035819179292591, 0.0334910077722432],
    ['unemployed', -2.02022980381683, 0.488399681651699],
    ['forces', -1.03322686717359, 0.214274163161675],
    ['population', -0.0511041056535807, 0.22607320006937],
    ['year', 1829.15146461355, 455.478499142212],
  ] as const;
  certified.forEach(([name, value, standardError], i) => {
    assert.equal(fit.coefficients[i]?.name, name);
    close(fit.coefficients[i]!.value, value, 1e-8, name);
    close(fit.coefficients[i]!.standardError, standardError, 1e-8, `standard error of ${name}`);
  });
  close(fit.rSquared, 0.995479004577296, 1e-10, 'R²');
  close(fit.residualDeviation, 304.854073561965, 1e-8, 'residual deviation');
  assert.equal(fit.degreesOfFreedom, 9);
});

test('a straight line by hand', () => {
  // x = 1 2 3 4, y = 12 22 31 42: slope 99/10, intercept 2; residuals 0.1 0.2 −0.7 0.4 with Σe² = 0.7.
  const { coefficients, residualDeviation } = fitLinearModel([12, 22, 31, 42], { x: [1, 2, 3, 4] });
  close(coefficients[1]!.value, 9.9, 1e-12, 'slope');
  close(coefficients[0]!.value, 2, 1e-10, 'intercept');
  close(residualDeviation, Math.sqrt(0.35), 1e-10, 'residual deviation');
  close(coefficients[1]!.standardError, Math.sqrt(0.35 / 5), 1e-10, 'standard error');
  close(coefficients[1]!.high - 9.9, 4.302652729749462 * Math.sqrt(0.35 / 5), 1e-9, 'interval');
});

test('residuals of a fit are orthogonal to every column', () => {
  const random = createRandom(3);
  const u = Array.from({ length: 30 }, () => random.normal());
  const v = u.map((x) => 0.8 * x + random.normal());
  const y = u.map((x, i) => 3 + 2 * x - v[i]! + random.normal());
  const [intercept, cu, cv] = fitLinearModel(y, { u, v }).coefficients;
  const residuals = y.map((value, i) => value - intercept!.value - cu!.value * u[i]! - cv!.value * v[i]!);
  for (const column of [y.map(() => 1), u, v]) {
    assert.ok(Math.abs(residuals.reduce((sum, r, i) => sum + r * column[i]!, 0)) < 1e-10);
  }
});

test('the intervals of the overhead fit cover the true costs, also where each length has an effect of its own', () => {
  const random = createRandom(19);
  const experiments = 500;
  for (const lengthEffect of [0, 30]) {
    let covered = 0;
    for (let experiment = 0; experiment < experiments; experiment++) {
      const runs = [5, 10, 15, 20, 25, 30].flatMap((audioSeconds) => {
        const effect = lengthEffect * random.normal();
        const tokens = Math.round(3 * audioSeconds + 10 * random.normal() + 20);
        return Array.from({ length: 10 }, () => {
          const totalMs = 40 + 90 * audioSeconds + 12 * tokens + effect + 15 * random.normal();
          return { audioSeconds, tokens, totalMs };
        });
      });
      const { fixedMs, msPerSecond, msPerToken, note } = fitOverhead(runs);
      assert.equal(note, null);
      for (const [part, truth] of [
        [fixedMs, 40],
        [msPerSecond, 90],
        [msPerToken!, 12],
      ] as const) {
        if (part.low <= truth && truth <= part.high) covered++;
      }
    }
    const coverage = covered / (3 * experiments);
    assert.ok(Math.abs(coverage - 0.95) < 0.02, `effect ${lengthEffect} ms: coverage ${coverage}`);
  }
});

test('a sweep in fixed work leaves the tokens out and says why', () => {
  const fixed = [5, 10, 15, 20].map((audioSeconds) => ({
    audioSeconds,
    tokens: 32,
    totalMs: 100 + 7 * audioSeconds,
  }));
  const constant = fitOverhead(fixed);
  assert.equal(constant.msPerToken, null);
  assert.match(constant.note!, /same number of tokens/);
  close(constant.fixedMs.value, 100, 1e-9, 'fixed part');
  close(constant.msPerSecond.value, 7, 1e-9, 'per second');
  const inStep = fitOverhead(fixed.map((run) => ({ ...run, tokens: 3 * run.audioSeconds })));
  assert.match(inStep.note!, /in step with the audio/);
  assert.equal(inStep.rSquared, 1);
  const three = fitOverhead(fixed.slice(1).map((run, i) => ({ ...run, tokens: i ** 2 })));
  assert.match(three.note!, /needs four audio lengths/);
});

test('what cannot be fitted is refused by name', () => {
  const refuses = (run: () => unknown, message: RegExp): void =>
    assert.throws(
      run,
      (error) => error instanceof QwenAsrError && error.code === 'usage' && message.test(error.message),
    );
  refuses(() => fitLinearModel([1, 2, 3, 4], { x: [7, 7, 7, 7] }), /column x is constant/);
  refuses(
    () => fitLinearModel([1, 2, 3, 4, 5], { x: [1, 2, 3, 4, 6], twice: [2, 4, 6, 8, 12] }),
    /column twice is a combination of the columns before it/,
  );
  refuses(() => fitLinearModel([1, 2, 3], { x: [1, 2] }), /column x has 2 values, expected 3/);
  refuses(() => fitLinearModel([1, 2], { x: [1, 2] }), /expected at least 3 values, found 2/);
  const twoLengths = [1, 2, 3, 4].map((totalMs) => ({ totalMs, audioSeconds: 5 + (totalMs % 2), tokens: 3 }));
  refuses(() => fitOverhead(twoLengths), /at least 3 audio lengths, found 2/);
});
