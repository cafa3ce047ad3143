import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { widenBf16, widenF16 } from '../../../src/jit/numberFormats.js';
import { type AffineBlocks, blocksFor } from '../../../src/kernels/matrix/formats/affineBlocks.js';
import { packAffine } from '../../../src/kernels/matrix/packAffine.js';
import { packRows } from '../../../src/kernels/matrix/packRows.js';
import { quantizeRows } from '../../../src/ops/affineGroups.js';
import { Random } from '../../support/random.js';
import { columnByDefinition } from '../support/blockOperands.js';
import { asOperand, runKernel, widen } from '../support/kernelHarness.js';
import { integerTargets } from '../support/kernelTargets.js';

/** Values of a stream of bits, lowest first, written as one long text of digits. */
function bitsOf(packed: Uint8Array, bits: number): number[] {
  const text = [...packed].map((byte) => [...byte.toString(2).padStart(8, '0')].reverse().join('')).join('');
  return Array.from({ length: (8 * packed.length) / bits }, (_, i) =>
    Number.parseInt([...text.slice(bits * i, bits * (i + 1))].reverse().join(''), 2),
  );
}

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

/** f16 numbers of either sign below 1. */
function halves(random: Random, length: number): Uint16Array {
  return Uint16Array.from({ length }, () => (random.integer(0, 1) << 15) | random.integer(0x2000, 0x3bff));
}

/** What blocks with sums hold of each group. */
function expectedSums({ hasSums, groupSize }: AffineBlocks, q: Uint8Array): number[] | null {
  if (!hasSums) return null;
  return Array.from({ length: q.length / groupSize }, (_, group) =>
    q.subarray(group * groupSize, (group + 1) * groupSize).reduce((sum, value) => sum + value, 0),
  );
}

describe('packing of blocks', async () => {
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
