import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { x64Capabilities } from '../../../src/jit/x64/features.js';
import { matmul } from '../../../src/kernels/matrix/matmul.js';
import { usesPanels } from '../../../src/kernels/matrix/panelProduct.js';
import { usesTiles } from '../../../src/kernels/matrix/tileProduct.js';
import {
  MOST_TILE_ROWS,
  matmulTile,
  tileProductTile,
  widenedTile,
} from '../../../src/kernels/matrix/tileShapes.js';
import { decoderLinears, encoderLinears, MODEL_SHAPES } from '../../../src/kernels/registry/modelShapes.js';
import { Random } from '../../support/random.js';
import type { KernelRun, KernelTarget } from '../support/kernelHarness.js';
import { kernelTargets, tileTargets } from '../support/kernelTargets.js';
import { linearCase, operandTypes, randomProduct } from '../support/productCases.js';
import { ProductRun } from '../support/productRun.js';

function checkMatmul(
  target: KernelTarget,
  run: ProductRun,
  tile: {
    readonly rowsPerTile: number;
    readonly columnsPerTile: number;
    readonly panels?: boolean;
    readonly tiles?: 'rows';
  },
  order: KernelRun = {},
): void {
  const { aDtype, bDtype, m, n, depth } = run.what;
  const { rowsPerTile, columnsPerTile, panels = false, tiles } = tile;
  const kernel = matmul({
    aDtype,
    bDtype,
    n,
    segments: 1,
    segmentDepth: depth,
    aSegmentStrideBytes: 0,
    aStrideBytes: run.aStrideBytes,
    bStrideBytes: run.bStrideBytes,
    indirect: false,
    columnsPerTile,
    panels,
    ...(tiles && { tiles }),
    epilogue: run.epilogue,
  });
  run.check(
    target,
    (operands) => kernel.call({ ...operands, table: null, m, rowsPerTile, tilesAtOnce: 2 }),
    order,
    tiles === 'rows',
  );
}

describe('matmul', async () => {
  for (const target of await tileTargets()) {
    for (const types of operandTypes(target)) {
      const where = `${types.join(' · ')} on ${target.name}`;
      if (!target.isSlow && types[1] === 'bf16') {
        for (const model of MODEL_SHAPES) {
          test(`every product of ${model.name} is within its bound: ${where}`, {
            skip: target.missing,
          }, () => {
            for (const shape of [...encoderLinears(model), ...decoderLinears(model)]) {
              const run = new ProductRun(linearCase(shape, types, 7), new Random(shape.n + shape.depth));
              const weights = shape.activation === 'swiglu' ? 2 : 1;
              const tile = matmulTile(7, shape.n, weights, 2);
              checkMatmul(target, run, tile);
              checkMatmul(target, run, { ...tile, panels: true });
              if (usesTiles(target.capabilities, ...types)) {
                checkMatmul(target, run, {
                  ...tileProductTile(7, shape.n, run.bStrideBytes, 2),
                  tiles: 'rows',
                });
              }
              if (weights === 2)
                checkMatmul(target, run, { ...widenedTile(7, shape.n, weights, 2), panels: true });
            }
          });
        }
      }
      test(`rows that tuning cuts into pieces are within their bound: ${where}`, {
        skip: target.missing,
      }, () => {
        const random = new Random(32);
        const { capabilities } = target;
        for (const [kSegmentBytes, tileRows] of [
          [64, 1],
          [192, 2],
          [512, 3],
        ] as const) {
          const tuning = { ...capabilities.tuning, kSegmentBytes, tileRows };
          const tuned = { ...target, capabilities: { ...capabilities, tuning } };
          const { what, columnsPerTile } = randomProduct(random, types, 5, target.isSlow ? 2 : 12);
          checkMatmul(tuned, new ProductRun(what, random), { rowsPerTile: 12, columnsPerTile });
        }
      });
      if (types[1] === 'bf16') {
        test(`weights that are widened once a tile are within their bound: ${where}`, {
          skip: target.missing,
        }, () => {
          const random = new Random(33);
          const { capabilities } = target;
          for (let i = 0; i < (target.isSlow ? 3 : 40); i++) {
            const { what, columnsPerTile } = randomProduct(
              random,
              types,
              random.integer(1, target.isSlow ? 8 : 60),
              target.isSlow ? 2 : 12,
            );
            // Pieces of K as the second cache asks for, as the first one does, and whole rows.
            const tuning = {
              ...capabilities.tuning,
              ...[{ l2Bytes: 2048 * columnsPerTile }, { kSegmentBytes: 512 }, { kSegmentBytes: 0 }][i % 3],
              pairsAsF32: (i >> 1) % 2, // pairs of bf16 are widened, or transposed
            };
            const tuned = { ...target, capabilities: { ...capabilities, tuning } };
            const tile = { rowsPerTile: 12 * random.integer(1, 2), columnsPerTile, panels: true };
            checkMatmul(tuned, new ProductRun(what, random), tile, i % 2 === 0 ? {} : { order: 'backwards' });
          }
        });
      }
      if (usesTiles(target.capabilities, ...types)) {
        test(`products of tiles are within their bound: ${where}`, { skip: target.missing }, () => {
          const random = new Random(34);
          for (let i = 0; i < (target.isSlow ? 6 : 60); i++) {
            const m = random.integer(1, target.isSlow ? 50 : 140);
            const { what, columnsPerTile } = randomProduct(random, types, m, target.isSlow ? 4 : 12);
            const tile = { rowsPerTile: 32 * random.integer(1, 3), columnsPerTile, tiles: 'rows' as const };
            checkMatmul(
              target,
              new ProductRun(what, random),
              tile,
              i % 2 === 0 ? {} : { order: 'backwards' },
            );
          }
        });
      }
      test(`random shapes and epilogues are within their bound: ${where}`, { skip: target.missing }, () => {
        const random = new Random(31);
        for (let i = 0; i < (target.isSlow ? 3 : 40); i++) {
          const m = random.integer(1, target.isSlow ? 8 : 60);
          const { what, columnsPerTile } = randomProduct(random, types, m, target.isSlow ? 2 : 12);
          const tile = { rowsPerTile: 12 * random.integer(1, 2), columnsPerTile };
          checkMatmul(target, new ProductRun(what, random), tile, i % 2 === 0 ? {} : { order: 'backwards' });
        }
      });
    }
  }
});

