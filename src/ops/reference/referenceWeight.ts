import { QwenAsrError } from '../../error.js';
import { F16_VALUES, widenBf16 } from '../../jit/numberFormats.js';
import { dequantizeRows, integerParameter, roundedConvolution } from '../affineGroups.js';
import { channelsFirst } from '../convolutionChannels.js';
import { checkScales } from '../nonFinite.js';
import type { Weight } from '../operators.js';
import { type IntegerForm, type Parameter, type PlainParameter, storedParts } from '../parameter.js';

/** [65536] f32: the value of every bit pattern. bf16 is the upper half of an f32. */
const BF16_VALUES = widenBf16(Uint16Array.from({ length: 65536 }, (_, bits) => bits));

/** A checkpoint tensor used where it lies, or rounded to integers; rows are widened to f32 when an operator needs them. */
export class ReferenceWeight implements Weight {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: Parameter['dtype'];
  readonly byteLength: number;
  /** Activations of so many inputs are rounded together before they are multiplied with integers; null: they are not. */
  readonly groupSize: number | null;
  /** Elements of one leading row: product(shape[1…]). */
  readonly rowLength: number;
  readonly #rows: (firstRow: number, rows: number, out: Float32Array) => void;

  constructor(given: Parameter, form: IntegerForm | undefined) {
    if (given.dtype === 'affine') checkScales(given);
    const shaped = given.dtype === 'affine' ? given : channelsFirst(given);
    const parameter = form === undefined ? shaped : rounded(shaped, form);
    this.name = parameter.name;
    this.shape = parameter.shape;
    this.groupSize = form?.groupSize ?? null;
    this.dtype = parameter.dtype;
    this.byteLength = storedParts(parameter).reduce((sum, { bytes }) => sum + bytes.byteLength, 0);
    this.rowLength = parameter.shape.slice(1).reduce((product, size) => product * size, 1);
    this.#rows =
      parameter.dtype === 'affine'
        ? (firstRow, rows, out) => out.set(dequantizeRows(parameter, firstRow, rows))
        : plainRows(parameter, this.rowLength);
  }

  /** Writes row `row` of the leading dimension into `out` [rowLength] as f32. */
  widenRow(row: number, out: Float32Array): void {
    this.#rows(row, 1, out);
  }

  /** All elements as f32; for vectors and other small weights. */
  widenAll(): Float32Array {
    const rows = this.shape[0] ?? 1;
    const all = new Float32Array(rows * this.rowLength);
    this.#rows(0, rows, all);
    return all;
  }
}

function rounded(parameter: Parameter, form: IntegerForm): Parameter {
  const isMatrix = parameter.dtype === 'affine' || parameter.shape.length === 2;
  return isMatrix ? integerParameter(parameter, form) : roundedConvolution(parameter, form);
}

function plainRows(parameter: PlainParameter, rowLength: number) {
  const { buffer, byteOffset, byteLength } = parameter.bytes;
  if (parameter.dtype === 'f32') {
    const stored = new Float32Array(buffer, byteOffset, byteLength / 4);
    return (firstRow: number, rows: number, out: Float32Array): void => {
      out.set(stored.subarray(firstRow * rowLength, (firstRow + rows) * rowLength));
    };
  }
  const stored = new Uint16Array(buffer, byteOffset, byteLength / 2);
  const widened = parameter.dtype === 'bf16' ? BF16_VALUES : F16_VALUES;
  return (firstRow: number, rows: number, out: Float32Array): void => {
    const start = firstRow * rowLength;
    for (let i = 0; i < rows * rowLength; i++) out[i] = widened[stored[start + i]!]!;
  };
}

/** The weight as this backend made it. */
export function weightOf(weight: Weight): ReferenceWeight {
  if (weight instanceof ReferenceWeight) return weight;
  throw new QwenAsrError('internal', `${weight.name}: expected a weight of the reference backend`);
}
