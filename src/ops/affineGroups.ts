import { bf16Value, f32Bits, narrowToBf16, widenBf16, widenF16 } from '../jit/numberFormats.js';
import { LEAST_SCALE } from '../kernels/matrix/packRows.js';
import { transposed } from './convolutionChannels.js';
import type { AffineBits, AffineParameter, IntegerForm, Parameter, PlainParameter } from './parameter.js';

/** Widths that a row's stream of bits may have; what MLX writes. */
export const AFFINE_BITS: readonly AffineBits[] = [2, 3, 4, 5, 6, 8];

/** Values that may share a scale and a bias. */
export const AFFINE_GROUPS: readonly number[] = [32, 64, 128];

/**
 * Rows [firstRow, firstRow + rows) of the matrix that an affine parameter stands for, as f32: scale·q rounded once,
 * plus bias rounded once.
 *
 * @returns [rows, K] f32
 *
 * @example
 * dequantizeRows(parameter, 0, parameter.shape[0]); // the whole matrix
 */
export function dequantizeRows(parameter: AffineParameter, firstRow: number, rows: number): Float32Array {
  const { bits, groupSize, shape } = parameter;
  const [, columns] = shape;
  const groups = columns / groupSize;
  const scales = widenRange(parameter.scales, firstRow * groups, rows * groups);
  const biases = widenRange(parameter.biases, firstRow * groups, rows * groups);
  const rowBytes = (columns * bits) / 8;
  // A copy: element access in a mapping of gigabytes is slow in V8, copying it is not.
  const packed = parameter.bytes.slice(firstRow * rowBytes, (firstRow + rows) * rowBytes);
  const values = new Float32Array(rows * columns);
  const mask = (1 << bits) - 1;
  let held = 0;
  let heldBits = 0;
  let next = 0;
  for (let group = 0, at = 0; at < values.length; group++) {
    const scale = scales[group]!;
    const bias = biases[group]!;
    for (const end = at + groupSize; at < end; at++) {
      if (heldBits < bits) {
        held |= packed[next++]! << heldBits;
        heldBits += 8;
      }
      values[at] = Math.fround(scale * (held & mask)) + bias;
      held >>>= bits;
      heldBits -= bits;
    }
  }
  return values;
}

/** Elements [start, start + count) of a tensor, widened exactly. */
export function widenRange({ dtype, bytes }: PlainParameter, start: number, count: number): Float32Array {
  if (dtype === 'f32') return new Float32Array(bytes.slice(4 * start, 4 * (start + count)).buffer);
  const halves = new Uint16Array(bytes.slice(2 * start, 2 * (start + count)).buffer);
  return dtype === 'bf16' ? widenBf16(halves) : widenF16(halves);
}

/** Values rounded at once: 4 MB of f32. */
const PIECE_ELEMENTS = 2 ** 20;

/**
 * A matrix as integers of a form: itself where it is stored so, or in fewer bits of the same groups; else rounded by
 * {@link quantizeRows}.
 */
export function integerParameter(parameter: Parameter, form: IntegerForm): AffineParameter {
  const { bits, groupSize } = form;
  if (parameter.dtype === 'affine' && parameter.bits <= bits && parameter.groupSize === groupSize) {
    return parameter;
  }
  const [rows = 0, columns = 0] = parameter.shape;
  const shape = [rows, columns / groupSize];
  const bytes = new Uint8Array((rows * columns * bits) / 8);
  const scales = new Uint8Array((2 * rows * columns) / groupSize);
  const biases = new Uint8Array(scales.length);
  const rowsAtOnce = Math.max(1, Math.floor(PIECE_ELEMENTS / columns));
  for (let row = 0; row < rows; row += rowsAtOnce) {
    const count = Math.min(rowsAtOnce, rows - row);
    const values =
      parameter.dtype === 'affine'
        ? dequantizeRows(parameter, row, count)
        : widenRange(parameter, row * columns, count * columns);
    const made = quantizeRows(values, form);
    bytes.set(made.packed, (row * columns * bits) / 8);
    scales.set(new Uint8Array(made.scales.buffer), (2 * row * columns) / groupSize);
    biases.set(new Uint8Array(made.biases.buffer), (2 * row * columns) / groupSize);
  }
  const { name } = parameter;
  return {
    name,
    shape: [rows, columns],
    dtype: 'affine',
    bytes,
    bits,
    groupSize,
    scales: { name: `${name} scales`, shape, dtype: 'bf16', bytes: scales },
    biases: { name: `${name} biases`, shape, dtype: 'bf16', bytes: biases },
  };
}

