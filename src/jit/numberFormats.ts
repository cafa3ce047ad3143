import { f32Bits } from './builder.js';

const view = new DataView(new ArrayBuffer(4));

/** bf16 bits (0–65535) → f32, exact: a bf16 is the upper half of an f32. */
export function widenBf16(bits: number): number {
  view.setUint32(0, bits << 16);
  return view.getFloat32(0);
}

/** IEEE 754 binary16 bits (0–65535) → f32, exact. */
export function widenF16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 0x3ff;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
}

/** f32 bits → bf16 bits, to the nearest, ties to even. A NaN stays a NaN, quiet. */
export function narrowToBf16(bits: number): number {
  if ((bits & 0x7fffffff) > 0x7f800000) return (bits >>> 16) | 0x40;
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff;
}

/** The nearest integral number, ties to even, for an f32 value; the sign of zero is kept. */
export function roundToEven(value: number): number {
  if (!(Math.abs(value) < 2 ** 23)) return value; // integral already, infinite or NaN
  const down = Math.floor(value);
  const rest = value - down; // exact: |value| < 2^23
  const rounded = rest < 0.5 || (rest === 0.5 && down % 2 === 0) ? down : down + 1;
  return rounded === 0 && f32Bits(value) >>> 31 ? -0 : rounded;
}
