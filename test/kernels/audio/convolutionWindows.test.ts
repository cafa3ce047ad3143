import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { convolutionWindows, type PlainMapLayout, rowBytes } from '../../../src/kernels/audio/featureMap.js';
import { matmul } from '../../../src/kernels/matrix/matmul.js';
import type { MatmulSpec } from '../../../src/kernels/matrix/productTile.js';
import { usesTiles } from '../../../src/kernels/matrix/tileProduct.js';
import { convolutionTile, tileConvolutionTile } from '../../../src/kernels/matrix/tileShapes.js';
import { MODEL_SHAPES, STEM_HEIGHTS, STEM_WIDTHS } from '../../../src/kernels/registry/modelShapes.js';
import { borderCells, FeatureMapArray } from '../support/featureMap.js';
import { type KernelArray, type KernelTarget, runKernel, widen } from '../support/kernelHarness.js';
import { tileTargets } from '../support/kernelTargets.js';
import { pairPanels } from '../support/pairPanels.js';
import { operandTypes } from '../support/productCases.js';
import {
  errorInBounds,
  noMistake,
  type ProductMistake,
  type ProductOperands,
  productElement,
  productMistakes,
} from '../support/productReference.js';
import type { Dtype } from '../support/productRun.js';
import { randomOperand } from '../support/randomOperand.js';

/** Raw content of y before. */
const UNTOUCHED = 7;

interface Convolution {
  readonly x: PlainMapLayout;
  readonly outputs: number;
  readonly chunks: number;
}

/** The second and third convolution of every stem, at full height and for two chunks of full width. */
const stems: readonly Convolution[] = [
  ...new Set(MODEL_SHAPES.map(({ encoder }) => encoder.channels)),
].flatMap((channels) =>
  [1, 2].map((stage) => ({
    x: { channels, height: STEM_HEIGHTS[stage]!, width: STEM_WIDTHS[stage]!, dtype: 'f32' as const },
    outputs: channels,
    chunks: 2,
  })),
);

/** What all convolutions have in common, as products. */
const SHAPE_OF_CONVOLUTIONS: ProductOperands = {
  a: [],
  n: 0,
  weightRow: () => new Float32Array(0),
  bias: new Float32Array(0),
  activation: 'gelu',
  residual: null,
  yDtype: 'f32',
};

/** By how many rows and columns a wrong kernel's windows would be off, and what else it would do wrong. */
interface WindowMistake {
  readonly name: string;
  readonly shift: readonly [h: number, w: number];
  readonly product: ProductMistake;
}

const inPlace = [0, 0] as const;

const windowMistakes: readonly WindowMistake[] = [
  { name: 'windows are one row too low', shift: [1, 0], product: noMistake },
  { name: 'windows are one column too far left', shift: [0, -1], product: noMistake },
  ...productMistakes
    .filter(({ rowOfA, applies }) => rowOfA === undefined && applies(SHAPE_OF_CONVOLUTIONS))
    .map((product) => ({ name: product.name, shift: inPlace, product })),
];

/** With weights as they are, widened once a tile, or in panels of pairs for products of tiles. */
type Way = 'plain' | 'panels' | 'tiles';

function waysOf({ capabilities }: KernelTarget, [aDtype, bDtype]: readonly [Dtype, Dtype]): readonly Way[] {
  if (bDtype !== 'bf16') return ['plain'];
  return usesTiles(capabilities, aDtype, bDtype) ? ['plain', 'panels', 'tiles'] : ['plain', 'panels'];
}

/** A convolution as an indirect product. */
function convolutionProduct(
  x: PlainMapLayout,
  y: PlainMapLayout,
  bDtype: Dtype,
  columnsPerTile: number,
  way: Way,
): MatmulSpec {
  return {
    aDtype: x.dtype,
    bDtype,
    n: y.channels,
    segments: 3,
    segmentDepth: 3 * x.channels,
    aSegmentStrideBytes: rowBytes(x),
    aStrideBytes: 0,
    bStrideBytes: 9 * x.channels * (bDtype === 'bf16' ? 2 : 4),
    indirect: true,
    columnsPerTile,
    panels: way === 'panels',
    ...(way === 'tiles' && { tiles: 'columns' }),
    epilogue: {
      bias: true,
      activation: 'gelu',
      residual: false,
      yDtype: y.dtype,
      yStrideBytes: 0,
      residualStrideBytes: 0,
    },
  };
}

