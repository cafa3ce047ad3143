import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  binomialCdf,
  incompleteBeta,
  logGamma,
  normalCdf,
  normalQuantile,
  studentCdf,
  studentQuantile,
  studentTwoSidedP,
} from '../../../src/bench/statistics/distributions.js';
import { erfc } from '../../../src/ops/reference/products.js';

function close(actual: number, expected: number, relative: number, label: string): void {
  const error = Math.abs(actual - expected) / Math.max(Math.abs(expected), 1e-300);
  assert.ok(error <= relative, `${label}: ${actual}, expected ${expected}, relative error ${error}`);
}

// Expected values of this file: SciPy 1.17 (scipy.stats, scipy.special).

test('the normal distribution agrees with SciPy in body and tails', () => {
  for (const [z, p] of [
    [-8, 6.22096057427174e-16],
    [-3, 0.0013498980316300933],
    [-1.5, 0.06680720126885807],
    [0, 0.5],
    [1, 0.8413447460685429],
    [2.9, 0.998134186699616],
    [5, 0.9999997133484281],
  ] as const) {
    close(normalCdf(z), p, 1e-13, `normalCdf(${z})`);
  }
  for (const [p, z] of [
    [1e-10, -6.361340902404056],
    [0.0001, -3.7190164854556804],
    [0.025, -1.9599639845400545],
    [0.3, -0.5244005127080409],
    [0.75, 0.6744897501960817],
    [0.99, 2.3263478740408408],
  ] as const) {
    close(normalQuantile(p), z, 1e-12, `normalQuantile(${p})`);
  }
  assert.ok(Math.abs(normalQuantile(0.5)) < 1e-15);
  assert.equal(normalQuantile(0), Number.NEGATIVE_INFINITY);
  assert.equal(normalQuantile(1), Number.POSITIVE_INFINITY);
});

test('the normal quantile undoes the distribution function', () => {
  for (let p = 0.0005; p < 1; p += 0.0005) close(normalCdf(normalQuantile(p)), p, 1e-13, `p = ${p}`);
});

test("Student's distribution agrees with SciPy", () => {
  for (const [p, df, t] of [
    [0.975, 1, 12.706204736174694],
    [0.975, 2, 4.302652729749462],
    [0.975, 4.5, 2.6589123472044034],
    [0.995, 19, 2.8609346064649794],
    [0.9, 100, 1.290074761346516],
    [0.6, 3, 0.2766706623326898],
  ] as const) {
    close(studentQuantile(p, df), t, 1e-11, `studentQuantile(${p}, ${df})`);
    close(studentQuantile(1 - p, df), -t, 1e-9, `studentQuantile(${1 - p}, ${df})`);
    close(studentTwoSidedP(t, df), 2 * (1 - p), 1e-10, `studentTwoSidedP(${t}, ${df})`);
  }
  for (const [t, df, p] of [
    [2, 3, 0.9303370157205785],
    [-1.3, 7.5, 0.11606338940780439],
    [0.2, 1, 0.562832958189001],
    [5, 30, 0.9999883516572665],
  ] as const) {
    close(studentCdf(t, df), p, 1e-12, `studentCdf(${t}, ${df})`);
  }
});

test('the binomial distribution agrees with SciPy and with a direct sum', () => {
  for (const [k, n, p, expected] of [
    [0, 6, 0.5, 0.015625],
    [3, 10, 0.3, 0.6496107184000002],
    [620, 700, 0.9, 0.11692331493493384],
    [655, 662, 0.99, 0.49276662000115656],
    [49, 50, 0.99, 0.39499393286246365],
  ] as const) {
    close(binomialCdf(k, n, p), expected, 1e-11, `binomialCdf(${k}, ${n}, ${p})`);
  }
  assert.equal(binomialCdf(-1, 5, 0.5), 0);
  assert.equal(binomialCdf(5, 5, 0.5), 1);
  for (const p of [0.1, 0.5, 0.93]) {
    let coefficient = 1;
    let sum = 0;
    for (let k = 0; k < 30; k++) {
      sum += coefficient * p ** k * (1 - p) ** (30 - k);
      coefficient *= (30 - k) / (k + 1);
      close(binomialCdf(k, 30, p), sum, 1e-9, `binomialCdf(${k}, 30, ${p})`);
    }
  }
});

test('the special functions agree with SciPy', () => {
  for (const [x, expected] of [
    [0.1, 2.252712651734206],
    [0.5, 0.5723649429247],
    [3.7, 1.428072326665388],
    [25, 54.78472939811232],
    [1000, 5905.220423209181],
  ] as const) {
    close(logGamma(x), expected, 1e-13, `logGamma(${x})`);
  }
  for (const [x, a, b, expected] of [
    [0.3, 2, 5, 0.5798250000000003],
    [0.9, 0.5, 0.5, 0.7951672353008665],
    [0.01, 10, 0.3, 6.64184349393896e-22],
    [0.6, 200, 130, 0.40798888688967133],
  ] as const) {
    close(incompleteBeta(x, a, b), expected, 1e-11, `incompleteBeta(${x}, ${a}, ${b})`);
  }
  for (const [x, expected] of [
    [-1, 1.8427007929497148],
    [0.1, 0.8875370839817152],
    [1.9, 0.007209570764742531],
    [2.1, 0.0029794666563329845],
    [5, 1.5374597944280347e-12],
    [12, 1.3562611692059047e-64],
  ] as const) {
    close(erfc(x), expected, 1e-12, `erfc(${x})`);
  }
});
