import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { padColumns } from '../../../src/kernels/audio/logMel.js';
import { Random } from '../../support/random.js';
import { runKernel } from '../support/kernelHarness.js';
import { kernelTargets } from '../support/kernelTargets.js';

describe('padColumns', async () => {
  for (const target of await kernelTargets()) {
    test(`copies rows and ends them in zeros, on ${target.name}`, { skip: target.missing }, () => {
      for (const [rows, from, to] of [
        [3, 5, 16],
        [2, 16, 16],
        [128, 201, 208],
      ] as const) {
        if (target.isSlow && rows > 3) continue;
        const x = new Random(from).floats(rows * from);
        const y = new Float32Array(rows * to).fill(7);
        runKernel(target, padColumns({ from, to }), { x, y });
        for (let row = 0; row < rows; row++) {
          const expected = new Float32Array(to);
          expected.set(x.subarray(row * from, (row + 1) * from));
          assert.deepEqual(y.subarray(row * to, (row + 1) * to), expected, `row ${row} of ${rows}×${from}`);
        }
      }
    });
  }
});