/** Weights in panels of pairs. */
function columnPanels(weight: Float32Array | Uint16Array, outputs: number): Uint16Array {
  const depth = weight.length / outputs;
  return pairPanels(weight as Uint16Array, outputs, depth, depth);
}

/** What y holds after two windows whose places are given as [offset in x, offset in y]. */
function runWindows(
  target: KernelTarget,
  types: readonly [Dtype, Dtype],
  way: Way,
  table: Int32Array,
): KernelArray {
  const [chunks, channels] = [2, 32];
  const x: PlainMapLayout = { channels, height: 4, width: 3, dtype: types[0] };
  const y: PlainMapLayout = { ...x, height: 2, width: 2 };
  const result = new FeatureMapArray(y, chunks, { everywhere: UNTOUCHED }).array;
  const rows = randomOperand(types[1], channels * 9 * channels, 2);
  const weight = way === 'tiles' ? columnPanels(rows, channels) : rows;
  const bias = randomOperand('f32', channels, 3);
  runKernel(target, matmul(convolutionProduct(x, y, types[1], channels, way)), {
    x: new FeatureMapArray(x, chunks, { seed: 1 }).array,
    weight,
    weight2: null,
    y: result,
    bias,
    residual: null,
    table,
    m: 2,
    rowsPerTile: 32,
    tilesAtOnce: 2,
  });
  return result;
}

/** A convolution as an indirect product, on some of its tiles, compared with its definition. */
class ConvolutionRun {
  private readonly what: Convolution;
  private readonly types: readonly [Dtype, Dtype];
  private readonly x: FeatureMapArray;
  private readonly y: FeatureMapArray;
  private readonly weight: Float32Array | Uint16Array; // [outputs, 3, 3, channels]
  private readonly bias: Float32Array;

  constructor(what: Convolution, types: readonly [Dtype, Dtype], seed: number) {
    const { x, outputs, chunks } = what;
    const y = {
      channels: outputs,
      height: Math.ceil(x.height / 2),
      width: Math.ceil(x.width / 2),
      dtype: x.dtype,
    };
    this.what = what;
    this.types = types;
    this.x = new FeatureMapArray(x, chunks, { seed });
    this.y = new FeatureMapArray(y, chunks, { everywhere: UNTOUCHED });
    const depth = 9 * x.channels;
    this.weight = randomOperand(types[1], outputs * depth, seed + 1, 3 / Math.sqrt(depth));
    this.bias = randomOperand('f32', outputs, seed + 2);
  }

  check(target: KernelTarget, way: Way): void {
    const { x, outputs, chunks } = this.what;
    const y = this.y.layout;
    const m = chunks * y.height * y.width;
    const { rowsPerTile, columnsPerTile } =
      way === 'tiles' ? tileConvolutionTile(m, outputs, 2) : convolutionTile(m, outputs, 2, way === 'panels');
    const mTiles = Math.ceil(m / rowsPerTile);
    const columnTiles = Math.ceil(outputs / columnsPerTile);
    const kernel = matmul(convolutionProduct(x, y, this.types[1], columnsPerTile, way));
    const mTilesRun = [...new Set([0, mTiles >> 1, mTiles - 1])];
    const order = mTilesRun.flatMap((tile) =>
      Array.from({ length: columnTiles }, (_, column) => column * mTiles + tile),
    );
    const weight = way === 'tiles' ? columnPanels(this.weight, outputs) : this.weight;
    const arrays = { x: this.x.array, weight, y: this.y.array, bias: this.bias };
    const table = convolutionWindows(x, y, chunks);
    const values = { ...arrays, weight2: null, residual: null, table, m, rowsPerTile, tilesAtOnce: 2 };
    runKernel(target, kernel, values, { order });
    const firstRows = mTilesRun.map((tile) => tile * rowsPerTile);
    this.compare(`${kernel.name} on ${target.name}`, firstRows, m);
  }

  private compare(where: string, tiles: readonly number[], m: number): void {
    const rows = [...tiles.flatMap((row) => [row, row + 1, row + 5]), m - 1].filter((row) => row < m);
    const error = this.error(rows, { name: 'no mistake', shift: inPlace, product: noMistake });
    assert.ok(error <= 1, `${where}: ${error.toFixed(2)} times the bound`);
    for (const mistake of windowMistakes) {
      const mistaken = this.error(rows, mistake);
      assert.ok(
        mistaken > 1,
        `${where}: within ${mistaken.toFixed(2)} of the bound although ${mistake.name}`,
      );
    }
    const { layout, array } = this.y;
    for (const [h, w] of borderCells(layout)) {
      const cell = array.subarray(this.y.index(0, 0, h, w), this.y.index(0, layout.channels, h, w));
      assert.ok(
        cell.every((value) => value === UNTOUCHED),
        `${where}: the border was written at ${h}, ${w}`,
      );
    }
  }

