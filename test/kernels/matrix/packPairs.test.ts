import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { packPairs, pairPanelsBytes } from '../../../src/kernels/matrix/packPairs.js';
import { Random } from '../../support/random.js';
import { runKernel } from '../support/kernelHarness.js';
import { tileTargets } from '../support/kernelTargets.js';
import { pairPanels } from '../support/pairPanels.js';

describe('packPairs', async () => {
  for (const target of await tileTargets()) {
    test(`pairs of 16 rows lie together, and zeros where there is no row: ${target.name}`, {
      skip: target.missing,
    }, () => {
      const random = new Random(3);
      for (const m of [1, 15, 16, 17, 33, 48]) {
        const depth = 32 * random.integer(1, 5);
        const stride = depth + 32 * random.integer(0, 2);
        const x = Uint16Array.from({ length: m * stride }, () => random.integer(0, 65535));
        const y = new Uint16Array(pairPanelsBytes(m, depth) / 2);
        runKernel(target, packPairs({ depth, strideBytes: 2 * stride }), { x, y, m }, { order: 'backwards' });
        assert.deepEqual(y, pairPanels(x, m, depth, stride), `${m} rows of ${depth}`);
      }
    });
  }
});
