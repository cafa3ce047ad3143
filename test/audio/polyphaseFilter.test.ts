import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  GROUP,
  KERNEL_RADIUS,
  PASSBAND_EDGE,
  PolyphaseFilter,
  STOPBAND_DB,
  sincKernel,
} from '../../src/audio/polyphaseFilter.js';
import { Random } from '../support/random.js';

/** A table of rows for the first four, a row at a time for the last. */
const ratios = [
  [160, 441],
  [1, 3],
  [2, 1],
  [640, 441],
  [16000, 96001],
] as const;

for (const [up, down] of ratios) {
  test(`eight outputs at once equal eight outputs, ${up}/${down}`, () => {
    const filter = new PolyphaseFilter(up, down);
    const x = Float64Array.from(new Random(up).floats(filter.taps + GROUP * down + 20));
    for (const phase of [0, 1 % up, up >> 1, up - 1]) {
      const y = new Float32Array(GROUP * up + 3);
      filter.eight(phase, x, 20, y, 3);
      for (let i = 0; i < GROUP; i++) {
        assert.equal(y[3 + i * up], Math.fround(filter.one(phase, x, 20 + i * down)));
      }
    }
  });

  test(`a constant stays that constant, ${up}/${down}`, () => {
    const filter = new PolyphaseFilter(up, down);
    const x = new Float64Array(filter.taps).fill(1);
    for (const phase of [0, 1 % up, up >> 1, up - 1]) {
      assert.ok(Math.abs(filter.one(phase, x, 0) - 1) < 1e-13);
    }
  });
}

/** I0 by its integral, (1/π)·∫ exp(x·cos θ) dθ over [0, π]: the trapezoid rule converges exponentially here. */
function besselI0(x: number): number {
  const steps = 200;
  let sum = 0;
  for (let i = 0; i < steps; i++) sum += Math.exp(x * Math.cos((Math.PI * (i + 0.5)) / steps));
  return sum / steps;
}

/** The documented response, written down from its definition. */
function response(t: number): number {
  const beta = 0.1102 * (90 - 8.7);
  const cutoff = 0.5 - (90 - 7.95) / (14.36 * 96) / 2;
  const sinc = t === 0 ? 1 : Math.sin(2 * Math.PI * cutoff * t) / (2 * Math.PI * cutoff * t);
  return (2 * cutoff * sinc * besselI0(beta * Math.sqrt(1 - (t / 48) ** 2))) / besselI0(beta);
}

test('the interpolated table agrees with the formula within 2e-9', () => {
  const kernel = sincKernel();
  const random = new Random(5);
  const near = Array.from({ length: 300 }, () => random.uniform());
  const anywhere = Array.from({ length: 3000 }, () => random.uniform() * KERNEL_RADIUS);
  for (const t of [0, 1, 2.5, 47.999, ...near, ...anywhere]) {
    const error = Math.abs(kernel(t) - response(t));
    assert.ok(error < 2e-9, `at ${t}: ${error}`);
  }
});

test('it is zero from its radius on', () => {
  const kernel = sincKernel();
  assert.equal(kernel(KERNEL_RADIUS), 0);
  assert.equal(kernel(KERNEL_RADIUS + 0.001), 0);
  assert.equal(kernel(1e9), 0);
});

test('its spectrum is 1 in the passband and below the stopband level from half the lower rate on', () => {
  const kernel = sincKernel();
  const perSample = 16; // fine enough for the integral of a function without frequencies above 0.6
  const at = (frequency: number): number => {
    let sum = kernel(0);
    for (let i = 1; i <= KERNEL_RADIUS * perSample; i++) {
      sum += 2 * kernel(i / perSample) * Math.cos((2 * Math.PI * frequency * i) / perSample);
    }
    return sum / perSample;
  };
  const ripple = 10 ** (-STOPBAND_DB / 20);
  for (let i = 0; i <= 200; i++) {
    assert.ok(Math.abs(at((PASSBAND_EDGE * i) / 200) - 1) < 1.2 * ripple, `passband ${i}`);
    assert.ok(Math.abs(at(0.5 + (i / 200) * 3)) < 1.2 * ripple, `stopband ${i}`);
  }
});
