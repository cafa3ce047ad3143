import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { arm64Capabilities, arm64Features } from '../../../src/jit/arm64/features.js';
import { lowerArm64 } from '../../../src/jit/arm64/lower.js';
import type { Capabilities, KernelCode } from '../../../src/jit/ir.js';
import { isaFeatures, x64Capabilities } from '../../../src/jit/x64/features.js';
import { lowerX64 } from '../../../src/jit/x64/lower.js';
import {
  type AffineBlocks,
  activationBits,
  blocksFor,
  QuantizedRows,
} from '../../../src/kernels/matrix/formats/affineBlocks.js';
import { matmul } from '../../../src/kernels/matrix/matmul.js';
import { matvec } from '../../../src/kernels/matrix/matvec.js';
import { blockTile, streamColumns } from '../../../src/kernels/matrix/tileShapes.js';
import { decoderLinears, encoderLinears, MODEL_SHAPES } from '../../../src/kernels/registry/modelShapes.js';
import { ARM64_CPUS } from '../../support/emulatedArm64.js';
import { Random } from '../../support/random.js';
import { type BlockCase, BlockRun } from '../support/blockRun.js';
import type { KernelRun, KernelTarget } from '../support/kernelHarness.js';
import { integerTargets } from '../support/kernelTargets.js';

/** Most rows of a step that one kernel serves. */
const STREAM_ROWS = 16;

function checkMatmul(
  target: KernelTarget,
  run: BlockRun,
  { rowsPerTile, columnsPerTile }: { readonly rowsPerTile: number; readonly columnsPerTile: number },
  order: KernelRun = {},
): void {
  const { m, depth } = run.what;
  const kernel = matmul({
    ...run.spec,
    segments: 1,
    segmentDepth: depth,
    aSegmentStrideBytes: 0,
    indirect: false,
    columnsPerTile,
    panels: false,
    epilogue: run.epilogue,
  });
  run.check(
    target,
    (operands) => kernel.call({ ...operands, table: null, m, rowsPerTile, tilesAtOnce: 2 }),
    order,
  );
}

function checkMatvec(
  target: KernelTarget,
  run: BlockRun,
  columnsPerTile: number,
  order: KernelRun = {},
): void {
  const { m: rows, depth } = run.what;
  const kernel = matvec({ ...run.spec, rows, depth, columnsPerTile, epilogue: run.epilogue });
  run.check(target, (operands) => kernel.call(operands), order);
}

/** Any shape and epilogue that the kernels allow, also where no tile divides the columns. */
function randomBlockCase(
  random: Random,
  blocks: AffineBlocks,
  m: number,
  largest: number,
  target: KernelTarget,
): { what: BlockCase; columnsPerTile: number } {
  const pick = <T>(choices: readonly T[]): T => choices[random.integer(0, choices.length - 1)]!;
  const n = random.integer(16, 16 * largest);
  const columnsPerTile = Math.min(16 * random.integer(1, 4), n - (n % 16));
  const yDtype = pick(target.capabilities.pairDot ? (['f32', 'bf16'] as const) : (['f32'] as const));
  const isSelf = yDtype === 'f32' && n % columnsPerTile === 0; // residuals are f32
  const what: BlockCase = {
    blocks,
    yDtype,
    m,
    n,
    depth: blocks.groupSize * random.integer(1, largest),
    bias: random.integer(0, 1) === 0,
    activation: pick(['none', 'gelu', 'swiglu']),
    residual: pick(isSelf ? ['none', 'self', 'other'] : ['none', 'other']),
    gap: 32 * random.integer(0, 2),
  };
  return { what, columnsPerTile };
}

const FORMATS = [
  [8, 64, 'bf16'],
  [4, 64, 'bf16'],
  [8, 32, 'f16'],
  [4, 32, 'f32'],
  [8, 128, 'bf16'],
  [4, 128, 'bf16'],
  [8, 160, 'bf16'],
] as const;

/** Machine code as it is made, which needs no machine to run on. */
const LOWERED: readonly (readonly [string, Capabilities, (code: KernelCode) => Uint8Array])[] = [
  ...Object.values(ARM64_CPUS).map(({ name }) => {
    const features = arm64Features(name)!;
    return [name, arm64Capabilities(features), (code: KernelCode) => lowerArm64(code, features)] as const;
  }),
  ...['avx2', 'avx512f', 'avx512bf16', 'avx2+avxvnni', 'avx512f+vnni'].map((name) => {
    const features = isaFeatures(name)!;
    return [name, x64Capabilities(features), (code: KernelCode) => lowerX64(code, features)] as const;
  }),
];

