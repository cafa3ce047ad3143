import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { KernelBuilder } from '../../src/jit/builder.js';
import type { VecReg } from '../../src/jit/ir.js';
import { type KernelSpec, kernelParams, loadSlot } from '../../src/kernels/kernel.js';
import { emitExp } from '../../src/kernels/vectorMath.js';
import { Random } from '../support/random.js';
import { runKernel } from './support/kernelHarness.js';
import { kernelTargets } from './support/kernelTargets.js';

/** y[i] = f(x[i]); slots x, y, number of elements (a multiple of 16). */
function elementwise(name: string, emit: (k: KernelBuilder, x: VecReg) => VecReg): KernelSpec {
  return {
    name,
    emit: (capabilities) => {
      const k = new KernelBuilder(name, capabilities);
      const params = kernelParams(k);
      const [x, y, length] = [loadSlot(k, params, 0), loadSlot(k, params, 1), loadSlot(k, params, 2)];
      k.loop(k.intOp('divide', length, k.lanes, length), () => {
        k.store(k.at(y), emit(k, k.load(k.at(x))));
        k.advance(x, 4 * k.lanes);
        k.advance(y, 4 * k.lanes);
      });
      return k.finish();
    },
  };
}

describe('emitExp', async () => {
  const exp = elementwise('exp', emitExp);
  for (const target of await kernelTargets()) {
    test(`is within 2⁻²² of the exponential: ${target.name}`, { skip: target.missing }, () => {
      const random = new Random(1);
      const x = Float32Array.from([
        ...Array.from({ length: 2 * 88 * 16 }, (_, i) => i / 16 - 88 + 1 / 16).filter((v) => v >= -87),
        ...random.floats(4096, 1),
        ...random.floats(4096, 87),
      ]);
      const padded = new Float32Array(Math.ceil(x.length / 16) * 16);
      padded.set(x);
      const y = new Float32Array(padded.length);
      runKernel(target, exp, { slots: [padded, y, padded.length], tiles: 1 });
      for (let i = 0; i < padded.length; i++) {
        const exact = Math.exp(padded[i]!);
        const error = Math.abs(y[i]! / exact - 1);
        assert.ok(error < 2 ** -22, `exp(${padded[i]}) = ${y[i]}, relative error ${error}`);
      }
    });

    test(`clamps what is out of range and keeps NaN: ${target.name}`, { skip: target.missing }, () => {
      const payload = new Float32Array(Uint32Array.of(0x7fffffff).buffer)[0]!;
      const x = Float32Array.of(
        NaN,
        payload,
        Infinity,
        -Infinity,
        1000,
        -1000,
        0,
        -0,
        ...new Array(8).fill(0),
      );
      const y = new Float32Array(16);
      runKernel(target, exp, { slots: [x, y, 16], tiles: 1 });
      assert.ok(Number.isNaN(y[0]) && Number.isNaN(y[1]), `NaN gave ${y[0]} and ${y[1]}`);
      for (const i of [2, 4])
        assert.ok(Math.abs(y[i]! / Math.exp(88) - 1) < 2 ** -22, `${x[i]} gave ${y[i]}`);
      for (const i of [3, 5])
        assert.ok(Math.abs(y[i]! / Math.exp(-87) - 1) < 2 ** -22, `${x[i]} gave ${y[i]}`);
      assert.deepEqual([...y.subarray(6)], new Array(10).fill(1));
    });
  }
});
