import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { emitExp, emitLn, emitSilu, Gelu } from '../../src/kernels/vectorMath.js';
import { Random } from '../support/random.js';
import { kernelTargets } from './support/kernelTargets.js';
import { mapVector } from './support/mapVector.js';
import { exactGelu, exactSilu, geluTolerance } from './support/productReference.js';

/** Evenly spread f32 numbers of a range, its ends, and random ones. */
function sweep(from: number, to: number, count: number): Float32Array {
  const random = new Random(count);
  return Float32Array.from({ length: count }, (_, i) => {
    if (i < 2) return i === 0 ? from : to;
    const part = i % 2 === 0 ? i / count : random.uniform();
    return from + (to - from) * part;
  });
}

function joined(...parts: readonly (readonly number[] | Float32Array)[]): Float32Array {
  return Float32Array.from(parts.flatMap((part) => [...part]));
}

describe('vectorMath', async () => {
  for (const target of await kernelTargets()) {
    const count = target.isSlow ? 400 : 100_000;

    test(`exp is within 2^-22 of its value, on ${target.name}`, { skip: target.missing }, () => {
      const values = joined([0, -0, 1], sweep(-87, 88, count), sweep(-1, 1, count / 4));
      const found = mapVector(target, (k) => (x) => emitExp(k, x), values);
      let worst = 0;
      found.forEach((value, i) => {
        const exact = Math.exp(values[i]!);
        worst = Math.max(worst, Math.abs(value - exact) / exact);
      });
      assert.ok(worst < 2 ** -22, `relative error ${worst}`);
      assert.equal(found[0], 1);
    });

    test(`exp outside its range is that of the range's end, and NaN of NaN, on ${target.name}`, {
      skip: target.missing,
    }, () => {
      const values = Float32Array.of(-88, -1000, -Infinity, 89, 3e38, Infinity, -87, 88, Number.NaN);
      const found = mapVector(target, (k) => (x) => emitExp(k, x), values);
      for (const i of [0, 1, 2]) assert.equal(found[i], found[6]);
      for (const i of [3, 4, 5]) assert.equal(found[i], found[7]);
      assert.ok(Number.isNaN(found[8]));
    });

    test(`silu is within 2^-20 of its value, on ${target.name}`, { skip: target.missing }, () => {
      const values = joined(sweep(-86.9, 86.9, count), sweep(-2, 2, count / 4), [0, 100, 1e30]);
      const found = mapVector(target, (k) => (x) => emitSilu(k, x), values);
      let worst = 0;
      found.forEach((value, i) => {
        const exact = exactSilu(values[i]!);
        if (exact !== 0) worst = Math.max(worst, Math.abs((value - exact) / exact));
      });
      assert.ok(worst < 2 ** -20, `relative error ${worst}`);
      const [nan, low] = mapVector(target, (k) => (x) => emitSilu(k, x), Float32Array.of(Number.NaN, -1000));
      assert.ok(Number.isNaN(nan));
      assert.ok(Math.abs(low!) < 1e-30, `silu(-1000) is ${low}`);
    });

    test(`ln is within 2e-7 + 2^-23·|ln x| of its value, on ${target.name}`, { skip: target.missing }, () => {
      const exponents = sweep(-125, 127, count).map((power) => 2 ** power);
      const values = joined([1, 2, 0.5, Math.SQRT2, 1 - 2 ** -24], exponents, sweep(0.5, 2, count / 4));
      const found = mapVector(target, (k) => (x) => emitLn(k, x), values);
      let worst = 0;
      found.forEach((value, i) => {
        const exact = Math.log(values[i]!);
        worst = Math.max(worst, Math.abs(value - exact) / (2e-7 + 2 ** -23 * Math.abs(exact)));
      });
      assert.ok(worst < 1, `${worst} of the bound`);
    });
  }
});

describe('Gelu', async () => {
  for (const target of await kernelTargets()) {
    const count = target.isSlow ? 400 : 200_000;
    const gelu = (values: Float32Array): Float32Array =>
      mapVector(
        target,
        (k) => {
          const kernel = new Gelu(k);
          return (x) => kernel.emit(x);
        },
        values,
      );

    test(`is within its bound of the exact function, on ${target.name}`, { skip: target.missing }, () => {
      const random = new Random(1);
      const values = Float32Array.from({ length: count }, (_, i) => {
        if (i % 4 === 0) return 200 * (random.uniform() - 0.5);
        return i % 4 === 1 ? 12 * (i / count - 0.5) : 12 * (random.uniform() - 0.5);
      });
      let worst = 0;
      gelu(values).forEach((value, i) => {
        worst = Math.max(worst, Math.abs(value - exactGelu(values[i]!)) / geluTolerance(values[i]!));
      });
      assert.ok(worst < 1, `${worst} of the bound`);
    });

    test(`large numbers, zero and NaN, on ${target.name}`, { skip: target.missing }, () => {
      const values = Float32Array.of(50, 1e30, -50, -1e30, 0);
      gelu(values).forEach((value, i) => {
        const error = Math.abs(value - exactGelu(values[i]!));
        assert.ok(error <= geluTolerance(values[i]!), `${value} for ${values[i]}`);
      });
      const [zero, nan] = gelu(Float32Array.of(0, Number.NaN));
      assert.equal(zero, 0);
      assert.ok(Number.isNaN(nan));
    });
  }
});
