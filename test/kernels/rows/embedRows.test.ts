import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AffineBlocks } from '../../../src/kernels/matrix/formats/affineBlocks.js';
import { MODEL_SHAPES } from '../../../src/kernels/registry/modelShapes.js';
import { embedRows } from '../../../src/kernels/rows/embedRows.js';
import { Random } from '../../support/random.js';
import { randomBlocks } from '../support/blockOperands.js';
import { runKernel, widen } from '../support/kernelHarness.js';
import { kernelTargets } from '../support/kernelTargets.js';
import { randomOperand } from '../support/randomOperand.js';

describe('embedRows', async () => {
  for (const target of await kernelTargets()) {
    const lengths = target.isSlow ? [16, 48] : [16, 48, ...MODEL_SHAPES.map(({ decoder }) => decoder.hidden)];
    for (const tableDtype of ['f32', 'bf16'] as const) {
      test(`copies rows exactly: ${tableDtype} on ${target.name}`, { skip: target.missing }, () => {
        for (const length of lengths) {
          const rows = 50;
          const ids = Int32Array.of(0, rows - 1, 7, 7, 31);
          const table = randomOperand(tableDtype, rows * length, length);
          const y = new Float32Array(ids.length * length);
          runKernel(
            target,
            embedRows({ length, tableDtype }),
            { ids, table, y, lastId: rows - 1 },
            { order: [4, 0, 2, 1, 3] },
          );
          const expected = widen(table);
          ids.forEach((id, i) => {
            const row = y.subarray(i * length, (i + 1) * length);
            assert.deepEqual(row, expected.subarray(id * length, (id + 1) * length), `row ${i} of ${length}`);
          });
        }
      });
    }

    test(`rows of blocks are scale·q + bias, each rounded once: on ${target.name}`, {
      skip: target.missing,
    }, () => {
      for (const blocks of [
        new AffineBlocks(8, 64),
        new AffineBlocks(4, 32, 'f16'),
        new AffineBlocks(4, 128, 'f32'),
        new AffineBlocks(8, 32, 'bf16', 'withSums'),
      ]) {
        const [rows, length] = [45, 2 * blocks.groupSize];
        const ids = Int32Array.of(0, rows - 1, 7, 31, -1, rows);
        const table = randomBlocks(new Random(blocks.bits), blocks, rows, length);
        const y = new Float32Array(ids.length * length);
        runKernel(target, embedRows({ length, tableDtype: blocks }), {
          ids,
          table: table.bytes,
          y,
          lastId: rows - 1,
        });
        ids.forEach((id, i) => {
          const { q, scales, biases } = table.column(Math.max(0, Math.min(id, rows - 1)));
          const expected = Float32Array.from(q, (value, k) => {
            const group = Math.floor(k / blocks.groupSize);
            return Math.fround(scales[group]! * value) + biases[group]!;
          });
          assert.deepEqual(y.subarray(i * length, (i + 1) * length), expected, `id ${id} of ${blocks.name}`);
        });
      }
    });

    test(`an id outside the table counts as its nearest, on ${target.name}`, { skip: target.missing }, () => {
      const [rows, length] = [5, 32];
      const ids = Int32Array.of(-1, rows, 1_000_000, 2 ** 31 - 1, -(2 ** 31), 3);
      const nearest = [0, rows - 1, rows - 1, rows - 1, 0, 3];
      for (const tableDtype of ['f32', 'bf16'] as const) {
        const table = randomOperand(tableDtype, rows * length, 3);
        const y = new Float32Array(ids.length * length);
        runKernel(target, embedRows({ length, tableDtype }), { ids, table, y, lastId: rows - 1 });
        const expected = widen(table);
        nearest.forEach((id, i) => {
          const row = y.subarray(i * length, (i + 1) * length);
          assert.deepEqual(row, expected.subarray(id * length, (id + 1) * length), `id ${ids[i]}`);
        });
      }
    });

    if (target.isSlow) continue; // the interpreter knows no memory but its own
    test(`reaches the last row of the largest table, on ${target.name}`, { skip: target.missing }, () => {
      // Only the last row is in memory; the table's address is that of the whole.
      const [vocabulary, length] = [151936, 2048];
      const row = randomOperand('bf16', length, 1);
      const y = new Float32Array(length);
      runKernel(target, embedRows({ length, tableDtype: 'bf16' }), {
        ids: Int32Array.of(vocabulary - 1),
        table: { array: row, offsetBytes: -(vocabulary - 1) * length * 2 },
        y,
        lastId: vocabulary - 1,
      });
      assert.deepEqual(y, widen(row));
    });
  }
});
