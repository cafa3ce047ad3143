/** Element types that checkpoints store. */
export type StorageDtype = 'bf16' | 'f16' | 'f32';

/** Bytes per element of a {@link StorageDtype}. */
export const STORAGE_BYTES: Readonly<Record<StorageDtype, number>> = { bf16: 2, f16: 2, f32: 4 };

/**
 * One checkpoint tensor as it lies in its file (or in memory, for synthetic weights): little-endian, row-major.
 * `bytes` may be a view of a memory-mapped file; nobody writes to it.
 */
export interface Parameter {
  /** The checkpoint's own name, for example `thinker.model.norm.weight`. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: StorageDtype;
  /** Exactly product(shape) · STORAGE_BYTES[dtype] bytes; at least 2-byte aligned (4 for f32). */
  readonly bytes: Uint8Array;
}
