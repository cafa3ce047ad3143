import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { wasmCapabilities } from '../../../src/jit/wasm/webAssembly.js';
import { x64Capabilities } from '../../../src/jit/x64/features.js';
import { LEAST_TILE_ROWS, usesAffineTiles } from '../../../src/kernels/matrix/affineTiles.js';
import { AffineBlocks, blocksFor } from '../../../src/kernels/matrix/formats/affineBlocks.js';
import { matmul } from '../../../src/kernels/matrix/matmul.js';
import { affineTile } from '../../../src/kernels/matrix/tileShapes.js';
import { decoderLinears, encoderLinears, MODEL_SHAPES } from '../../../src/kernels/registry/modelShapes.js';
import { Random } from '../../support/random.js';
import type { KernelRun, KernelTarget } from '../support/kernelHarness.js';
import { tileTargets } from '../support/kernelTargets.js';
import { linearCase, randomProduct } from '../support/productCases.js';
import { type ProductCase, ProductRun } from '../support/productRun.js';

const TYPES = ['bf16', 'bf16'] as const;

const FORMATS = [
  new AffineBlocks(8, 64, 'bf16'),
  new AffineBlocks(4, 64, 'bf16'),
  new AffineBlocks(8, 32, 'f16'),
  new AffineBlocks(4, 32, 'f32'),
  new AffineBlocks(8, 128, 'f32'),
  new AffineBlocks(4, 128, 'bf16'),
];

function check(
  target: KernelTarget,
  run: ProductRun,
  tile: { readonly rowsPerTile: number; readonly columnsPerTile: number },
  order: KernelRun = {},
): void {
  const { blocks, m, n, depth } = run.what;
  const kernel = matmul({
    aDtype: 'bf16',
    bDtype: blocks!,
    n,
    segments: 1,
    segmentDepth: depth,
    aSegmentStrideBytes: 0,
    aStrideBytes: run.aStrideBytes,
    bStrideBytes: run.bStrideBytes,
    indirect: false,
    panels: false,
    columnsPerTile: tile.columnsPerTile,
    epilogue: run.epilogue,
  });
  const { rowsPerTile } = tile;
  run.check(
    target,
    (operands) => kernel.call({ ...operands, table: null, m, rowsPerTile, tilesAtOnce: 2 }),
    order,
  );
}

/** Any shape and epilogue that the kernel allows. */
function randomCase(random: Random, blocks: AffineBlocks, m: number, largest: number): ProductCase {
  const { what } = randomProduct(random, TYPES, m, largest);
  const n = 32 * random.integer(1, largest);
  const depth = blocks.groupSize * random.integer(1, largest);
  return { ...what, blocks, n, depth };
}

describe('products of tiles with packed weights', async () => {
  for (const target of (await tileTargets()).filter(({ capabilities }) => capabilities.tiles)) {
    for (const blocks of FORMATS) {
      const where = `${blocks.name} on ${target.name}`;
      test(`random shapes and epilogues are within the bound: ${where}`, { skip: target.missing }, () => {
        const random = new Random(19);
        for (let i = 0; i < (target.isSlow ? 3 : 40); i++) {
          const m = random.integer(LEAST_TILE_ROWS, target.isSlow ? 50 : 140);
          const run = new ProductRun(randomCase(random, blocks, m, target.isSlow ? 2 : 6), random);
          const tile = { rowsPerTile: 32 * random.integer(1, 3), columnsPerTile: 32 };
          check(target, run, tile, i % 2 === 0 ? {} : { order: 'backwards' });
        }
      });
    }
    if (target.isSlow) continue;
    for (const model of MODEL_SHAPES) {
      for (const bits of [8, 4] as const) {
        test(`every product of ${model.name} with ${bits} bits: on ${target.name}`, {
          skip: target.missing,
        }, () => {
          const blocks = blocksFor(target.capabilities, bits, 64);
          [...encoderLinears(model), ...decoderLinears(model)].forEach((shape, i) => {
            const m = 17 + 14 * (i % 3);
            const weights = shape.activation === 'swiglu' ? 2 : 1;
            const sizes = { m, n: shape.n, depth: shape.depth, weights };
            if (!usesAffineTiles(target.capabilities, 'bf16', blocks, sizes)) return;
            const run = new ProductRun({ ...linearCase(shape, TYPES, m), blocks }, new Random(i));
            check(target, run, affineTile(m, shape.n, 2));
          });
        });
      }
    }
  }
});

test('every product of the models with packed weights is one of tiles, where there are tiles', () => {
  const amx = x64Capabilities('amx');
  const blocks = blocksFor(amx, 8, 64);
  for (const model of MODEL_SHAPES) {
    for (const { n, depth, activation } of [...encoderLinears(model), ...decoderLinears(model)]) {
      const sizes = { m: 157, n, depth, weights: activation === 'swiglu' ? 2 : 1 };
      assert.equal(usesAffineTiles(amx, 'bf16', blocks, sizes), n % 32 === 0);
    }
  }
});

test('other rows, weights and sizes are not multiplied by tiles', () => {
  const amx = x64Capabilities('amx');
  const blocks = blocksFor(amx, 8, 64);
  const sizes = { m: 16, n: 64, depth: 64, weights: 1 };
  assert.ok(usesAffineTiles(amx, 'bf16', blocks, sizes));
  assert.ok(!usesAffineTiles(amx, 'bf16', blocks, { ...sizes, m: 15 }), 'fewer rows than a tile has');
  assert.ok(!usesAffineTiles(amx, 'bf16', blocks, { ...sizes, n: 48 }), 'an odd number of blocks');
  assert.ok(!usesAffineTiles(amx, 'bf16', blocks, { ...sizes, depth: 16384 }), 'panels that do not fit');
  assert.ok(!usesAffineTiles(amx, 'f32', blocks, sizes) && !usesAffineTiles(amx, 'bf16', 'bf16', sizes));
  assert.ok(!usesAffineTiles(x64Capabilities('avx512bf16'), 'bf16', blocks, sizes));
  const centred = blocksFor(wasmCapabilities(true), 8, 64);
  assert.ok(!usesAffineTiles(amx, 'bf16', centred, sizes), 'values as q − 128');
});
