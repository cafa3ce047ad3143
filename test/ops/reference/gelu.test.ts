import assert from 'node:assert/strict';
import { test } from 'node:test';
import { erfc, gelu } from '../../../src/ops/reference/products.js';

/** erf to 10 digits from Abramowitz & Stegun, table 7.1. */
const ERF_TABLE: readonly (readonly [x: number, erf: number])[] = [
  [0.1, 0.112462916],
  [0.5, 0.5204998778],
  [1, 0.8427007929],
  [1.5, 0.9661051465],
  [2, 0.995322265],
];

test('erfc agrees with the published table', () => {
  for (const [x, erf] of ERF_TABLE) {
    assert.ok(Math.abs(1 - erfc(x) - erf) < 6e-11, `erf(${x})`);
    assert.ok(Math.abs(erfc(-x) - 1 - erf) < 6e-11, `erf(${-x})`);
  }
});

test('erfc is the integral of the Gaussian, to 2e-15', () => {
  let integral = 0;
  for (let step = 0; step < 600; step++) {
    const from = step / 100;
    assert.ok(Math.abs(erfc(from) - (1 - integral)) < 2e-15, `erfc(${from})`);
    assert.ok(Math.abs(erfc(-from) - (1 + integral)) < 2e-15, `erfc(${-from})`);
    integral += gaussLegendre((t) => (2 / Math.sqrt(Math.PI)) * Math.exp(-t * t), from, (step + 1) / 100);
  }
});

test('the tail of erfc keeps its relative precision', () => {
  // erfc(x) = ∫ over t ≥ 0 of 2/√π · e^(−(x+t)²): integrated on its own, not as a difference from 1.
  for (const x of [2.5, 3, 5, 8, 12, 20]) {
    let integral = 0;
    const width = 0.2 / x;
    for (let step = 0; step < 250; step++) {
      const density = (t: number) => (2 / Math.sqrt(Math.PI)) * Math.exp(-t * (2 * x + t));
      integral += gaussLegendre(density, step * width, (step + 1) * width);
    }
    const expected = Math.exp(-x * x) * integral;
    assert.ok(Math.abs(erfc(x) / expected - 1) < 1e-13, `erfc(${x}) ${erfc(x)} ${expected}`);
  }
});

test('erfc and gelu at the ends', () => {
  assert.equal(erfc(0), 1);
  assert.equal(erfc(Infinity), 0);
  assert.equal(erfc(-Infinity), 2);
  assert.ok(Number.isNaN(erfc(NaN)));
  assert.equal(gelu(0), 0);
  assert.equal(gelu(Infinity), Infinity);
  assert.equal(Math.abs(gelu(-Infinity)), 0);
  assert.ok(Number.isNaN(gelu(NaN)));
});

test('gelu(x) − gelu(−x) = x, and gelu(1) is Φ(1)', () => {
  for (let x = 0; x < 8; x += 0.37) assert.ok(Math.abs(gelu(x) + -x - gelu(-x)) < 1e-14, `${x}`);
  assert.ok(Math.abs(gelu(1) - 0.8413447460685429) < 1e-15);
});

/** Five-point Gauss–Legendre rule: exact for polynomials up to degree 9. */
function gaussLegendre(f: (t: number) => number, from: number, to: number): number {
  const inner = Math.sqrt(5 - 2 * Math.sqrt(10 / 7)) / 3;
  const outer = Math.sqrt(5 + 2 * Math.sqrt(10 / 7)) / 3;
  const innerWeight = (322 + 13 * Math.sqrt(70)) / 900;
  const outerWeight = (322 - 13 * Math.sqrt(70)) / 900;
  const middle = (from + to) / 2;
  const half = (to - from) / 2;
  const pair = (x: number) => f(middle - half * x) + f(middle + half * x);
  return half * ((128 / 225) * f(middle) + innerWeight * pair(inner) + outerWeight * pair(outer));
}
