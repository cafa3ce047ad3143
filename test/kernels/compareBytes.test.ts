import assert from 'node:assert/strict';
import { test } from 'node:test';
import { COMPARED_BYTES, compareBytes } from '../../src/kernels/compareBytes.js';
import { Random } from '../support/random.js';
import { runKernel } from './support/kernelHarness.js';
import { kernelTargets } from './support/kernelTargets.js';

for (const target of await kernelTargets()) {
  test(`a single bit that differs is found on ${target.name}`, { skip: target.missing }, () => {
    const random = new Random(5);
    const tiles = target.isSlow ? 1 : 3;
    const a = Uint8Array.from({ length: tiles * COMPARED_BYTES }, () => random.integer(0, 255));
    const differs = (b: Uint8Array): number => {
      const difference = new Int32Array(1);
      runKernel(target, compareBytes(), { a, b, difference }, { order: 'backwards' });
      return difference[0]!;
    };
    assert.equal(differs(a.slice()), 0);
    const places = target.isSlow
      ? [a.length - 1]
      : [0, COMPARED_BYTES, random.integer(0, a.length - 1), a.length - 1];
    for (const place of places) {
      const b = a.slice();
      b[place]! ^= 1 << random.integer(0, 7);
      assert.equal(differs(b), 1, `byte ${place}`);
    }
  });
}
