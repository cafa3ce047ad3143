/** Compared at a time by hand: element access in a mapping of gigabytes is slow in V8, copying it is not. */
const COPIED_BYTES = 2 ** 18;

/** Whether two arrays hold the same bytes. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.byteLength !== b.byteLength) return false;
  if (a.buffer === b.buffer && a.byteOffset === b.byteOffset) return true;
  if (typeof Buffer !== 'undefined') return Buffer.compare(a, b) === 0; // browsers have none
  for (let start = 0; start < a.byteLength; start += COPIED_BYTES) {
    const [piece, other] = [a.slice(start, start + COPIED_BYTES), b.slice(start, start + COPIED_BYTES)];
    for (let i = 0; i < piece.length; i++) if (piece[i] !== other[i]) return false;
  }
  return true;
}
