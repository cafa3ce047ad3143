import { QwenAsrError } from '../../error.js';
import type { ActivationDtype, FeatureMap, KvCache, Tensor } from '../operators.js';

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

/** The rows of a matrix as views, [length] f32 each. */
export function rowsOf(tensor: Tensor, length: number): Float32Array[] {
  const values = floatsOf(tensor);
  return Array.from({ length: values.length / length }, (_, row) =>
    values.subarray(row * length, (row + 1) * length),
  );
}

/** The index itself, or where it lies outside a table of `count` rows the nearest inside: what kernels do. */
export function nearestIndex(index: number, count: number): number {
  return Math.max(0, Math.min(index, count - 1));
}

/** A feature map in plain NCHW order. */
export interface ReferenceFeatureMap extends FeatureMap {
  /** [chunks, channels, height, width] f32. */
  readonly data: Float32Array;
}

/** Keys and values, one array a layer. */
export interface ReferenceKvCache extends KvCache {
  /** Per layer [sequences, capacity, kvHeads, headDim] f32. */
  readonly keys: readonly Float32Array[];
  /** Per layer [sequences, capacity, kvHeads, headDim] f32. */
  readonly values: readonly Float32Array[];
}

/** The NCHW elements of a feature map of this backend. */
export function pixelsOf(map: FeatureMap): Float32Array {
  if ('data' in map && map.data instanceof Float32Array) return map.data;
  throw new QwenAsrError('internal', `${map.label}: expected a feature map of the reference backend`);
}

/** One layer's keys and values of a cache of this backend. */
export function cacheLayer(cache: KvCache, layer: number): { keys: Float32Array; values: Float32Array } {
  const { keys, values } = cache as ReferenceKvCache;
  const layerKeys = keys?.[layer];
  const layerValues = values?.[layer];
  if (layerKeys === undefined || layerValues === undefined) {
    throw new QwenAsrError(
      'internal',
      `kv cache: expected layer ${layer} of a cache of the reference backend`,
    );
  }
  return { keys: layerKeys, values: layerValues };
}

/** Index of the first element of the (sequence, position) row in a layer's keys or values. */
export function cacheRowOffset(cache: KvCache, sequence: number, position: number): number {
  return (sequence * cache.capacity + position) * cache.kvHeads * cache.headDim;
}
