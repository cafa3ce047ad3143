import { QwenAsrError } from '../../error.js';
import type { Weight } from '../operators.js';
import type { Parameter, StorageDtype } from '../parameter.js';

/** A checkpoint tensor used where it lies; rows are widened to f32 when an operator needs them. */
export class ReferenceWeight implements Weight {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: StorageDtype;
  /** Elements of one leading row: product(shape[1…]). */
  readonly rowLength: number;
  readonly #stored: Uint16Array | Float32Array;

  constructor(parameter: Parameter) {
    this.name = parameter.name;
    this.shape = parameter.shape;
    this.dtype = parameter.dtype;
    this.rowLength = parameter.shape.slice(1).reduce((product, size) => product * size, 1);
    const { buffer, byteOffset, byteLength } = parameter.bytes;
    this.#stored =
      parameter.dtype === 'f32'
        ? new Float32Array(buffer, byteOffset, byteLength / 4)
        : new Uint16Array(buffer, byteOffset, byteLength / 2);
  }

  /** Writes row `row` of the leading dimension into `out` [rowLength] as f32. */
  widenRow(row: number, out: Float32Array): void {
    const start = row * this.rowLength;
    const stored = this.#stored.subarray(start, start + this.rowLength);
    if (this.dtype === 'bf16') widenBf16(stored, out);
    else if (this.dtype === 'f16') widenF16(stored, out);
    else out.set(stored);
  }

  /** All elements as f32; for vectors and other small weights. */
  widenAll(): Float32Array {
    const all = new Float32Array(this.#stored.length);
    if (this.dtype === 'bf16') widenBf16(this.#stored, all);
    else if (this.dtype === 'f16') widenF16(this.#stored, all);
    else all.set(this.#stored);
    return all;
  }
}

/** The weight as this backend made it. */
export function weightOf(weight: Weight): ReferenceWeight {
  if (weight instanceof ReferenceWeight) return weight;
  throw new QwenAsrError('internal', `${weight.name}: expected a weight of the reference backend`);
}

/** bf16 is the upper half of an f32, so widening is a shift; exact. */
function widenBf16(stored: ArrayLike<number>, out: Float32Array): void {
  const bits = new Uint32Array(out.buffer, out.byteOffset, out.length);
  for (let i = 0; i < stored.length; i++) bits[i] = stored[i]! << 16;
}

/** IEEE 754 binary16: 1 sign bit, 5 exponent bits (bias 15), 10 fraction bits; exact. */
function widenF16(stored: ArrayLike<number>, out: Float32Array): void {
  for (let i = 0; i < stored.length; i++) {
    const half = stored[i]!;
    const sign = half & 0x8000 ? -1 : 1;
    const exponent = (half >>> 10) & 0x1f;
    const fraction = half & 0x3ff;
    if (exponent === 0) out[i] = sign * fraction * 2 ** -24;
    else if (exponent === 0x1f) out[i] = fraction === 0 ? sign * Infinity : NaN;
    else out[i] = sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  }
}
