import { QwenAsrError } from '../error.js';
import { type AffineParameter, type PlainParameter, STORAGE_BYTES } from './parameter.js';

/**
 * Packing on all threads looks at scales by the way; who places a quantised matrix otherwise calls this.
 *
 * @throws QwenAsrError `model` that names the first scale or bias that is not finite
 */
export function checkScales({ scales, biases, source }: AffineParameter): void {
  for (const part of [scales, biases]) {
    const index = firstNonFinite(part);
    if (index === -1) continue;
    const where = source === undefined ? '' : `${source}: `;
    throw new QwenAsrError('model', `${where}quantised tensor ${part.name}: element ${index} is not finite`);
  }
}

/** Looked at at once: it stays in the cache of a core. */
const piece = new Uint8Array(2 ** 16);

/** @returns the index of the first element that is NaN or an infinity, or -1 */
function firstNonFinite(part: PlainParameter): number {
  const { bytes, dtype } = part;
  for (let start = 0; start < bytes.byteLength; start += piece.length) {
    // A copy: element access in a mapping of gigabytes is slow in V8, copying it is not.
    const from = bytes.subarray(start, start + piece.length);
    piece.set(from);
    const { firstIndex } = countNonFinite({ ...part, bytes: piece.subarray(0, from.length) });
    if (firstIndex !== -1) return start / STORAGE_BYTES[dtype] + firstIndex;
  }
  return -1;
}

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
  const exponentMask = dtype === 'bf16' ? 0x7f80 : 0x7c00;
  if (isFiniteByPairs(bytes, exponentMask)) return { count: 0, firstIndex: -1 };
  return scan(new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 2), exponentMask);
}

/**
 * Whether all numbers of 16 bits are finite, two at a time: an exponent of ones carries into the sign's bit when its
 * lowest bit is added. False where they do not lie in whole words.
 */
function isFiniteByPairs(bytes: Uint8Array, exponentMask: number): boolean {
  if (bytes.byteOffset % 4 !== 0 || bytes.byteLength % 4 !== 0) return false;
  const words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  const masks = exponentMask * 0x10001;
  const lowest = (exponentMask & -exponentMask) * 0x10001;
  let carries = 0;
  for (let i = 0; i < words.length; i++) carries |= ((words[i]! & masks) + lowest) | 0;
  return (carries & 0x80008000) === 0;
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