  /** The largest error of some rows, in units of the stated bound. */
  private error(rows: readonly number[], mistake: WindowMistake): number {
    const { outputs } = this.what;
    const all = Array.from({ length: outputs }, (_, i) => i);
    const columns = outputs <= 32 ? all : [0, 1, 17, outputs >> 1, outputs - 2, outputs - 1];
    let worst = 0;
    for (const row of rows) {
      const operands = this.operands(row, mistake);
      const [chunk, h, w] = this.place(row);
      const found = this.y.cell(chunk, h, w);
      for (const column of columns) {
        const element = productElement(operands, 0, column, mistake.product);
        worst = Math.max(worst, errorInBounds(found[column]!, element));
      }
    }
    return worst;
  }

  /** The window of an output as the only row of A. */
  private operands(row: number, { shift }: WindowMistake): ProductOperands {
    const { x, outputs } = this.what;
    const depth = 9 * x.channels;
    const [chunk, h, w] = this.place(row);
    const window = new Float32Array(depth);
    for (let tap = 0; tap < 9; tap++) {
      const fromH = 2 * h - 1 + Math.floor(tap / 3) + shift[0];
      const fromW = 2 * w - 1 + (tap % 3) + shift[1];
      window.set(this.x.cell(chunk, Math.min(fromH, x.height), Math.max(fromW, -1)), tap * x.channels);
    }
    return {
      ...SHAPE_OF_CONVOLUTIONS,
      a: [window],
      n: outputs,
      weightRow: (column) => widen(this.weight.slice(column * depth, (column + 1) * depth)),
      bias: this.bias,
      yDtype: x.dtype,
    };
  }

  private place(row: number): readonly [chunk: number, h: number, w: number] {
    const { height, width } = this.y.layout;
    return [Math.floor(row / (height * width)), Math.floor(row / width) % height, row % width];
  }
}

const odd: readonly Convolution[] = [
  { x: { channels: 32, height: 4, width: 3, dtype: 'f32' }, outputs: 32, chunks: 2 },
  { x: { channels: 32, height: 6, width: 9, dtype: 'f32' }, outputs: 48, chunks: 3 },
];

/**
 * Channels of a stem at most: emulated, those of 480 take minutes, and their code is that of the others. All of them:
 * QWEN_ASR_FULL=1.
 */
function mostChannels({ capabilities }: KernelTarget): number {
  return capabilities.elementProducts && process.env['QWEN_ASR_FULL'] !== '1' ? 64 : 480;
}

describe('convolutionWindows', async () => {
  for (const target of await tileTargets()) {
    for (const types of operandTypes(target)) {
      const where = `${types.join(' · ')} on ${target.name}`;
      const most = mostChannels(target);
      const all = [...odd, ...(types[1] === 'bf16' ? stems : [])].filter(({ x }) => x.channels <= most);
      const cases = target.isSlow ? odd.slice(0, 1) : all;
      test(`convolutions are within the bound of the product: ${where}`, { skip: target.missing }, () => {
        cases.forEach(({ x, outputs, chunks }, seed) => {
          const what = { x: { ...x, dtype: types[0] }, outputs, chunks };
          for (const way of waysOf(target, types)) new ConvolutionRun(what, types, seed).check(target, way);
        });
      });

      test(`a window outside the maps is the nearest: ${where}`, { skip: target.missing }, () => {
        const bytes = types[0] === 'bf16' ? 2 : 4;
        // The first window of the first chunk and the last of the second (6 × 5 cells with borders); y has 4 × 4 cells.
        const [lastX, lastY] = [(2 * 30 - 2 * 5 - 3) * 32 * bytes, 31 * 32 * bytes];
        for (const way of waysOf(target, types)) {
          const inside = runWindows(target, types, way, Int32Array.of(0, 0, lastX, lastY));
          const outside = Int32Array.of(-(2 ** 31), -1, lastX + 1, 2 ** 31 - 1);
          assert.deepEqual(runWindows(target, types, way, outside), inside);
          assert.ok(inside.at(-1) !== UNTOUCHED && inside[0] !== UNTOUCHED);
        }
      });
    }
  }
});
