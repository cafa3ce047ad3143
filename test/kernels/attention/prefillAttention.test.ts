import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { prefillAttention } from '../../../src/kernels/attention/prefillAttention.js';
import { attentionMistakes, f32Rounding, noMistake, pairedRounding } from '../support/attentionReference.js';
import {
  type CachedAttentionCase,
  CachedAttentionRun,
  type CachedRow,
} from '../support/cachedAttentionRun.js';
import { asOperand, type KernelRun, type KernelTarget } from '../support/kernelHarness.js';
import { slowPairTargets, tileTargets } from '../support/kernelTargets.js';

type Heads = Pick<CachedAttentionCase, 'heads' | 'kvHeads' | 'headDim'>;

/** Both published models, the demo, and a group of three with an unusual head size. */
const published = { heads: 16, kvHeads: 8, headDim: 128 };
const demo = { heads: 4, kvHeads: 2, headDim: 32 };
const unusual = { heads: 3, kvHeads: 1, headDim: 96 };

/** `rows` rows of the middle one of three sequences, from position `first` on. */
function prefill(dtype: 'f32' | 'bf16', heads: Heads, rows: number, first: number): CachedAttentionCase {
  return {
    dtype,
    ...heads,
    capacity: 4 * Math.ceil((first + rows + 1) / 4),
    sequences: 3,
    rounding: dtype === 'bf16' ? pairedRounding : f32Rounding,
    rows: Array.from({ length: rows }, (_, i) => ({ sequence: 1, position: first + i })),
  };
}

function attend(run: CachedAttentionRun, target: KernelTarget, order: KernelRun = {}): void {
  run.run(target, prefillAttention(run.spec), order);
}

const shapes: readonly [heads: Heads, rows: number, first: number][] = [
  ...[1, 5, 31, 32, 33, 103, 150].map((rows): [Heads, number, number] => [demo, rows, 0]),
  ...[1, 5, 96, 125, 126, 127, 250].map((first): [Heads, number, number] => [demo, 40, first]),
  [unusual, 130, 3],
  [published, 157, 0],
  [published, 9, 300],
];
const smallShapes: readonly [heads: Heads, rows: number, first: number][] = [
  [demo, 34, 0],
  [{ heads: 1, kvHeads: 1, headDim: 32 }, 35, 110],
];

describe('prefillAttention', async () => {
  for (const target of [...(await tileTargets()), ...(await slowPairTargets())]) {
    const dtypes = target.capabilities.pairDot ? (['f32', 'bf16'] as const) : (['f32'] as const);
    for (const dtype of dtypes) {
      test(`stays within its bound: ${dtype} on ${target.name}`, { skip: target.missing }, () => {
        for (const [heads, rows, first] of target.isSlow ? smallShapes : shapes) {
          const run = new CachedAttentionRun(prefill(dtype, heads, rows, first), rows + first);
          attend(run, target);
          const error = run.error(noMistake);
          const shape = `${JSON.stringify(heads)}, ${rows} rows from ${first} on`;
          assert.ok(error <= 1, `${shape}: ${error.toFixed(2)} times the bound`);
        }
      });

      test(`has a bound that tells mistakes: ${dtype} on ${target.name}`, { skip: target.missing }, () => {
        const run = new CachedAttentionRun(prefill(dtype, { heads: 2, kvHeads: 1, headDim: 64 }, 40, 90), 1);
        attend(run, target);
        const rows = [0, 13, 31, 38]; // the last has no later key to see
        for (const row of rows) {
          for (const mistake of attentionMistakes) {
            const error = run.error(mistake, [row]);
            assert.ok(error > 2, `${mistake.name}, row ${row}: ${error.toFixed(2)} times the bound`);
          }
        }
      });

      test(`stays inside the cache: ${dtype} on ${target.name}`, { skip: target.missing }, () => {
        const rows = 34;
        const wild: readonly [stated: CachedRow, nearest: CachedRow][] = [
          [
            { sequence: -1, position: -1 },
            { sequence: 0, position: 0 },
          ],
          [
            { sequence: 3, position: 2 ** 31 - 1 },
            { sequence: 2, position: 40 - rows },
          ],
          [
            { sequence: -(2 ** 31), position: 40 - rows + 1 },
            { sequence: 0, position: 40 - rows },
          ],
        ];
        for (const [stated, { sequence, position }] of wild) {
          const places = Array.from({ length: rows }, (_, i) => ({ sequence, position: position + i }));
          const size = { ...prefill(dtype, demo, rows, 0), capacity: 40, rows: places };
          const run = new CachedAttentionRun({ ...size, stated: [stated, ...places.slice(1)] }, 3);
          attend(run, target);
          const error = run.error(noMistake);
          assert.ok(error <= 1, `${JSON.stringify(stated)}: ${error.toFixed(2)} times the bound`);
        }
      });

      test(`does not hide NaN: ${dtype} on ${target.name}`, { skip: target.missing }, () => {
        const nan = asOperand(dtype, Float32Array.of(Number.NaN))[0]!;
        // Rows of one register tile share the products with the values, so only earlier tiles are untouched.
        const together = dtype === 'bf16' && target.capabilities.tiles ? 32 : 8;
        for (const at of [0, 3, 20, 36]) {
          for (const cache of ['keys', 'values'] as const) {
            const run = new CachedAttentionRun(prefill(dtype, demo, 40, 0), 2);
            run[cache][run.offset(1, 0, at) + 5] = nan;
            attend(run, target);
            for (let row = at; row < 40; row++)
              assert.ok(Number.isNaN(run.output(row, 0)[5]!), `${cache} ${at}, row ${row}`);
            for (let row = 0; row < at - (at % together); row++)
              assert.ok(!Number.isNaN(run.output(row, 0)[5]!), `${cache} ${at}, row ${row}`);
            assert.ok(!Number.isNaN(run.output(39, 3)[5]!), 'another head');
          }
        }
        const run = new CachedAttentionRun(prefill(dtype, demo, 40, 0), 2);
        run.q[13 * demo.heads * demo.headDim] = nan; // row 13, head 0
        attend(run, target);
        for (let row = 0; row < 40; row++) {
          assert.ok(
            run.output(row, 0).every((value) => Number.isNaN(value) === (row === 13)),
            `row ${row}`,
          );
          assert.ok(!run.output(row, 1).some(Number.isNaN), `row ${row}, another head`);
        }
      });
    }

    test(`gives the same bits in any order: ${target.name}`, { skip: target.missing }, () => {
      const size = prefill(dtypes.at(-1)!, demo, 70, 3);
      const forwards = new CachedAttentionRun(size, 5);
      const backwards = new CachedAttentionRun(size, 5);
      attend(forwards, target);
      attend(backwards, target, { order: 'backwards' });
      assert.deepEqual(backwards.y, forwards.y);
    });
  }
});
