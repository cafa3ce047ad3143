/** [65536] f32: the value of every IEEE 754 binary16 bit pattern. */
export const F16_VALUES = Float32Array.from({ length: 65536 }, (_, bits) => f16Value(bits));

/** 1 sign bit, 5 exponent bits (bias 15), 10 fraction bits. */
function f16Value(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** Widens binary16 to f32, exactly. */
export function widenF16(from: Uint16Array): Float32Array {
  return Float32Array.from(from, (bits) => F16_VALUES[bits]!);
}