/**
 * A convolution's weight [Cout, Cin, 3, 3] as the f32 numbers that its rounded form stands for: the channels come last, and
 * groups of them are rounded for each output and place in the window.
 */
export function roundedConvolution(parameter: PlainParameter, form: IntegerForm): PlainParameter {
  const [outputs = 0, inputs = 0] = parameter.shape;
  const values = widenRange(parameter, 0, outputs * inputs * TAPS);
  const moved = transposed(values, [outputs, inputs, TAPS]); // [Cout, 3, 3, Cin]
  const shape = [outputs, TAPS * inputs];
  const rows: PlainParameter = { ...parameter, shape, dtype: 'f32', bytes: new Uint8Array(moved.buffer) };
  const rounded = dequantizeRows(integerParameter(rows, form), 0, outputs);
  const bytes = new Uint8Array(transposed(rounded, [outputs, TAPS, inputs]).buffer);
  return { ...parameter, dtype: 'f32', bytes };
}

/** Places of a 3×3 window. */
const TAPS = 9;

/** What `quantizeRows` makes: the three tensors of an affine matrix. */
export interface AffineRows {
  /** [N, K·bits/8]. */
  readonly packed: Uint8Array;
  /** [N, K/groupSize] bf16. */
  readonly scales: Uint16Array;
  /** [N, K/groupSize] bf16. */
  readonly biases: Uint16Array;
}

/**
 * Rounds f32 values to affine groups. Of a group's two ends the one farther from zero becomes the bias, and the scale
 * leads from there to the other end; both are rounded to bf16 first, and every q is the nearest to its value under
 * those: |w − (scale·q + bias)| ≤ |scale|·(½ + 2⁻¹⁴), and 2⁻⁸ of the ends where their rounding leaves w outside. Every
 * step is rounded to f32, as the kernel `packRows` does it, which gives the same bits.
 *
 * @param values [N, K] f32, finite; K a multiple of groupSize
 *
 * @example
 * const { packed } = quantizeRows(new Float32Array(64).fill(0.5), { bits: 8, groupSize: 64 });
 * packed.length; // 64
 */
export function quantizeRows(
  values: Float32Array,
  { bits, groupSize }: { bits: AffineBits; groupSize: number },
): AffineRows {
  const groups = values.length / groupSize;
  const scales = new Uint16Array(groups);
  const biases = new Uint16Array(groups);
  const packed = new Uint8Array((values.length * bits) / 8);
  const most = 2 ** bits - 1;
  let next = 0;
  let held = 0; // bits of the stream that fill no byte yet, lowest first
  let heldBits = 0;
  for (let group = 0; group < groups; group++) {
    const start = group * groupSize;
    const end = start + groupSize;
    const ends = affineRange(values, start, end, most);
    scales[group] = narrowToBf16(f32Bits(ends.scale));
    biases[group] = narrowToBf16(f32Bits(ends.bias));
    const bias = bf16Value(biases[group]!);
    const inverse = Math.fround(1 / bf16Value(scales[group]!));
    for (let i = start; i < end; i++) {
      const exact = Math.fround(Math.fround(values[i]! - bias) * inverse);
      const q = Math.fround(Math.min(most, Math.max(0, exact)) + UNIT_ULP) - UNIT_ULP;
      held |= q << heldBits;
      for (heldBits += bits; heldBits >= 8; heldBits -= 8) {
        packed[next++] = held & 0xff;
        held >>>= 8;
      }
    }
  }
  return { packed, scales, biases };
}

/** From here to twice of it f32 numbers are the integers: adding it rounds a small number to the nearest, ties to even. */
const UNIT_ULP = 2 ** 23;

/** Scale and bias of values [start, end) before they are rounded. */
function affineRange(
  values: Float32Array,
  start: number,
  end: number,
  most: number,
): { readonly scale: number; readonly bias: number } {
  let low = Infinity;
  let high = -Infinity;
  for (let i = start; i < end; i++) {
    low = Math.min(low, values[i]!);
    high = Math.max(high, values[i]!);
  }
  const [near, far] = Math.abs(low) > Math.abs(high) ? [high, low] : [low, high];
  const scale = Math.fround(Math.fround(near - far) / most);
  return { scale: Math.abs(scale) < LEAST_SCALE ? LEAST_SCALE : scale, bias: far };
}
