import { describe, test } from 'node:test';
import { matmul } from '../../../src/kernels/matrix/matmul.js';
import { matmulTile } from '../../../src/kernels/matrix/tileShapes.js';
import { decoderLinears, encoderLinears, MODEL_SHAPES } from '../../../src/kernels/registry/modelShapes.js';
import { Random } from '../../support/random.js';
import type { KernelRun, KernelTarget } from '../support/kernelHarness.js';
import { kernelTargets } from '../support/kernelTargets.js';
import { linearCase, operandTypes, randomProduct } from '../support/productCases.js';
import { ProductRun } from '../support/productRun.js';

function checkMatmul(
  target: KernelTarget,
  run: ProductRun,
  tile: { readonly rowsPerTile: number; readonly columnsPerTile: number },
  order: KernelRun = {},
): void {
  const { aDtype, bDtype, m, n, depth } = run.what;
  const { rowsPerTile, columnsPerTile } = tile;
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
    epilogue: run.epilogue,
  });
  run.check(target, (operands) => kernel.call({ ...operands, table: null, m, rowsPerTile }), order);
}

describe('matmul', async () => {
  for (const target of await kernelTargets()) {
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
              checkMatmul(target, run, matmulTile(7, shape.n, weights, 2));
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
