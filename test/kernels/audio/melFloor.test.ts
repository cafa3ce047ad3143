import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MEL_FLOOR_TILE, melFloor } from '../../../src/kernels/audio/logMel.js';
import { Random } from '../../support/random.js';
import { runKernel } from '../support/kernelHarness.js';
import { kernelTargets } from '../support/kernelTargets.js';

describe('melFloor', async () => {
  for (const target of await kernelTargets()) {
    test(`raises to 8 below the largest maximum and scales, on ${target.name}`, {
      skip: target.missing,
    }, () => {
      const lengths = [16, 128, ...(target.isSlow ? [] : [MEL_FLOOR_TILE, 3 * MEL_FLOOR_TILE + 128])];
      for (const length of lengths) {
        for (const maximumAt of [0, 37, 127]) {
          const random = new Random(length);
          const maxima = random.floats(128, 3).map((value) => value - 6);
          maxima[maximumAt] = 1.5;
          const y = random.floats(length, 10);
          const before = y.slice();
          runKernel(target, melFloor(), { maxima, maximumCount: maxima.length, y, length });
          y.forEach((value, i) => {
            const expected = (Math.max(before[i]!, 1.5 - 8) + 4) / 4;
            const tolerance = 2 ** -23 * Math.max(Math.abs(expected), 1);
            assert.ok(Math.abs(value - expected) <= tolerance, `element ${i} of ${length}: ${value}`);
          });
          assert.ok(
            before.some((value) => value < -6.5),
            'no value is below the floor',
          );
        }
      }
    });
  }
});
