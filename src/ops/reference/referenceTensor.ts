import { QwenAsrError } from '../../error.js';
import type { ActivationDtype, Tensor } from '../operators.js';

/** Whether the memory behind an activation may still be used: cleared by `scope.release()` and `backend.close()`. */
export interface Lifetime {
  /** Throws `closed` or `internal` when the memory is gone. */
  check(label: string): void;
}

/** An activation as a plain typed array; `operand` is f32 here, because the reference multiplies in f32. */
export class ReferenceTensor implements Tensor {
  readonly label: string;
  readonly shape: readonly number[];
  readonly dtype: ActivationDtype;
  /** product(shape) elements, row-major; Int32Array exactly where dtype is `i32`. */
  readonly data: Float32Array | Int32Array;
  readonly #lifetime: Lifetime;

  constructor(
    label: string,
    shape: readonly number[],
    dtype: ActivationDtype,
    data: Float32Array | Int32Array,
    lifetime: Lifetime,
  ) {
    this.label = label;
    this.shape = shape;
    this.dtype = dtype;
    this.data = data;
    this.#lifetime = lifetime;
  }

  rows(start: number, end: number): Tensor {
    const [count = 0, ...rest] = this.shape;
    if (!(start >= 0 && start <= end && end <= count)) {
      throw new QwenAsrError(
        'internal',
        `${this.label}: expected rows within 0..${count}, found ${start}..${end}`,
      );
    }
    const stride = rest.reduce((product, size) => product * size, 1);
    const view = this.data.subarray(start * stride, end * stride);
    return new ReferenceTensor(this.label, [end - start, ...rest], this.dtype, view, this.#lifetime);
  }

  write(values: Float32Array | Int32Array): void {
    this.#lifetime.check(this.label);
    if (values.length !== this.data.length) {
      throw new QwenAsrError(
        'internal',
        `${this.label}: expected ${this.data.length} values, found ${values.length}`,
      );
    }
    this.data.set(values);
  }

  read(): Float32Array {
    this.#lifetime.check(this.label);
    return Float32Array.from(this.data);
  }

  readIntegers(): Int32Array {
    this.#lifetime.check(this.label);
    return Int32Array.from(this.data);
  }
}

/** The f32 elements of a tensor of this backend. */
export function floatsOf(tensor: Tensor): Float32Array {
  if (tensor instanceof ReferenceTensor && tensor.data instanceof Float32Array) return tensor.data;
  throw new QwenAsrError('internal', `${tensor.label}: expected an f32 tensor of the reference backend`);
}

/** The i32 elements of a tensor of this backend. */
export function integersOf(tensor: Tensor): Int32Array {
  if (tensor instanceof ReferenceTensor && tensor.data instanceof Int32Array) return tensor.data;
  throw new QwenAsrError('internal', `${tensor.label}: expected an i32 tensor of the reference backend`);
}
