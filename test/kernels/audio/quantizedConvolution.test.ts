import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { arm64Capabilities, arm64Features } from '../../../src/jit/arm64/features.js';
import { lowerArm64 } from '../../../src/jit/arm64/lower.js';
import { isaFeatures, x64Capabilities } from '../../../src/jit/x64/features.js';
import { lowerX64 } from '../../../src/jit/x64/lower.js';
import {
  convolutionWindows,
  type FeatureMapLayout,
  rowBytes,
} from '../../../src/kernels/audio/featureMap.js';
import {
  type AffineBlocks,
  blocksFor,
  type QuantizedRows,
  rowsFor,
} from '../../../src/kernels/matrix/formats/affineBlocks.js';
import { matmul } from '../../../src/kernels/matrix/matmul.js';
import type { MatmulSpec } from '../../../src/kernels/matrix/productTile.js';
import { blockConvolutionTile } from '../../../src/kernels/matrix/tileShapes.js';
import { MODEL_SHAPES, STEM_HEIGHTS, STEM_WIDTHS } from '../../../src/kernels/registry/modelShapes.js';
import { ARM64_CPUS } from '../../support/emulatedArm64.js';
import { Random } from '../../support/random.js';
import {
  type AffineColumn,
  rowBytes as bytesOfRows,
  exactProduct,
  type RandomBlocks,
  type RowNumbers,
  randomBlocks,
  randomRows,
} from '../support/blockOperands.js';
import { borderCells, FeatureMapArray } from '../support/featureMap.js';
import { type KernelTarget, runKernel } from '../support/kernelHarness.js';
import { integerTargets } from '../support/kernelTargets.js';
import {
  errorInBounds,
  noMistake,
  type ProductMistake,
  productElement,
  productMistakes,
} from '../support/productReference.js';
import { randomOperand } from '../support/randomOperand.js';

/*
 * Convolutions whose weights and maps are integers, as products over a table of windows, against f64 on the same integers.
 */

interface Convolution {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly outputs: number;
  readonly chunks: number;
  readonly groupSize: number;
}

type QuantizedLayout = FeatureMapLayout & { readonly dtype: QuantizedRows };

/** The second and third convolution of every stem, at full height, in the groups that models have and in others. */
const stems: readonly Convolution[] = [
  ...new Set(MODEL_SHAPES.map(({ encoder }) => encoder.channels)),
].flatMap((channels) =>
  [1, 2].flatMap((stage) =>
    (channels === 480 ? [160, 96] : [32]).map((groupSize) => {
      const size = { height: STEM_HEIGHTS[stage]!, width: STEM_WIDTHS[stage]! };
      return { channels, ...size, outputs: channels, chunks: 2, groupSize };
    }),
  ),
);

const odd: readonly Convolution[] = [
  { channels: 32, height: 4, width: 3, outputs: 32, chunks: 2, groupSize: 32 },
  { channels: 64, height: 5, width: 4, outputs: 96, chunks: 3, groupSize: 32 },
];

/** By how many rows and columns a wrong kernel's windows would be off, and what else it would do wrong. */
interface WindowMistake {
  readonly name: string;
  readonly shift: readonly [h: number, w: number];
  readonly product: ProductMistake;
}

const inPlace = [0, 0] as const;

/** Raw content of y before. */
const UNTOUCHED = 7;

