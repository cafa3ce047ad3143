import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { widenedStrideBytes, widenRows } from '../../../src/kernels/rows/widenRows.js';
import { Random } from '../../support/random.js';
import { runKernel } from '../support/kernelHarness.js';
import { kernelTargets } from '../support/kernelTargets.js';

describe('widenRows', async () => {
  for (const target of await kernelTargets()) {
    test(`rows are widened bit by bit, and nothing between them is written: ${target.name}`, {
      skip: target.missing,
    }, () => {
      const random = new Random(5);
      for (const [m, depth, apart] of [
        [1, 16, 0],
        [5, 48, 32],
        [9, 128, 0],
      ] as const) {
        const x = Uint16Array.from({ length: m * (depth + apart) }, () => random.integer(0, 65535));
        const stride = widenedStrideBytes(depth) / 4;
        const y = new Uint32Array(m * stride).fill(7);
        const kernel = widenRows({ depth, strideBytes: 2 * (depth + apart), rowsPerTile: 4 });
        runKernel(target, kernel, { x, y: new Float32Array(y.buffer), m }, { order: 'backwards' });
        const expected = new Uint32Array(m * stride).fill(7);
        for (let row = 0; row < m; row++)
          for (let i = 0; i < depth; i++)
            expected[row * stride + i] = (x[row * (depth + apart) + i]! << 16) >>> 0;
        assert.deepEqual(y, expected, `${m} rows of ${depth}`);
      }
    });
  }
});
