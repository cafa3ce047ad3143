import assert from 'node:assert/strict';
import { test } from 'node:test';
import { median } from '../../../src/bench/statistics/descriptive.js';
import {
  hodgesLehmann,
  hodgesLehmannShift,
  selectPairSum,
} from '../../../src/bench/statistics/hodgesLehmann.js';
import { createRandom, type Random } from '../../../src/bench/statistics/random.js';
import {
  mannWhitneyTest,
  midranks,
  signedRankCritical,
  signedRankTest,
} from '../../../src/bench/statistics/rankTests.js';

const close = (actual: number, expected: number, tolerance = 1e-12): void =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual}, expected ${expected}`);

/** Whole numbers in a narrow range, so that there are ties and zeros. */
const tiedSample = (random: Random, length: number, range: number): number[] =>
  Array.from({ length }, () => random.integer(range) - Math.floor(range / 2));

test('ties share their ranks', () => {
  assert.deepEqual(Array.from(midranks([10, 20, 20, 5]).doubled), [4, 7, 7, 2]);
  assert.deepEqual(midranks([1, 1, 1, 2, 2, 9]).tieSizes, [3, 2]);
});

test('the signed-rank test counts all assignments of signs, ties included', () => {
  const random = createRandom(101);
  for (let round = 0; round < 120; round++) {
    const differences = tiedSample(random, 1 + random.integer(10), 9);
    close(signedRankTest(differences).pValue, bruteSignedRank(differences));
  }
});

test('the signed-rank test agrees with SciPy', () => {
  // scipy.stats.wilcoxon on the depression scores of Hollander and Wolfe (1973), p. 29: W− = 5, p = 0.0390625.
  const scores = [0.952, -0.147, 1.022, 0.43, 0.62, 0.59, 0.49, -0.08, 0.01];
  const result = signedRankTest(scores);
  assert.deepEqual([result.statistic, result.method], [40, 'exact']); // W+ = 45 − W−
  close(result.pValue, 0.0390625);
  // The same with 120 tied differences by the normal approximation with continuity correction: W− = 2643.
  const many = Array.from({ length: 120 }, (_, i) => Math.round((((i * 0.37) % 1) - 0.42) * 100) / 100);
  const normal = signedRankTest(many);
  assert.equal(normal.method, 'normal');
  close(normal.pValue, 0.014009633984280808, 1e-9);
});

test('the Mann–Whitney test counts all splits, ties included', () => {
  const random = createRandom(103);
  for (let round = 0; round < 80; round++) {
    const a = tiedSample(random, 1 + random.integer(6), 8);
    const b = tiedSample(random, 1 + random.integer(6), 8);
    const result = mannWhitneyTest(a, b);
    const expected = bruteMannWhitney(a, b);
    close(result.statistic, expected.u);
    close(result.pValue, expected.pValue);
    close(mannWhitneyTest(b, a).pValue, result.pValue);
  }
});

test('the Mann–Whitney test agrees with SciPy', () => {
  // Membrane permeability, Hollander and Wolfe (1973), p. 69: U = 35, exact two-sided p = 0.2544.
  const a = [0.8, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46];
  const b = [1.15, 0.88, 0.9, 0.74, 1.21];
  const result = mannWhitneyTest(a, b);
  assert.deepEqual([result.statistic, result.method], [35, 'exact']);
  close(result.pValue, 0.2544122544122544);
  const round1 = (x: number): number => Math.round(x * 10) / 10;
  const c = Array.from({ length: 40 }, (_, i) => round1((i * 0.618) % 1));
  const d = Array.from({ length: 45 }, (_, i) => round1(((i * 0.414) % 1) + 0.15));
  const normal = mannWhitneyTest(c, d);
  assert.deepEqual([normal.statistic, normal.method], [634, 'normal']);
  close(normal.pValue, 0.0188773532524883, 1e-9);
});

test('the critical values of the signed-rank test are those of published tables', () => {
  // Two-sided 5 % points of the smaller rank sum (Wilcoxon and Wilcox 1964; Conover 1999, table A12).
  for (const [pairs, critical] of [
    [5, -1],
    [6, 0],
    [7, 2],
    [8, 3],
    [9, 5],
    [10, 8],
    [11, 10],
    [12, 13],
    [15, 25],
    [20, 52],
    [25, 89],
  ] as const) {
    assert.equal(signedRankCritical(pairs, 0.025), critical, `${pairs} pairs`);
    // The test itself: the smaller rank sum at the critical value is significant, one more is not.
    const ranks = Array.from({ length: pairs }, (_, index) => index + 1);
    const pAt = (sum: number): number => signedRankTest(signsOfSum(ranks, sum)).pValue;
    if (critical >= 0) assert.ok(pAt(critical) <= 0.05, `${pairs} pairs, W = ${critical}: ${pAt(critical)}`);
    assert.ok(pAt(critical + 1) > 0.05, `${pairs} pairs, W = ${critical + 1}: ${pAt(critical + 1)}`);
  }
});

/** The ranks with signs such that those of the positive ones sum to this. */
function signsOfSum(ranks: readonly number[], sum: number): number[] {
  let left = sum;
  return ranks.toReversed().map((rank) => {
    if (rank > left) return -rank;
    left -= rank;
    return rank;
  });
}

test('the critical values of the Mann–Whitney test are those of published tables', () => {
  // Two-sided 5 % points of U (Mann and Whitney 1947, as tabulated by Siegel and Castellan 1988, appendix J).
  for (const [sizeA, sizeB, critical] of [
    [4, 4, 0],
    [5, 5, 2],
    [6, 6, 5],
    [7, 7, 8],
    [8, 8, 13],
    [9, 9, 17],
    [10, 10, 23],
    [12, 12, 37],
    [15, 15, 64],
    [20, 20, 127],
    [5, 10, 8],
    [8, 12, 22],
  ] as const) {
    const pAt = (u: number): number => {
      const { statistic, pValue, method } = mannWhitneyTest(...samplesOfU(sizeA, sizeB, u));
      assert.deepEqual([statistic, method], [u, 'exact']);
      return pValue;
    };
    const sizes = `${sizeA} and ${sizeB}`;
    assert.ok(pAt(critical) <= 0.05, `${sizes}, U = ${critical}: ${pAt(critical)}`);
    assert.ok(pAt(critical + 1) > 0.05, `${sizes}, U = ${critical + 1}: ${pAt(critical + 1)}`);
  }
});

/** Two samples without ties of which the first is above the second in so many pairs. */
function samplesOfU(sizeA: number, sizeB: number, u: number): [a: number[], b: number[]] {
  let left = u;
  const a = Array.from({ length: sizeA }, (_, index) => {
    const above = Math.min(left, sizeB);
    left -= above;
    return above + 0.5 + 0.001 * index;
  });
  return [a, Array.from({ length: sizeB }, (_, index) => index + 1)];
}

test('exact and normal p-values meet where one takes over from the other', () => {
  const random = createRandom(107);
  const differences = Array.from({ length: 101 }, () => random.normal() + 0.15);
  const exact = signedRankTest(differences.slice(0, 100));
  const normal = signedRankTest(differences);
  assert.deepEqual([exact.method, normal.method], ['exact', 'normal']);
  assert.ok(Math.abs(exact.pValue - normal.pValue) < 0.05, `${exact.pValue} and ${normal.pValue}`);
});

test('the pseudo-median is the median of all Walsh averages and its interval inverts the test', () => {
  const random = createRandom(109);
  for (let round = 0; round < 60; round++) {
    const values = Array.from({ length: 6 + random.integer(8) }, () => random.normal() * 3 + 1);
    const { estimate, interval } = hodgesLehmann(values);
    close(estimate, median(walshAverages(values)));
    assert.ok(interval !== null);
    const pAt = (shift: number): number => signedRankTest(values.map((value) => value - shift)).pValue;
    const inside = 1e-9;
    assert.ok(pAt(interval.low + inside) > 0.05 && pAt(interval.high - inside) > 0.05, 'the ends are kept');
    assert.ok(pAt(interval.low - inside) <= 0.05 && pAt(interval.high + inside) <= 0.05, 'no further');
  }
});

test('the shift is the median of all differences and its interval inverts the test', () => {
  const random = createRandom(113);
  for (let round = 0; round < 60; round++) {
    const a = Array.from({ length: 4 + random.integer(6) }, () => random.normal());
    const b = Array.from({ length: 4 + random.integer(6) }, () => random.normal() + 2);
    const { estimate, interval } = hodgesLehmannShift(a, b);
    close(estimate, median(b.flatMap((y) => a.map((x) => y - x))));
    assert.ok(interval !== null);
    const pAt = (shift: number): number =>
      mannWhitneyTest(
        a,
        b.map((y) => y - shift),
      ).pValue;
    const inside = 1e-9;
    assert.ok(pAt(interval.low + inside) > 0.05 && pAt(interval.high - inside) > 0.05, 'the ends are kept');
    assert.ok(pAt(interval.low - inside) <= 0.05 && pAt(interval.high + inside) <= 0.05, 'no further');
  }
});

test('a sum is found by its place among all, ties included', () => {
  const random = createRandom(131);
  for (let round = 0; round < 200; round++) {
    const sorted = (length: number) =>
      Float64Array.from({ length }, () => random.integer(round % 2 === 0 ? 6 : 1e6)).sort();
    const [rows, columns] = [sorted(1 + random.integer(8)), sorted(1 + random.integer(8))];
    const all = Array.from(rows).flatMap((x) => Array.from(columns, (y) => x + y));
    const upper = Array.from(rows).flatMap((x, i) => Array.from(rows.subarray(i), (y) => x + y));
    for (const [sums, shape] of [
      [all, 'all'],
      [upper, 'upper'],
    ] as const) {
      const order = random.integer(sums.length);
      const found = selectPairSum(rows, shape === 'all' ? columns : rows, order, shape);
      assert.equal(found, sums.sort((x, y) => x - y)[order]);
    }
  }
});

test('intervals need enough values and exist for large samples', () => {
  assert.equal(hodgesLehmann([1, 2, 3, 4, 5]).interval, null);
  assert.deepEqual(hodgesLehmann([1, 2, 3, 4, 5, 6]).interval, { low: 1, high: 6 });
  assert.equal(hodgesLehmannShift([1, 2, 3], [4, 5, 6]).interval, null);
  assert.deepEqual(hodgesLehmannShift([1, 2, 3, 4], [11, 12, 13, 14]).interval, { low: 7, high: 13 });
  const random = createRandom(127);
  const large = Array.from({ length: 300 }, () => 5 + random.normal());
  const { estimate, interval } = hodgesLehmann(large);
  // The interval of the mean is 5 ± 0.113; the pseudo-median's is 2 % wider.
  assert.ok(interval!.low < estimate && estimate < interval!.high);
  assert.ok(Math.abs(interval!.high - interval!.low - 2 * 0.1158) < 0.03);
});

function walshAverages(values: readonly number[]): number[] {
  return values.flatMap((x, i) => values.slice(i).map((y) => (x + y) / 2));
}

function bruteSignedRank(differences: readonly number[]): number {
  const nonZero = differences.filter((difference) => difference !== 0);
  const ranks = nonZero.map((x) => bruteRank(Math.abs(x), nonZero.map(Math.abs)));
  const observed = ranks.reduce((sum, rank, i) => sum + (nonZero[i]! > 0 ? rank : 0), 0);
  let below = 0;
  let above = 0;
  for (let signs = 0; signs < 2 ** nonZero.length; signs++) {
    const sum = ranks.reduce((total, rank, i) => total + ((signs >> i) & 1 ? rank : 0), 0);
    if (sum <= observed) below++;
    if (sum >= observed) above++;
  }
  return Math.min(1, (2 * Math.min(below, above)) / 2 ** nonZero.length);
}

function bruteMannWhitney(a: readonly number[], b: readonly number[]): { u: number; pValue: number } {
  const pooled = [...a, ...b];
  const uOf = (chosen: readonly number[], rest: readonly number[]): number =>
    chosen.reduce((sum, x) => sum + rest.reduce((s, y) => s + (x > y ? 1 : x === y ? 0.5 : 0), 0), 0);
  const u = uOf(a, b);
  let below = 0;
  let above = 0;
  let splits = 0;
  for (let mask = 0; mask < 2 ** pooled.length; mask++) {
    const chosen = pooled.filter((_, i) => (mask >> i) & 1);
    if (chosen.length !== a.length) continue;
    const value = uOf(
      chosen,
      pooled.filter((_, i) => !((mask >> i) & 1)),
    );
    splits++;
    if (value <= u) below++;
    if (value >= u) above++;
  }
  return { u, pValue: Math.min(1, (2 * Math.min(below, above)) / splits) };
}

function bruteRank(value: number, among: readonly number[]): number {
  const smaller = among.filter((other) => other < value).length;
  const equal = among.filter((other) => other === value).length;
  return smaller + (equal + 1) / 2;
}