function convolutionProduct(
  x: QuantizedLayout,
  y: FeatureMapLayout & { readonly dtype: 'f32' | 'bf16' },
  blocks: AffineBlocks,
  columnsPerTile: number,
): MatmulSpec {
  return {
    aDtype: x.dtype,
    bDtype: blocks,
    n: y.channels,
    segments: 3,
    segmentDepth: 3 * x.channels,
    aSegmentStrideBytes: rowBytes(x),
    aStrideBytes: 0,
    bStrideBytes: blocks.blockBytes(9 * x.channels),
    indirect: true,
    columnsPerTile,
    panels: false,
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

/** A quantised map: random inside, with a border of zeros, whose scales are zero. */
function randomMap(random: Random, layout: QuantizedLayout, chunks: number): RowNumbers {
  const { channels, height, width, dtype } = layout;
  const elements = chunks * (height + 2) * (width + 2);
  const rows = randomRows(random, dtype, elements, channels);
  const groups = channels / dtype.groupSize;
  for (let chunk = 0; chunk < chunks; chunk++) {
    for (const [h, w] of borderCells(layout)) {
      const element = (chunk * (height + 2) + h + 1) * (width + 2) + w + 1;
      rows.q.fill(0, element * channels, (element + 1) * channels);
      rows.scales.fill(0, element * groups, (element + 1) * groups);
      rows.zeros.fill(0, element * groups, (element + 1) * groups);
    }
  }
  return rows;
}

class QuantizedConvolutionRun {
  private readonly what: Convolution;
  private readonly blocks: AffineBlocks;
  private readonly x: QuantizedLayout;
  private readonly map: RowNumbers;
  private readonly weight: RandomBlocks;
  private readonly columns = new Map<number, AffineColumn>();
  private readonly bias: Float32Array;
  private readonly y: FeatureMapArray;

  constructor(what: Convolution, target: KernelTarget, yDtype: 'f32' | 'bf16', seed: number) {
    const { channels, height, width, outputs, chunks, groupSize } = what;
    const random = new Random(seed);
    this.what = what;
    this.blocks = blocksFor(target.capabilities, 8, groupSize);
    this.x = { channels, height, width, dtype: rowsFor(target.capabilities, this.blocks) };
    this.map = randomMap(random, this.x, chunks);
    this.weight = randomBlocks(random, this.blocks, outputs, 9 * channels);
    this.bias = randomOperand('f32', outputs, seed);
    const y = {
      channels: outputs,
      height: Math.ceil(height / 2),
      width: Math.ceil(width / 2),
      dtype: yDtype,
    };
    this.y = new FeatureMapArray(y, chunks, { everywhere: UNTOUCHED });
  }

  check(target: KernelTarget): void {
    const { outputs, chunks } = this.what;
    const y = this.y.layout;
    const m = chunks * y.height * y.width;
    const { rowsPerTile, columnsPerTile } = blockConvolutionTile(m, outputs, 2);
    const mTiles = Math.ceil(m / rowsPerTile);
    const columnTiles = Math.ceil(outputs / columnsPerTile);
    const kernel = matmul(convolutionProduct(this.x, y, this.blocks, columnsPerTile));
    const mTilesRun = [...new Set([0, mTiles >> 1, mTiles - 1])];
    const order = mTilesRun.flatMap((tile) =>
      Array.from({ length: columnTiles }, (_, column) => column * mTiles + tile),
    );
    const values = {
      x: bytesOfRows(this.x.dtype, this.map, this.map.m),
      weight: this.weight.bytes,
      weight2: null,
      y: this.y.array,
      bias: this.bias,
      residual: null,
      table: convolutionWindows(this.x, y, chunks),
      m,
      rowsPerTile,
      tilesAtOnce: 2,
    };
    runKernel(target, kernel, values, { order });
    const where = `${kernel.name} on ${target.name}`;
    const rows = [
      ...new Set([...mTilesRun.flatMap((tile) => [0, 1, 5].map((row) => tile * rowsPerTile + row)), m - 1]),
    ].filter((row) => row < m);
    const error = this.error(rows, { name: 'no mistake', shift: inPlace, product: noMistake });
    assert.ok(error <= 1, `${where}: ${error.toFixed(2)} times the bound`);
    for (const mistake of this.mistakes()) {
      const mistaken = this.error(rows, mistake);
      assert.ok(mistaken > 1, `${where}: ${mistaken.toFixed(2)} of the bound although ${mistake.name}`);
    }
    for (const [h, w] of borderCells(y)) {
      const at = this.y.index(0, 0, h, w);
      const cell = this.y.array.subarray(at, at + outputs);
      assert.ok(
        cell.every((value) => value === UNTOUCHED),
        `${where}: the border was written at ${h}, ${w}`,
      );
    }
  }

  private mistakes(): readonly WindowMistake[] {
    const operands = this.operands(0, inPlace);
    return [
      { name: 'windows are one row too low', shift: [1, 0], product: noMistake },
      { name: 'windows are one column too far left', shift: [0, -1], product: noMistake },
      ...productMistakes
        .filter(({ rowOfA, applies }) => rowOfA === undefined && applies(operands))
        .map((product) => ({ name: product.name, shift: inPlace, product })),
    ];
  }

  /** The largest error of some rows, in units of the stated bound. */
  private error(rows: readonly number[], { shift, product }: WindowMistake): number {
    const { outputs } = this.what;
    const columns = [0, 1, 17, outputs >> 1, outputs - 2, outputs - 1];
    let worst = 0;
    for (const row of rows) {
      const operands = this.operands(row, shift);
      const [chunk, h, w] = this.place(row);
      const found = this.y.cell(chunk, h, w);
      for (const column of columns) {
        const element = productElement(operands, 0, column, product);
        worst = Math.max(worst, errorInBounds(found[column]!, element));
      }
    }
    return worst;
  }

  /** The window of an output as the only row of A. */
  private operands(row: number, shift: readonly [h: number, w: number]) {
    const { channels, outputs } = this.what;
    const depth = 9 * channels;
    const window = this.window(row, shift);
    return {
      a: [new Float32Array(depth)], // for its length
      n: outputs,
      weightRow: () => new Float32Array(0),
      product: (_row: number, column: number, _weight: 0 | 1, range: readonly [number, number]) =>
        exactProduct(this.blocks, window, this.column(column), 0, range),
      bias: this.bias,
      activation: 'gelu' as const,
      residual: null,
      yDtype: this.y.layout.dtype,
    };
  }

  private column(index: number): AffineColumn {
    const found = this.columns.get(index) ?? this.weight.column(index);
    this.columns.set(index, found);
    return found;
  }

  private window(row: number, [down, right]: readonly [h: number, w: number]): RowNumbers {
    const { channels, height, width, groupSize } = this.what;
    const [chunk, h, w] = this.place(row);
    const groups = channels / groupSize;
    const q = new Int16Array(9 * channels);
    const scales = new Float32Array(9 * groups);
    for (let tap = 0; tap < 9; tap++) {
      const fromH = Math.min(2 * h + Math.floor(tap / 3) + down, height + 1);
      const fromW = Math.max(2 * w + (tap % 3) + right, 0);
      const element = (chunk * (height + 2) + fromH) * (width + 2) + fromW;
      q.set(this.map.q.subarray(element * channels, (element + 1) * channels), tap * channels);
      scales.set(this.map.scales.subarray(element * groups, (element + 1) * groups), tap * groups);
    }
    return { m: 1, depth: 9 * channels, q, scales, zeros: new Int16Array(9 * groups) };
  }

  private place(row: number): readonly [chunk: number, h: number, w: number] {
    const { height, width } = this.y.layout;
    return [Math.floor(row / (height * width)), Math.floor(row / width) % height, row % width];
  }
}

describe('convolutions of integers', async () => {
  for (const target of await integerTargets()) {
    const yDtype = target.capabilities.pairDot ? 'bf16' : 'f32';
    test(`are within the bound of the product: on ${target.name}`, { skip: target.missing }, () => {
      // Emulated, the stems of 480 channels take half a minute, and their code is that of the others.
      const most = target.capabilities.elementProducts ? 64 : 480;
      const all = [...odd, ...stems].filter(({ channels }) => channels <= most);
      const cases = target.isSlow ? odd.slice(0, 1) : all;
      cases.forEach((what, seed) => {
        new QuantizedConvolutionRun(what, target, yDtype, seed + 1).check(target);
      });
    });
  }
});

test('windows have registers enough on every level', () => {
  const x64 = ['avx2', 'avx512f', 'avx512bf16', 'avx2+avxvnni', 'avx512f+vnni'].map((name) => {
    const features = isaFeatures(name)!;
    return [
      x64Capabilities(features),
      (spec: MatmulSpec) => lowerX64(matmul(spec).emit(x64Capabilities(features)), features),
    ] as const;
  });
  const arm64 = Object.values(ARM64_CPUS).map(({ name }) => {
    const features = arm64Features(name)!;
    const capabilities = arm64Capabilities(features);
    return [
      capabilities,
      (spec: MatmulSpec) => lowerArm64(matmul(spec).emit(capabilities), features),
    ] as const;
  });
  for (const [capabilities, lower] of [...x64, ...arm64]) {
    for (const groupSize of [32, 96, 160]) {
      const blocks = blocksFor(capabilities, 8, groupSize);
      const x = { channels: 480, height: 64, width: 50, dtype: rowsFor(capabilities, blocks) };
      const y = { channels: 480, height: 32, width: 25, dtype: 'f32' as const };
      assert.ok(lower(convolutionProduct(x, y, blocks, 32)).length > 0);
    }
  }
});
