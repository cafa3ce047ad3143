import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { matvec, maxStreamRows, rowGroups } from '../../../src/kernels/matrix/matvec.js';
import { streamColumns } from '../../../src/kernels/matrix/tileShapes.js';
import { decoderLinears, encoderLinears, MODEL_SHAPES } from '../../../src/kernels/registry/modelShapes.js';
import { Random } from '../../support/random.js';
import type { KernelRun, KernelTarget } from '../support/kernelHarness.js';
import { kernelTargets } from '../support/kernelTargets.js';
import { linearCase, operandTypes, randomProduct } from '../support/productCases.js';
import { ProductRun } from '../support/productRun.js';

function checkMatvec(
  target: KernelTarget,
  run: ProductRun,
  columnsPerTile: number,
  order: KernelRun = {},
): void {
  const { aDtype, bDtype, m, n, depth } = run.what;
  const { aStrideBytes, bStrideBytes, epilogue } = run;
  const kernel = matvec({
    aDtype,
    bDtype,
    rows: m,
    n,
    depth,
    aStrideBytes,
    bStrideBytes,
    columnsPerTile,
    epilogue,
  });
  run.check(target, (operands) => kernel.call(operands), order);
}

test('rows are shared out in order, in groups that differ by one row at most', () => {
  for (const [vecRegisters, most] of [
    [16, 3], // 3 rows: 12 sums, 3 accumulators and one of B
    [32, 6], // 6 rows: 24 sums, 6 accumulators and one of B
  ] as const) {
    for (let rows = 1; rows <= 2 * most; rows++) {
      const groups = rowGroups(rows, vecRegisters);
      const sizes = groups.map((group) => group.rows);
      assert.deepEqual(
        groups.map(({ firstRow }) => firstRow),
        sizes.map((_, i) => sizes.slice(0, i).reduce((sum, size) => sum + size, 0)),
      );
      assert.equal(
        sizes.reduce((sum, size) => sum + size, 0),
        rows,
      );
      assert.ok(Math.max(...sizes) - Math.min(...sizes) <= 1 && Math.max(...sizes) <= most, String(sizes));
      assert.equal(sizes.length, rows <= most ? 1 : 2);
    }
  }
});

describe('matvec', async () => {
  for (const target of await kernelTargets()) {
    const mostRows = maxStreamRows(target.capabilities);
    for (const types of operandTypes(target)) {
      const where = `${types.join(' · ')} on ${target.name}`;
      if (!target.isSlow && types[1] === 'bf16') {
        for (const model of MODEL_SHAPES) {
          test(`every product of ${model.name} is within its bound: ${where}`, {
            skip: target.missing,
          }, () => {
            [...decoderLinears(model), ...encoderLinears(model)].forEach((shape, i) => {
              const rows = 1 + (i % mostRows);
              const run = new ProductRun(linearCase(shape, types, rows), new Random(shape.n + shape.depth));
              const weights = shape.activation === 'swiglu' ? 2 : 1;
              checkMatvec(target, run, streamColumns(shape.n, weights * run.bStrideBytes, 1 + (i % 8)));
            });
          });
        }
      }
      test(`every number of rows in several streams: ${where}`, { skip: target.missing }, () => {
        const random = new Random(58);
        const { capabilities } = target;
        for (let i = 0; i < (target.isSlow ? mostRows : 40); i++) {
          const streams = [8, 4, 2][Math.floor(i / mostRows) % 3]!;
          const tuning = { ...capabilities.tuning, streams, unroll: [1, 2, 4][i % 3]! };
          const tuned = { ...target, capabilities: { ...capabilities, tuning } };
          const { what, columnsPerTile } = randomProduct(
            random,
            types,
            1 + (i % mostRows),
            target.isSlow ? 2 : 16,
          );
          checkMatvec(tuned, new ProductRun(what, random), columnsPerTile);
        }
      });
      test(`every number of rows, random shapes and epilogues: ${where}`, { skip: target.missing }, () => {
        const random = new Random(57);
        for (let i = 0; i < (target.isSlow ? mostRows : 40); i++) {
          const rows = 1 + (i % mostRows);
          const { what, columnsPerTile } = randomProduct(random, types, rows, target.isSlow ? 2 : 16);
          checkMatvec(
            target,
            new ProductRun(what, random),
            columnsPerTile,
            i % 2 === 0 ? {} : { order: 'backwards' },
          );
        }
      });
    }
  }
});
