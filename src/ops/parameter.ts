import { QwenAsrError } from '../error.js';

/** Element types that checkpoints store. */
export type StorageDtype = 'bf16' | 'f16' | 'f32';

/** Bytes per element of a {@link StorageDtype}. */
export const STORAGE_BYTES: Readonly<Record<StorageDtype, number>> = { bf16: 2, f16: 2, f32: 4 };

/**
 * One checkpoint tensor as it lies in its file (or in memory, for synthetic weights): little-endian, row-major.
 * `bytes` may be a view of a memory-mapped file; nobody writes to it.
 */
export type Parameter = PlainParameter | AffineParameter;

/** A tensor of floating-point numbers. */
export interface PlainParameter {
  /** The checkpoint's own name, for example `thinker.model.norm.weight`. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: StorageDtype;
  /** Exactly product(shape) · STORAGE_BYTES[dtype] bytes; at least 2-byte aligned (4 for f32). */
  readonly bytes: Uint8Array;
  /**
   * Of a convolution's weight, [out, in, kh, kw]: `last` where its bytes lie as [out, kh, kw, in], as MLX stores them and
   * kernels read them. Left out: as the shape says.
   */
  readonly channels?: 'last';
}

/** Bits of a quantised value that occur in published conversions. */
export type AffineBits = 2 | 3 | 4 | 5 | 6 | 8;

/**
 * A matrix in affine groups along its rows: w[n, k] = scales[n, k/group] · q[n, k] + biases[n, k/group], q unsigned. A
 * row of q is one stream of bits, lowest first: value k takes bits k·bits … k·bits + bits − 1.
 */
export interface AffineParameter {
  readonly name: string;
  /** [N, K] of the matrix it stands for. */
  readonly shape: readonly [rows: number, columns: number];
  readonly dtype: 'affine';
  /** N rows of K·bits/8 bytes; 4-byte aligned. */
  readonly bytes: Uint8Array;
  readonly bits: AffineBits;
  /** Values that share a scale and a bias: 32, 64 or 128; divides K. */
  readonly groupSize: number;
  /** [N, K/groupSize], of either sign. */
  readonly scales: PlainParameter;
  /** [N, K/groupSize]. */
  readonly biases: PlainParameter;
  /** Where the three come from, which messages begin with. */
  readonly source?: string;
}

/** How a matrix is held as integers in affine groups along its rows. */
export interface IntegerForm {
  /** Quantised parameters with at most 4 bits fit in 4, all others in 8. */
  readonly bits: 8 | 4;
  /** Divides K; of a quantised parameter its own. */
  readonly groupSize: number;
}

/** Everything that a parameter is stored in: an affine matrix has three tensors. */
export function storedParts(parameter: Parameter): readonly { readonly bytes: Uint8Array }[] {
  return parameter.dtype === 'affine' ? [parameter, parameter.scales, parameter.biases] : [parameter];
}

/**
 * Backends read what the shape says.
 *
 * @throws QwenAsrError `internal` when there are not exactly as many bytes
 */
export function checkParameterBytes(parameter: Parameter): void {
  const { name, shape, dtype, bytes } = parameter;
  const bits = parameter.dtype === 'affine' ? parameter.bits : 8 * STORAGE_BYTES[parameter.dtype];
  const expected = shape.reduce((product, size) => product * size, bits) / 8;
  if (bytes.byteLength !== expected) {
    const what = `${name}: expected ${expected} bytes for [${shape.join(', ')}] ${dtype}`;
    throw new QwenAsrError('internal', `${what}, found ${bytes.byteLength}`);
  }
  if (parameter.dtype !== 'affine') return;
  checkParameterBytes(parameter.scales);
  checkParameterBytes(parameter.biases);
}
