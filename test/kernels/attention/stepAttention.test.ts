import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { stepAttention } from '../../../src/kernels/attention/stepAttention.js';
import { attentionMistakes, bf16Rounding, f32Rounding, noMistake } from '../support/attentionReference.js';
import { type CachedAttentionCase, CachedAttentionRun } from '../support/cachedAttentionRun.js';
import { asOperand, type KernelRun, type KernelTarget } from '../support/kernelHarness.js';
import { kernelTargets } from '../support/kernelTargets.js';

type Heads = Pick<CachedAttentionCase, 'heads' | 'kvHeads' | 'headDim'>;

const published = { heads: 16, kvHeads: 8, headDim: 128 };
const demo = { heads: 4, kvHeads: 2, headDim: 32 };
/** Larger groups than a register tile, and no groups. */
const grouped = { heads: 14, kvHeads: 2, headDim: 64 };
const ungrouped = { heads: 3, kvHeads: 3, headDim: 96 };

/** One row per position; row r belongs to the r-th sequence from the end. */
function step(dtype: 'f32' | 'bf16', heads: Heads, positions: readonly number[]): CachedAttentionCase {
  const sequences = positions.length;
  return {
    dtype,
    ...heads,
    capacity: 4 * Math.ceil((Math.max(...positions) + 2) / 4),
    sequences,
    rounding: dtype === 'bf16' ? bf16Rounding : f32Rounding,
    rows: positions.map((position, row) => ({ sequence: sequences - 1 - row, position })),
  };
}

function attend(run: CachedAttentionRun, target: KernelTarget, order: KernelRun = {}): void {
  run.run(target, stepAttention(run.spec), order);
}

const shapes: readonly [heads: Heads, positions: readonly number[]][] = [
  [demo, [0, 1, 2, 3, 4, 15, 16, 17, 254, 255, 256, 257, 511, 700]],
  [published, [199]],
  [published, [0, 40, 300]],
  [grouped, [33, 260]],
  [ungrouped, [7, 258]],
];
const smallShapes: readonly [heads: Heads, positions: readonly number[]][] = [
  [demo, [0, 5, 18]],
  [demo, [260]],
];

describe('stepAttention', async () => {
  for (const target of await kernelTargets()) {
    const dtypes = target.capabilities.pairDot ? (['f32', 'bf16'] as const) : (['f32'] as const);
    for (const dtype of dtypes) {
      test(`stays within its bound: ${dtype} on ${target.name}`, { skip: target.missing }, () => {
        for (const [heads, positions] of target.isSlow ? smallShapes : shapes) {
          const run = new CachedAttentionRun(step(dtype, heads, positions), positions.length);
          attend(run, target);
          for (const [row, position] of positions.entries()) {
            const error = run.error(noMistake, [row]);
            const shape = `${JSON.stringify(heads)}, position ${position}`;
            assert.ok(error <= 1, `${shape}: ${error.toFixed(2)} times the bound`);
          }
        }
      });

      test(`attends to 16 000 keys: ${dtype} on ${target.name}`, {
        skip: target.missing || slow(target),
      }, () => {
        const run = new CachedAttentionRun(step(dtype, { ...demo, headDim: 64 }, [15_999]), 6);
        attend(run, target);
        const error = run.error(noMistake);
        assert.ok(error <= 1, `${error.toFixed(2)} times the bound`);
      });

      test(`has a bound that tells mistakes: ${dtype} on ${target.name}`, { skip: target.missing }, () => {
        const size = step(dtype, { heads: 2, kvHeads: 1, headDim: 64 }, [20, 100]);
        // One more filled key, so that a kernel that sees too many would see a number.
        const rows = size.rows.map(({ sequence, position }) => ({ sequence, position: position + 1 }));
        const filled = new CachedAttentionRun({ ...size, rows }, 1);
        const run = new CachedAttentionRun(size, 1);
        run.keys.set(filled.keys);
        run.values.set(filled.values);
        attend(run, target);
        assert.ok(run.error(noMistake) <= 1);
        for (const mistake of attentionMistakes) {
          for (const row of [0, 1]) {
            const error = run.error(mistake, [row]);
            assert.ok(error > 2, `${mistake.name}, row ${row}: ${error.toFixed(2)} times the bound`);
          }
        }
      });

      test(`stays inside the cache: ${dtype} on ${target.name}`, { skip: target.missing }, () => {
        const size = { ...step(dtype, demo, [0, 19]), capacity: 20 }; // of sequences 1 and 0
        const stated = [
          { sequence: 2 ** 31 - 1, position: -(2 ** 31) },
          { sequence: -1, position: 20 },
        ];
        const run = new CachedAttentionRun({ ...size, stated }, 3);
        attend(run, target);
        const error = run.error(noMistake);
        assert.ok(error <= 1, `${error.toFixed(2)} times the bound`);
      });

      test(`does not hide NaN: ${dtype} on ${target.name}`, { skip: target.missing }, () => {
        const nan = asOperand(dtype, Float32Array.of(Number.NaN))[0]!;
        for (const at of [0, 3, 19]) {
          for (const cache of ['keys', 'values'] as const) {
            const run = new CachedAttentionRun(step(dtype, demo, [19, 22]), 2);
            run[cache][run.offset(1, 0, at) + 5] = nan; // sequence 1 is that of row 0
            attend(run, target);
            assert.ok(Number.isNaN(run.output(0, 0)[5]!), `${cache} ${at}`);
            assert.ok(Number.isNaN(run.output(0, 1)[5]!), `${cache} ${at}, the head that shares them`);
            assert.ok(!Number.isNaN(run.output(0, 2)[5]!), 'another head');
            assert.ok(!Number.isNaN(run.output(1, 0)[5]!), 'another sequence');
          }
        }
        const run = new CachedAttentionRun(step(dtype, demo, [19, 22]), 2);
        run.q[demo.headDim] = nan; // row 0, head 1
        attend(run, target);
        assert.ok(run.output(0, 1).every(Number.isNaN));
        assert.ok(!run.output(0, 0).some(Number.isNaN), 'the head that shares its keys');
        assert.ok(!run.output(1, 1).some(Number.isNaN), 'another row');
      });
    }

    test(`gives the same bits in any order: ${target.name}`, { skip: target.missing }, () => {
      const size = step(dtypes.at(-1)!, demo, [70, 3]);
      const forwards = new CachedAttentionRun(size, 5);
      const backwards = new CachedAttentionRun(size, 5);
      attend(forwards, target);
      attend(backwards, target, { order: 'backwards' });
      assert.deepEqual(backwards.y, forwards.y);
    });
  }
});

function slow(target: KernelTarget): string | false {
  return target.isSlow && `${target.name} is too slow for it`;
}
