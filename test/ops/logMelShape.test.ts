import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fourierBasis, hannWindow } from '../../src/ops/logMelShape.js';

test('periodic: the square of a half sine wave, copies half its length apart add up to 1', () => {
  const window = hannWindow(400);
  assert.equal(window.length, 400);
  for (let n = 0; n < 400; n++) {
    assert.ok(Math.abs(window[n]! - Math.sin((Math.PI * n) / 400) ** 2) < 1e-15);
    assert.ok(Math.abs(window[n]! + window[(n + 200) % 400]! - 1) < 1e-15);
  }
});

const BINS = 208;
const basis = fourierBasis(BINS);
const row = (index: number): Float32Array => basis.subarray(400 * index, 400 * (index + 1));

test('a product with the basis finds a windowed tone in its own bin, with its phase', () => {
  for (const [bin, phase] of [
    [1, 0],
    [37, 1.1],
    [199, -2],
  ] as const) {
    const tone = Float64Array.from({ length: 400 }, (_, n) =>
      Math.cos((2 * Math.PI * bin * n) / 400 + phase),
    );
    const dot = (index: number): number => row(index).reduce((sum, value, n) => sum + value * tone[n]!, 0);
    // The transform of a periodic Hann window of 400 is 200 at a tone's bin, of which a cosine has half.
    assert.ok(Math.abs(dot(bin) - 100 * Math.cos(phase)) < 1e-4);
    assert.ok(Math.abs(dot(BINS + bin) + 100 * Math.sin(phase)) < 1e-4);
    assert.ok(Math.abs(dot(bin + 5 < 200 ? bin + 5 : bin - 5)) < 1e-4);
  }
});

test('the zero frequency is the window, the last one its sign-changing copy, and padding is zero', () => {
  for (let n = 0; n < 400; n++) {
    const window = Math.sin((Math.PI * n) / 400) ** 2;
    assert.ok(Math.abs(row(0)[n]! - window) < 1e-7);
    assert.ok(Math.abs(row(200)[n]! - (n % 2 === 0 ? window : -window)) < 1e-7);
  }
  for (const index of [BINS, ...Array.from({ length: 7 }, (_, i) => 201 + i), BINS + 201, 2 * BINS - 1])
    assert.ok(row(index).every((value) => value === 0));
  assert.equal(basis.length, 2 * BINS * 400);
});
