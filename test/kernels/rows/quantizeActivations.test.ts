import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { QuantizedRows } from '../../../src/kernels/matrix/formats/affineBlocks.js';
import { quantizeActivations } from '../../../src/kernels/rows/quantizeActivations.js';
import { Random } from '../../support/random.js';
import { asOperand, type KernelTarget, runKernel, widen } from '../support/kernelHarness.js';
import { integerTargets } from '../support/kernelTargets.js';

interface Group {
  readonly q: readonly number[];
  readonly scale: number;
  readonly sum: number;
  /** With 7 bits: what was added to q, and 128·Σ of what is stored. */
  readonly zero: number;
  readonly weighted: number;
}

function quantized(
  target: KernelTarget,
  x: Float32Array | Uint16Array,
  rows: QuantizedRows,
  depth: number,
): Group[] {
  const m = x.length / depth;
  const y = new Uint8Array(m * rows.rowBytes(depth));
  const xDtype = x instanceof Float32Array ? 'f32' : 'bf16';
  runKernel(target, quantizeActivations({ depth, xDtype, rows, rowsPerTile: 2 }), { x, y, m });
  const view = new DataView(y.buffer);
  return Array.from({ length: x.length / rows.groupSize }, (_, group) => {
    const start = group * rows.groupBytes;
    const behind = start + rows.valueBytes;
    const [weighted, zero] =
      rows.bits === 7 ? [view.getInt32(behind + 8, true), -view.getFloat32(behind + 12, true)] : [0, 0];
    const q = Array.from({ length: rows.groupSize }, (_, i) =>
      rows.bits === 16 ? view.getInt16(start + 2 * i, true) : view.getInt8(start + i) - zero,
    );
    const [scale, sum] = [view.getFloat32(behind, true), view.getFloat32(behind + 4, true)];
    return { q, scale, sum, zero, weighted };
  });
}

describe('quantizeActivations', async () => {
  for (const target of await integerTargets()) {
    for (const bits of [7, 8, 16] as const) {
      const where = `${bits} bits on ${target.name}`;
      test(`every value is within half a step: ${where}`, { skip: target.missing }, () => {
        const random = new Random(bits);
        for (const groupSize of [32, 64, 96, 128, 160]) {
          const rows = new QuantizedRows(bits, groupSize);
          const depth = groupSize * random.integer(1, 3);
          const values = random.floats(3 * depth, 2);
          for (let i = 0; i < values.length; i += 50) values[i]! *= 1000; // outliers
          values.fill(0, 0, groupSize);
          const x = asOperand(target.capabilities.pairDot && groupSize === 64 ? 'bf16' : 'f32', values);
          const exact = widen(x);
          quantized(target, x, rows, depth).forEach(({ q, scale, sum, zero, weighted }, group) => {
            const part = exact.subarray(group * groupSize, (group + 1) * groupSize);
            const [low, high] = [Math.min(0, ...part), Math.max(0, ...part)];
            const range = bits === 7 ? high - low : Math.max(-low, high);
            if (range > 0) {
              const expected = range / rows.most;
              assert.ok(Math.abs(scale - expected) <= 2 ** -22 * expected, `${where}: scale ${scale}`);
              if (bits > 7) assert.equal(Math.max(...q.map(Math.abs)), rows.most);
            }
            if (bits === 7) {
              const stored = q.map((value) => value + zero);
              assert.ok(stored.every((value) => value >= 0 && value <= 127 && Number.isInteger(value)));
              assert.equal(weighted, 128 * stored.reduce((a, b) => a + b, 0));
            }
            q.forEach((value, i) => {
              const error = Math.abs(part[i]! - scale * value);
              assert.ok(error <= scale * (0.5 + rows.most * 2 ** -22), `${where}: ${part[i]} as ${value}`);
            });
            const total = q.reduce((a, b) => a + b, 0) * scale;
            assert.ok(Math.abs(sum - total) <= 2 ** -23 * Math.abs(total), `${where}: sum ${sum}`);
          });
        }
      });

      test(`a value that is not finite makes its group's scale NaN: ${where}`, {
        skip: target.missing,
      }, () => {
        const rows = new QuantizedRows(bits, 32);
        for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
          const x = new Random(1).floats(96);
          x[45] = value;
          const scales = quantized(target, x, rows, 96).map(({ scale }) => scale);
          assert.deepEqual(scales.map(Number.isNaN), [false, true, false], `${where}: ${value}`);
        }
      });
    }
  }
});
