import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { melLog } from '../../../src/kernels/audio/logMel.js';
import { Random } from '../../support/random.js';
import { type KernelTarget, runKernel } from '../support/kernelHarness.js';
import { kernelTargets } from '../support/kernelTargets.js';

const MIN_ENERGY = 1e-10;

/** Runs the kernel on rows of `stride`, of which `count` elements are frames; y has `gap` elements between its rows. */
function compute(
  target: KernelTarget,
  energies: Float32Array,
  { rows, stride, count, gap }: { rows: number; stride: number; count: number; gap: number },
): { y: Float32Array; maxima: Float32Array } {
  const y = new Float32Array(rows * (count + gap)).fill(5);
  const maxima = new Float32Array(rows);
  runKernel(
    target,
    melLog({ stride }),
    { energies, count, y, yStrideBytes: 4 * (count + gap), maxima },
    { order: 'backwards' },
  );
  return { y, maxima };
}

describe('melLog', async () => {
  for (const target of await kernelTargets()) {
    test(`is log10 within its bound for any number of frames, on ${target.name}`, {
      skip: target.missing,
    }, () => {
      const counts = [1, 3, 4, 15, 16, 17, 31, 33, ...(target.isSlow ? [] : [50, 1000, 1024])];
      for (const count of counts) {
        const rows = count > 100 ? 128 : 3;
        const stride = 16 * Math.ceil(count / 16);
        const random = new Random(count);
        const energies = Float32Array.from(
          { length: rows * stride },
          () => 10 ** (16 * random.uniform() - 12),
        );
        // What lies past the frames is rubbish that must not show.
        for (let i = 0; i < energies.length; i++)
          if (i % stride >= count) energies[i] = i % 2 ? 1e30 : Number.NaN;
        energies[0] = 0;
        const gap = 2;
        const { y, maxima } = compute(target, energies, { rows, stride, count, gap });
        for (let row = 0; row < rows; row++) {
          const found = y.subarray(row * (count + gap), row * (count + gap) + count);
          found.forEach((value, t) => {
            const expected = Math.log10(Math.max(energies[row * stride + t]!, MIN_ENERGY));
            const tolerance = 1e-7 + 2 ** -22 * Math.abs(expected);
            assert.ok(Math.abs(value - expected) <= tolerance, `${count} frames: ${value} for ${expected}`);
          });
          const between = y.subarray(row * (count + gap) + count, (row + 1) * (count + gap));
          assert.deepEqual([...between], [5, 5], `${count} frames: row ${row} goes on past its end`);
          assert.equal(
            maxima[row],
            found.reduce((a, b) => Math.max(a, b), -10),
            `${count} frames: maximum`,
          );
        }
      }
    });

    test(`energies that are not finite show, on ${target.name}`, { skip: target.missing }, () => {
      for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
        for (const at of [2, 17]) {
          const energies = new Float32Array(32).fill(1);
          energies[at] = bad;
          const { y } = compute(target, energies, { rows: 1, stride: 32, count: 19, gap: 0 });
          y.forEach((value, i) => {
            assert.equal(Number.isNaN(value), i === at, `${bad} at ${at}: element ${i} is ${value}`);
          });
        }
      }
    });
  }
});
