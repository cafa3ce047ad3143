import type { PlainParameter } from '../ops/parameter.js';

/** What a scan of one tensor found. */
export interface NonFinite {
  /** Elements that are NaN or an infinity. */
  readonly count: number;
  /** Row-major index of the first, -1 when there is none. */
  readonly firstIndex: number;
}

/**
 * Counts NaNs and infinities: elements whose exponent bits are all ones.
 *
 * @example
 * const bytes = new Uint8Array(new Uint16Array([0x3f80, 0x7fc0]).buffer); // bf16 1 and NaN
 * countNonFinite({ name: 'x', shape: [2], dtype: 'bf16', bytes }); // { count: 1, firstIndex: 1 }
 */
export function countNonFinite({ dtype, bytes }: PlainParameter): NonFinite {
  if (dtype === 'f32') {
    return scan(new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4), 0x7f800000);
  }
  const values = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 2);
  return scan(values, dtype === 'bf16' ? 0x7f80 : 0x7c00);
}

function scan(values: Uint16Array | Uint32Array, exponentMask: number): NonFinite {
  let count = 0;
  let firstIndex = -1;
  for (let i = 0; i < values.length; i++) {
    if ((values[i]! & exponentMask) === exponentMask) {
      if (count++ === 0) firstIndex = i;
    }
  }
  return { count, firstIndex };
}
