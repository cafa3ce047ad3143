const floats = new Float32Array(1);
const words = new Uint32Array(floats.buffer);

/** Rounds f32 values to bf16, ties to even; NaN stays NaN. `to` may be longer than `from`. */
export function roundToBf16(from: ArrayLike<number>, to: Uint16Array): void {
  for (let i = 0; i < from.length; i++) {
    floats[0] = from[i]!;
    const bits = words[0]!;
    const notANumber = (bits & 0x7fffffff) > 0x7f800000;
    to[i] = notANumber ? (bits >>> 16) | 0x40 : (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
  }
}

/** Widens bf16 to f32, exactly. */
export function widenBf16(from: Uint16Array): Float32Array {
  const wide = new Uint32Array(from.length);
  for (let i = 0; i < from.length; i++) wide[i] = from[i]! << 16;
  return new Float32Array(wide.buffer);
}
