import assert from 'node:assert/strict';
import { test } from 'node:test';
import { realFft } from '../../../src/ops/reference/realFft.js';
import { Random } from '../../support/random.js';

/** X[k] = Σ x[n]·exp(−2πi·k·n/size), term by term. */
function naive(x: Float64Array, k: number): [number, number] {
  let [re, im] = [0, 0];
  for (const [n, value] of x.entries()) {
    const angle = (2 * Math.PI * ((k * n) % x.length)) / x.length;
    re += value * Math.cos(angle);
    im -= value * Math.sin(angle);
  }
  return [re, im];
}

for (const size of [2, 4, 6, 10, 14, 64, 400, 480]) {
  test(`agrees with the sum over ${size} samples`, () => {
    const transform = realFft(size);
    const [re, im] = [new Float64Array(size / 2 + 1), new Float64Array(size / 2 + 1)];
    for (let seed = 0; seed < 3; seed++) {
      const x = Float64Array.from(new Random(seed).floats(size));
      const bound = 1e-13 * x.reduce((sum, value) => sum + Math.abs(value), 0);
      transform(x, re, im); // one function for all frames: nothing may be left over from the last
      for (let k = 0; k <= size / 2; k++) {
        const [expectedRe, expectedIm] = naive(x, k);
        assert.ok(Math.abs(re[k]! - expectedRe) < bound && Math.abs(im[k]! - expectedIm) < bound, `k = ${k}`);
      }
    }
  });
}
