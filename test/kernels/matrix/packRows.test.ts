import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { widenBf16, widenF16 } from '../../../src/jit/numberFormats.js';
import { blocksFor } from '../../../src/kernels/matrix/formats/affineBlocks.js';
import { packRows } from '../../../src/kernels/matrix/packRows.js';
import { quantizeRows } from '../../../src/ops/affineGroups.js';
import { Random } from '../../support/random.js';
import { bitsOf, columnByDefinition, expectedSums } from '../support/blockOperands.js';
import { asOperand, runKernel, widen } from '../support/kernelHarness.js';
import { integerTargets } from '../support/kernelTargets.js';

/** f16 numbers of either sign below 1. */
function halves(random: Random, length: number): Uint16Array {
  return Uint16Array.from({ length }, () => (random.integer(0, 1) << 15) | random.integer(0x2000, 0x3bff));
}

describe('packing of rows', async () => {
  for (const target of await integerTargets()) {
    test(`rows become what quantizeRows makes of them, bit for bit, on ${target.name}`, {
      skip: target.missing,
    }, () => {
      const random = new Random(3);
      for (const bits of [8, 4] as const) {
        for (const [groupSize, dtype] of [
          [32, 'bf16'],
          [64, 'f32'],
          [128, 'bf16'],
          [64, 'f16'],
          [96, 'f32'],
          [160, 'bf16'],
          [160, 'f32'],
        ] as const) {
          const blocks = blocksFor(target.capabilities, bits, groupSize);
          const [n, depth] = [target.isSlow ? 18 : 45, 2 * groupSize];
          const values = random.floats(n * depth, 0.3);
          values.fill(0.25, 0, groupSize); // equal ones
          values.fill(0, groupSize, 2 * groupSize);
          for (let i = depth; i < 3 * depth; i++) values[i]! += 0.5; // on one side of zero
          const x = dtype === 'f16' ? halves(random, n * depth) : asOperand(dtype, values);
          const y = new Uint8Array(blocks.byteLength(n, depth));
          runKernel(target, packRows({ depth, dtype, blocks }), { x, y, n }, { order: 'backwards' });
          const wide = dtype === 'f16' ? widenF16(x as Uint16Array) : widen(x);
          const expected = quantizeRows(wide, { bits, groupSize });
          const q = bitsOf(expected.packed, bits);
          for (let column = 0; column < n; column++) {
            const found = columnByDefinition(blocks, y, depth, column);
            const where = `${blocks.name}, row ${column} on ${target.name}`;
            assert.deepEqual([...found.q], q.slice(column * depth, (column + 1) * depth), where);
            assert.deepEqual(found.sums, expectedSums(blocks, found.q), where);
            assert.deepEqual(
              found.scales,
              widenBf16(expected.scales.slice(2 * column, 2 * column + 2)),
              where,
            );
            assert.deepEqual(
              found.biases,
              widenBf16(expected.biases.slice(2 * column, 2 * column + 2)),
              where,
            );
          }
        }
      }
    });
  }
});
