import { QwenAsrError } from '../../error.js';
import { F16_VALUES } from '../float16.js';
import type { Weight } from '../operators.js';
import type { Parameter, StorageDtype } from '../parameter.js';

/** [65536] f32: the value of every bit pattern. bf16 is the upper half of an f32. */
const BF16_VALUES = new Float32Array(Uint32Array.from({ length: 65536 }, (_, bits) => bits << 16).buffer);

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
    this.#widen(row * this.rowLength, this.rowLength, out);
  }

  /** All elements as f32; for vectors and other small weights. */
  widenAll(): Float32Array {
    const all = new Float32Array(this.#stored.length);
    this.#widen(0, all.length, all);
    return all;
  }

  #widen(start: number, count: number, out: Float32Array): void {
    const stored = this.#stored;
    if (stored instanceof Float32Array) return out.set(stored.subarray(start, start + count));
    const widened = this.dtype === 'bf16' ? BF16_VALUES : F16_VALUES;
    for (let i = 0; i < count; i++) out[i] = widened[stored[start + i]!]!;
  }
}

/** The weight as this backend made it. */
export function weightOf(weight: Weight): ReferenceWeight {
  if (weight instanceof ReferenceWeight) return weight;
  throw new QwenAsrError('internal', `${weight.name}: expected a weight of the reference backend`);
}
