import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { powerSpectrum } from '../../../src/kernels/audio/logMel.js';
import { Random } from '../../support/random.js';
import { runKernel } from '../support/kernelHarness.js';
import { kernelTargets } from '../support/kernelTargets.js';

describe('powerSpectrum', async () => {
  for (const target of await kernelTargets()) {
    test(`is re² + im² to the last bits, on ${target.name}`, { skip: target.missing }, () => {
      for (const [rows, bins, rowsPerTile] of [
        [3, 16, 2],
        [1, 208, 16],
        [35, 208, 16],
      ] as const) {
        if (target.isSlow && rows > 3) continue;
        const spectrum = new Random(rows).floats(2 * rows * bins, 30);
        const power = new Float32Array(rows * bins);
        runKernel(target, powerSpectrum({ bins, rowsPerTile }), { spectrum, power, m: rows });
        power.forEach((value, i) => {
          const re = spectrum[i + Math.floor(i / bins) * bins]!;
          const im = spectrum[i + Math.floor(i / bins) * bins + bins]!;
          const expected = re * re + im * im;
          assert.ok(Math.abs(value - expected) <= 2 * 2 ** -24 * expected, `element ${i} of ${rows}×${bins}`);
        });
      }
    });
  }
});
