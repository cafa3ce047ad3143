import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Gelu } from '../../src/kernels/gelu.js';
import { Random } from '../support/random.js';
import { kernelTargets } from './support/kernelTargets.js';
import { mapVector } from './support/mapVector.js';
import { exactGelu, geluTolerance } from './support/productReference.js';

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