for (const [name, capabilities, lower] of LOWERED) {
  test(`every number of rows of a step has registers enough on ${name}`, () => {
    for (const [bits, groupSize, scales] of FORMATS) {
      const bDtype = blocksFor(capabilities, bits, groupSize, scales);
      const aDtype = new QuantizedRows(activationBits(capabilities, bits), groupSize);
      const [n, depth] = [256, 4 * groupSize];
      const strides = { aStrideBytes: aDtype.rowBytes(depth), bStrideBytes: bDtype.blockBytes(depth) };
      const epilogue = {
        bias: false,
        activation: 'none',
        residual: false,
        yDtype: 'f32',
        yStrideBytes: 4 * n,
        residualStrideBytes: 0,
      } as const;
      for (let rows = 1; rows <= STREAM_ROWS; rows++) {
        const spec = { aDtype, bDtype, rows, n, depth, ...strides, columnsPerTile: 128, epilogue };
        for (const streams of [1, 4, 8]) {
          const tuned = { ...capabilities, tuning: { ...capabilities.tuning, streams } };
          assert.ok(lower(matvec(spec).emit(tuned)).length > 0);
        }
      }
    }
  });
}

describe('products of blocks', async () => {
  for (const target of await integerTargets()) {
    for (const format of FORMATS) {
      const [formatBits, groupSize, scales] = format;
      const blocks = blocksFor(target.capabilities, formatBits, groupSize, scales);
      const where = `${blocks.name} on ${target.name}`;
      test(`many rows, random shapes and epilogues: ${where}`, { skip: target.missing }, () => {
        const random = new Random(31);
        for (let i = 0; i < (target.isSlow ? 2 : 5); i++) {
          const m = random.integer(1, target.isSlow ? 8 : 40);
          const made = randomBlockCase(random, blocks, m, target.isSlow ? 2 : 6, target);
          const tile = { rowsPerTile: 12 * random.integer(1, 2), columnsPerTile: made.columnsPerTile };
          checkMatmul(
            target,
            new BlockRun(made.what, target, random),
            tile,
            i % 2 === 0 ? {} : { order: 'backwards' },
          );
        }
      });
      test(`every number of rows, random shapes and epilogues: ${where}`, { skip: target.missing }, () => {
        const random = new Random(57);
        for (let rows = 1; rows <= STREAM_ROWS; rows += target.isSlow ? 7 : format === FORMATS[0] ? 1 : 4) {
          const { what, columnsPerTile } = randomBlockCase(
            random,
            blocks,
            rows,
            target.isSlow ? 2 : 6,
            target,
          );
          checkMatvec(
            target,
            new BlockRun(what, target, random),
            columnsPerTile,
            rows % 2 === 0 ? {} : { order: 'backwards' },
          );
        }
      });
      test(`every number of rows in several streams: ${where}`, { skip: target.missing }, () => {
        const random = new Random(58);
        for (let rows = 1; rows <= STREAM_ROWS; rows += target.isSlow ? 7 : format === FORMATS[0] ? 1 : 4) {
          const streams = [8, 4, 2][rows % 3]!;
          const { capabilities } = target;
          const tuned = {
            ...target,
            capabilities: { ...capabilities, tuning: { ...capabilities.tuning, streams } },
          };
          const { what } = randomBlockCase(random, blocks, rows, target.isSlow ? 2 : 4, target);
          // Of 2 to 8 blocks a tile, all of them or some in turns.
          const columnsPerTile = 32 * random.integer(1, 4);
          const n = columnsPerTile + 32 * random.integer(0, 2);
          const residual = what.residual === 'self' ? 'other' : what.residual;
          checkMatvec(tuned, new BlockRun({ ...what, n, residual }, target, random), columnsPerTile);
        }
      });
    }
    if (target.isSlow) continue;
    for (const model of MODEL_SHAPES) {
      for (const bits of [8, 4] as const) {
        test(`every product of ${model.name} with ${bits} bits: on ${target.name}`, {
          skip: target.missing,
        }, () => {
          const yDtype = target.capabilities.pairDot ? 'bf16' : 'f32';
          [...encoderLinears(model), ...decoderLinears(model)].forEach((shape, i) => {
            const { n, depth, bias, activation, residual, yIsOperand } = shape;
            const blocks = blocksFor(target.capabilities, bits, 64);
            const common = { blocks, n, depth, bias, activation, residual, gap: 0 };
            const weights = activation === 'swiglu' ? 2 : 1;
            const m = 1 + (i % 3) * 6;
            const what = { ...common, m, yDtype: yIsOperand ? yDtype : 'f32' } as const;
            const run = new BlockRun(what, target, new Random(n + depth));
            if (m <= STREAM_ROWS) {
              const columns = streamColumns(n, (weights * blocks.blockBytes(depth)) / 16, 2, 32);
              checkMatvec(target, run, columns);
            }
            checkMatmul(target, run, blockTile(m, n, 2));
          });
        });
      }
    }
  }
});