test('panels are for many rows of what tuning says, with weights in bf16', () => {
  const { tuning } = x64Capabilities('avx512bf16');
  const rows = 100;
  assert.equal(tuning.transposes, 1);
  const uses = (
    widenOnce: number,
    pairsAsF32: number,
    types: readonly [string, string],
    m = rows,
    transposes = 0,
  ) =>
    usesPanels({ pairMatrix: false, tuning: { ...tuning, widenOnce, pairsAsF32, transposes } }, ...types, m);
  assert.ok(uses(1, 0, ['f32', 'bf16']) && !uses(0, 1, ['f32', 'bf16']));
  assert.ok(uses(0, 1, ['bf16', 'bf16']) && !uses(1, 0, ['bf16', 'bf16']));
  assert.ok(uses(0, 0, ['bf16', 'bf16'], rows, 1) && !uses(0, 0, ['f32', 'bf16'], rows, 1));
  assert.ok(!uses(1, 1, ['f32', 'f32']), 'nothing to widen');
  assert.ok(!uses(1, 1, ['f32', 'bf16'], 1) && !uses(1, 1, ['bf16', 'bf16'], 12), 'written for nothing');
});

test('products of tiles are those of bf16, where there are tiles', () => {
  const amx = x64Capabilities('amx');
  assert.ok(usesTiles(amx, 'bf16', 'bf16'));
  assert.ok(!usesTiles(amx, 'f32', 'bf16') && !usesTiles(amx, 'bf16', 'f32'));
  assert.ok(!usesTiles(x64Capabilities('avx512bf16'), 'bf16', 'bf16'));
  for (const m of [17, 157, 769, 5000]) {
    for (const [depth, columns] of [
      [1024, 64],
      [2048, 32],
      [6144, 32],
    ] as const) {
      const { rowsPerTile, columnsPerTile } = tileProductTile(m, 3072, 2 * depth, 2);
      assert.ok(rowsPerTile % 32 === 0 && columnsPerTile === columns, `${m} rows: ${rowsPerTile} a tile`);
    }
  }
});

test('a tile has no more rows than the sums of panels have room for', () => {
  for (const m of [1, 157, 768, 769, 5000]) {
    const { rowsPerTile } = matmulTile(m, 16_384, 1, 1);
    assert.ok(rowsPerTile <= MOST_TILE_ROWS && rowsPerTile % 12 === 0, `${m} rows: ${rowsPerTile} a tile`);
  }
});

test('more rows than that are refused', async () => {
  const [target] = await kernelTargets();
  const { what } = randomProduct(new Random(1), ['f32', 'bf16'], 3, 2);
  const tile = { rowsPerTile: MOST_TILE_ROWS + 12, columnsPerTile: 16, panels: true };
  assert.throws(
    () => checkMatmul(target!, new ProductRun(what, new Random(1)), tile),
    /: expected at most 768 rows a tile, found 780$/,
  );
});
