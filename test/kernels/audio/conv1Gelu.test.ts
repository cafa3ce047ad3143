import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { conv1Gelu } from '../../../src/kernels/audio/convStem.js';
import { chunkBytes, type FeatureMapLayout } from '../../../src/kernels/audio/featureMap.js';
import { activationBits, QuantizedRows } from '../../../src/kernels/matrix/formats/affineBlocks.js';
import { MODEL_SHAPES, STEM_HEIGHTS, STEM_WIDTHS } from '../../../src/kernels/registry/modelShapes.js';
import { borderCells, FeatureMapArray } from '../support/featureMap.js';
import { type KernelTarget, runKernel } from '../support/kernelHarness.js';
import { integerTargets, kernelTargets } from '../support/kernelTargets.js';
import { errorInBounds, exactGelu, geluTolerance, halfUlpOfBf16 } from '../support/productReference.js';
import { randomOperand } from '../support/randomOperand.js';

interface Size {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly dtype: 'f32' | 'bf16';
}

interface Mistake {
  readonly name: string;
  readonly taps?: number;
  readonly shift?: number;
  readonly biasShift?: number;
  readonly transposed?: boolean;
}

const mistakes: readonly Mistake[] = [
  { name: 'the last tap is dropped', taps: 8 },
  { name: 'windows are one column too far right', shift: 1 },
  { name: 'the bias is off by one', biasShift: 1 },
  { name: 'rows and columns of the window are exchanged', transposed: true },
];

const CHUNKS = 2;
/** Raw content of y before. */
const UNTOUCHED = 5;
/** The steepest slope of GELU. */
const GELU_SLOPE = 1.13;

class FirstConvolution {
  private readonly size: Size;
  private readonly x: FeatureMapArray;
  private readonly y: FeatureMapArray;
  private readonly weight: Float32Array; // [9, channels]
  private readonly bias: Float32Array;

  constructor(target: KernelTarget, size: Size, order: readonly number[] | null) {
    const { channels, height, width } = size;
    const x = { channels: 1, height: 2 * height, width, dtype: 'f32' as const };
    const y = { ...size, width: Math.ceil(width / 2) };
    this.size = y;
    this.x = new FeatureMapArray(x, CHUNKS, { seed: channels });
    this.y = new FeatureMapArray(y, CHUNKS, { everywhere: UNTOUCHED });
    this.weight = randomOperand('f32', 9 * channels, 1);
    this.bias = randomOperand('f32', channels, 2);
    const values = { x: this.x.array, weight: this.weight, bias: this.bias, y: this.y.array };
    runKernel(target, conv1Gelu({ x, y }), values, order === null ? {} : { order });
  }

  check(where: string, rows: readonly number[]): void {
    const error = this.error(rows, { name: 'no mistake' });
    assert.ok(error <= 1, `${where}: ${error.toFixed(2)} times the bound`);
    for (const mistake of mistakes)
      assert.ok(this.error(rows, mistake) > 1, `${where}: within the bound although ${mistake.name}`);
    for (const [h, w] of borderCells(this.size)) {
      const cell = this.y.array.subarray(this.y.index(1, 0, h, w), this.y.index(1, this.size.channels, h, w));
      assert.ok(
        cell.every((value) => value === UNTOUCHED),
        `${where}: the border was written at ${h}, ${w}`,
      );
    }
  }

  /** @param rows of both chunks that were computed */
  private error(rows: readonly number[], mistake: Mistake): number {
    const { width, channels } = this.size;
    let worst = 0;
    for (const row of rows) {
      for (let w = 0; w < width; w++) {
        for (let chunk = 0; chunk < CHUNKS; chunk++) {
          const found = this.y.cell(chunk, row, w);
          for (let c = 0; c < channels; c++)
            worst = Math.max(worst, this.elementError(found[c]!, [chunk, row, w, c], mistake));
        }
      }
    }
    return worst;
  }

  private elementError(
    found: number,
    [chunk, h, w, c]: readonly [number, number, number, number],
    { taps = 9, shift = 0, biasShift = 0, transposed = false }: Mistake,
  ): number {
    const { channels, dtype } = this.size;
    let sum = this.bias[(c + biasShift) % channels]!;
    let magnitude = Math.abs(sum);
    for (let tap = 0; tap < taps; tap++) {
      const [kh, kw] = transposed ? [tap % 3, Math.floor(tap / 3)] : [Math.floor(tap / 3), tap % 3];
      const fromW = Math.min(2 * w - 1 + kw + shift, this.x.layout.width);
      const term =
        this.x.array[this.x.index(chunk, 0, 2 * h - 1 + kh, fromW)]! * this.weight[tap * channels + c]!;
      sum += term;
      magnitude += Math.abs(term);
    }
    const value = exactGelu(sum);
    const rounding = dtype === 'bf16' ? halfUlpOfBf16(value) : 0;
    const tolerance = GELU_SLOPE * 17 * 2 ** -24 * magnitude + geluTolerance(sum) + rounding;
    return errorInBounds(found, { value, tolerance });
  }
}

