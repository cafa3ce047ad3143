import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { logMel, realFft } from '../../../src/ops/reference/logMel.js';
import { Random } from '../../support/random.js';

/** Filters [bins, 201] of random bands, some of them empty. */
function randomFilters(bins: number, random: Random): Float32Array {
  const filters = new Float32Array(bins * 201);
  for (let m = 1; m < bins; m++) {
    const start = random.integer(0, 200);
    const end = random.integer(start, 200);
    for (let f = start; f <= end; f++) filters[m * 201 + f] = random.uniform();
  }
  return filters;
}

/** The definition, written as sums over a clip that is mirrored sample by sample. */
function statement(samples: Float32Array, filters: Float32Array): number[] {
  const inner = [...samples];
  const before = inner.slice(1, 201).reverse();
  const behind = inner.slice(-201, -1).reverse();
  const padded = [...before, ...inner, ...behind];
  const frames = Math.floor(samples.length / 160);
  const bins = filters.length / 201;
  const energies = Array.from({ length: frames }, (_, t) => {
    const frame = padded
      .slice(160 * t, 160 * t + 400)
      .map((value, n) => value * Math.sin((Math.PI * n) / 400) ** 2);
    return Array.from({ length: 201 }, (_, f) => {
      let [re, im] = [0, 0];
      for (const [n, value] of frame.entries()) {
        re += value * Math.cos((2 * Math.PI * ((f * n) % 400)) / 400);
        im += value * Math.sin((2 * Math.PI * ((f * n) % 400)) / 400);
      }
      return re * re + im * im;
    });
  });
  const logs = Array.from({ length: bins * frames }, (_, i) => {
    const [m, t] = [Math.floor(i / frames), i % frames];
    const energy = energies[t]!.reduce((sum, power, f) => sum + power * filters[m * 201 + f]!, 0);
    return Math.log10(Math.max(energy, 1e-10));
  });
  const floor = Math.max(...logs) - 8;
  return logs.map((value) => (Math.max(value, floor) + 4) / 4);
}

describe('agrees with its definition', () => {
  const random = new Random(77);
  for (const count of [201, 319, 320, 400, 1599, 1600, 1601, 2345]) {
    test(`${count} samples`, () => {
      const samples = random.floats(count, 0.8);
      const filters = randomFilters(17, random);
      const found = logMel(samples, filters);
      const expected = statement(samples, filters);
      assert.equal(found.length, 17 * Math.floor(count / 160));
      for (const [i, value] of expected.entries()) assert.ok(Math.abs(found[i]! - value) < 1e-6, `cell ${i}`);
    });
  }
});

test('the floor lies 8 decades below the loudest cell of the whole clip', () => {
  const samples = new Float32Array(4000).fill(0);
  samples.set(new Random(4).floats(400), 0); // loud at first, then silent
  const mel = logMel(samples, new Float32Array(201).fill(1));
  const max = Math.max(...mel);
  assert.ok(Math.abs(Math.min(...mel) - (max - 2)) < 1e-6);
  assert.equal(mel[24], mel[20]);
});

test('silence is −1.5 everywhere: log10(1e-10) = −10', () => {
  const mel = logMel(new Float32Array(1600), new Float32Array(2 * 201).fill(1));
  assert.deepEqual(mel, new Float32Array(20).fill(-1.5));
});

test('a NaN sample is not hidden', () => {
  const samples = new Random(4).floats(1600);
  samples[800] = Number.NaN;
  assert.ok(logMel(samples, new Float32Array(201).fill(1)).some(Number.isNaN));
});

test('clips that cannot be mirrored and arrays of a wrong length are refused', () => {
  const filters = new Float32Array(201);
  const message = 'log-mel: expected more than 200 samples, found 200';
  assert.throws(() => logMel(new Float32Array(200), filters), { code: 'audio', message });
  assert.throws(() => logMel(new Float32Array(400), new Float32Array(200)), { code: 'internal' });
  assert.throws(() => logMel(new Float32Array(400), filters, new Float64Array(399)), { code: 'internal' });
});

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
