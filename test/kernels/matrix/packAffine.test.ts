import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { blocksFor } from '../../../src/kernels/matrix/formats/affineBlocks.js';
import { packAffine } from '../../../src/kernels/matrix/packAffine.js';
import { Random } from '../../support/random.js';
import { bitsOf, columnByDefinition, expectedSums } from '../support/blockOperands.js';
import { runKernel } from '../support/kernelHarness.js';
import { integerTargets } from '../support/kernelTargets.js';

/** Bits of a value as it is stored, and in the block. */
const WIDTHS = [
  [2, 4],
  [3, 4],
  [4, 4],
  [4, 8],
  [5, 8],
  [6, 8],
  [8, 8],
] as const;

describe('packing of streams of bits', async () => {
  for (const target of await integerTargets()) {
    test(`streams of bits of every width keep their values, on ${target.name}`, {
      skip: target.missing,
    }, () => {
      const random = new Random(4);
      for (const [bits, held] of WIDTHS) {
        const groupSize = [32, 64, 128][bits % 3]!;
        const type = (['bf16', 'f16', 'f32'] as const)[random.integer(0, 2)]!;
        const blocks = blocksFor(target.capabilities, held, groupSize, type);
        const [n, depth] = [target.isSlow ? 18 : 45, 2 * groupSize];
        const words = Uint8Array.from({ length: (n * depth * bits) / 8 }, () => random.integer(0, 255));
        const numbers = (): Float32Array | Uint16Array =>
          type === 'f32'
            ? random.floats(2 * n)
            : Uint16Array.from({ length: 2 * n }, () => 0x3c00 + random.integer(0, 255));
        const [scales, biases] = [numbers(), numbers()];
        const y = new Uint8Array(blocks.byteLength(n, depth));
        const damage = new Int32Array(1);
        const pack = (): void =>
          runKernel(target, packAffine({ depth, bits, blocks }), { words, scales, biases, y, damage, n });
        pack();
        assert.equal(damage[0], 0);
        const q = bitsOf(words, bits);
        const view = new DataView(y.buffer);
        for (let column = 0; column < n; column++) {
          const where = `${bits} bits in ${held}, row ${column} on ${target.name}`;
          const found = columnByDefinition(blocks, y, depth, column);
          assert.deepEqual([...found.q], q.slice(column * depth, (column + 1) * depth), where);
          assert.deepEqual(found.sums, expectedSums(blocks, found.q), where);
          for (const group of [0, 1]) {
            const start = (Math.floor(column / 16) * 2 + group) * blocks.groupBytes + blocks.valueBytes;
            const read = (place: number): number => {
              const at = start + (place + (column % 16)) * blocks.scaleBytes;
              return type === 'f32' ? view.getFloat32(at, true) : view.getUint16(at, true);
            };
            assert.equal(read(0), scales[2 * column + group], where);
            assert.equal(read(16), biases[2 * column + group], where);
          }
        }
        const [part, last] = [bits % 2 === 0 ? scales : biases, 2 * n - 1];
        part[last] = type === 'f32' ? Number.NEGATIVE_INFINITY : { bf16: 0x7f81, f16: 0x7c00 }[type]; // NaN, an infinity
        pack();
        assert.equal(damage[0], 1, `${bits} bits, ${type} on ${target.name}`);
      }
    });
  }
});
