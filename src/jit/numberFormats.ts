/*
 * Conversions between f32 and the 16-bit formats, for kernels' constants, the interpreter, weights and tests: bf16 is the
 * upper half of an f32, f16 is IEEE 754 binary16.
 */

const floats = new Float32Array(1);
const words = new Uint32Array(floats.buffer);

/** The 32 bits of an f32. */
export function f32Bits(value: number): number {
  floats[0] = value;
  return words[0]!;
}

/** bf16 bits (0–65535) → f32, exact. */
export function bf16Value(bits: number): number {
  words[0] = bits << 16;
  return floats[0]!;
}

/** f32 bits → bf16 bits, to the nearest, ties to even. A NaN stays a NaN, quiet. */
export function narrowToBf16(bits: number): number {
  if ((bits & 0x7fffffff) > 0x7f800000) return (bits >>> 16) | 0x40;
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff;
}

/** Rounds f32 values to bf16 as narrowToBf16 does. `to` may be longer than `from`. */
export function roundToBf16(from: ArrayLike<number>, to: Uint16Array): void {
  for (let i = 0; i < from.length; i++) to[i] = narrowToBf16(f32Bits(from[i]!));
}

/** Widens bf16 to f32, exactly. */
export function widenBf16(from: Uint16Array): Float32Array {
  const wide = new Uint32Array(from.length);
  for (let i = 0; i < from.length; i++) wide[i] = from[i]! << 16;
  return new Float32Array(wide.buffer);
}

/** f16 bits (0–65535) → f32, exact: 1 sign bit, 5 exponent bits (bias 15), 10 fraction bits. */
export function f16Value(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** [65536] f32: the value of every f16 bit pattern. */
export const F16_VALUES = Float32Array.from({ length: 65536 }, (_, bits) => f16Value(bits));

/** Widens f16 to f32, exactly. */
export function widenF16(from: Uint16Array): Float32Array {
  return Float32Array.from(from, (bits) => F16_VALUES[bits]!);
}