/** A quantised map as the numbers that it stands for, and how far apart those of an element's groups are. */
function dequantized(
  bytes: Uint8Array,
  layout: FeatureMapLayout & { readonly dtype: QuantizedRows },
): { readonly values: Float64Array; readonly steps: Float64Array } {
  const { groupSize, groupBytes, valueBytes, bits } = layout.dtype;
  const view = new DataView(bytes.buffer);
  const groups = bytes.length / groupBytes;
  const [values, steps] = [new Float64Array(groups * groupSize), new Float64Array(groups * groupSize)];
  for (let group = 0; group < groups; group++) {
    const tail = group * groupBytes + valueBytes;
    const scale = view.getFloat32(tail, true);
    const zero = bits === 7 ? -view.getFloat32(tail + 12, true) : 0;
    let sum = 0;
    for (let i = 0; i < groupSize; i++) {
      const at = group * groupBytes + i * layout.dtype.elementBytes;
      const q = (bits === 16 ? view.getInt16(at, true) : view.getInt8(at)) - zero;
      sum += q;
      values[group * groupSize + i] = scale * q;
      steps[group * groupSize + i] = scale;
    }
    const found = view.getFloat32(tail + 4, true);
    assert.ok(
      Math.abs(found - scale * sum) <= 2 ** -23 * Math.abs(scale * sum),
      `sum ${found} of ${scale * sum}`,
    );
  }
  return { values, steps };
}

/** The same convolution once to f32, which the tests below compare with f64, and once to integers. */
function checkQuantized(target: KernelTarget, rows: QuantizedRows, channels: number): void {
  const chunks = 2;
  const x = { channels: 1, height: 6, width: 5, dtype: 'f32' as const };
  const plain = { channels, height: 3, width: 3, dtype: 'f32' as const };
  const layout = { ...plain, dtype: rows };
  const weight = randomOperand('f32', 9 * channels, 1);
  const bias = randomOperand('f32', channels, 2);
  const input = new FeatureMapArray(x, chunks, { seed: channels }).array;
  const exact = new FeatureMapArray(plain, chunks, { everywhere: 0 });
  runKernel(target, conv1Gelu({ x, y: plain }), { x: input, weight, bias, y: exact.array });
  const y = new Uint8Array(chunks * chunkBytes(layout));
  runKernel(target, conv1Gelu({ x, y: layout }), { x: input, weight, bias, y }, { order: 'backwards' });
  const { values, steps } = dequantized(y, layout);
  const bound = (i: number): number => steps[i]! * (0.5 + rows.most * 2 ** -22);
  const where = `${rows.name} on ${target.name}`;
  const off = values.findIndex((value, i) => Math.abs(value - exact.array[i]!) > bound(i));
  assert.equal(off, -1, `${where}: ${values[off]} for ${exact.array[off]}`);
  const moved = values.findIndex(
    (value, i) => Math.abs(value - exact.array[(i + channels) % values.length]!) > bound(i),
  );
  assert.ok(moved >= 0, `${where}: within the bound of the element beside it`);
}

describe('conv1Gelu', async () => {
  for (const target of await integerTargets()) {
    test(`what is rounded to integers is within half a step: on ${target.name}`, {
      skip: target.missing,
    }, () => {
      const bits = activationBits(target.capabilities, 8);
      checkQuantized(target, new QuantizedRows(bits, 32), 64);
      checkQuantized(target, new QuantizedRows(bits, 160), target.isSlow ? 160 : 480);
    });
  }
  for (const target of await kernelTargets()) {
    for (const dtype of ['f32', 'bf16'] as const) {
      test(`odd sizes stay within the bound: ${dtype} on ${target.name}`, { skip: target.missing }, () => {
        for (const [channels, height, width] of [
          [32, 2, 5],
          [64, 3, 4],
        ] as const) {
          const run = new FirstConvolution(target, { channels, height, width, dtype }, null);
          run.check(
            `${channels} channels, ${dtype} on ${target.name}`,
            Array.from({ length: height }, (_, i) => i),
          );
        }
      });

      if (target.isSlow) continue;
      test(`the stems of all models stay within the bound: ${dtype} on ${target.name}`, {
        skip: target.missing,
      }, () => {
        for (const { name, encoder } of MODEL_SHAPES) {
          const height = STEM_HEIGHTS[1];
          const size = { channels: encoder.channels, height, width: STEM_WIDTHS[0], dtype };
          const rows = [0, height - 1];
          const order = [height, 2 * height - 1, ...rows]; // of both chunks
          new FirstConvolution(target, size, order).check(`${name}, ${dtype} on ${target.name}`, rows);
        }
      });
    }
  }
});
