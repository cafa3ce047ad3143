import type { KernelBuilder } from '../jit/builder.js';
import type { VecReg } from '../jit/ir.js';

/** log2(e), and ln 2 split so that n·LN2_HIGH is exact for |n| < 2^10 (fdlibm's split, in f32). */
const LOG2_E = Math.LOG2E;
const LN2_HIGH = 0.693359375;
const LN2_LOW = Math.LN2 - LN2_HIGH;

/** 1/n! for n = 7 … 2: the Taylor polynomial of eˣ on |x| ≤ ln2/2 is within 6e-9 of it, far below f32's rounding. */
const EXP_COEFFICIENTS = [1 / 5040, 1 / 720, 1 / 120, 1 / 24, 1 / 6, 1 / 2];

/** 1.5·2²³: f32 numbers of this size are integers, so adding it rounds to one, and its low bits are that integer. */
const ROUNDER = 12582912;
/** Exponent bits of 1 in f32. */
const EXPONENT_BIAS = 127;

/**
 * eˣ for x in [-87, 88], clamped to that range: n = round(x·log2 e), e^(x − n·ln 2) by polynomial, times 2ⁿ made of
 * exponent bits. Relative error below 2⁻²². NaN stays NaN.
 *
 * @param x overwritten
 */
export function emitExp(k: KernelBuilder, x: VecReg): VecReg {
  k.max(k.vecConst(-87), x, x); // the second operand wins for NaN, which so gets through
  k.min(k.vecConst(88), x, x);
  const rounder = k.vecConst(ROUNDER + EXPONENT_BIAS);
  const biased = k.vecMove(k.vec(), rounder);
  k.fma(biased, x, k.vecConst(LOG2_E));
  const n = k.sub(biased, rounder, rounder);
  const power = k.shift('left', biased, 23, biased); // 2ⁿ
  k.fma(x, n, k.vecConst(-LN2_HIGH));
  k.fma(x, n, k.vecConst(-LN2_LOW));
  const y = k.vecConst(EXP_COEFFICIENTS[0]!);
  for (const coefficient of [...EXP_COEFFICIENTS.slice(1), 1, 1]) horner(k, y, x, coefficient);
  return k.mul(y, power, y);
}

/** y = y·x + coefficient. */
function horner(k: KernelBuilder, y: VecReg, x: VecReg, coefficient: number): void {
  const next = k.vecConst(coefficient);
  k.fma(next, y, x);
  k.vecMove(y, next);
}

/** x·sigmoid(x) = x / (1 + e⁻ˣ); relative error below 2⁻²⁰ where |x| < 87. @param x overwritten */
export function emitSilu(k: KernelBuilder, x: VecReg): VecReg {
  const negated = k.vecOp('xor', x, k.vecBits(0x80000000));
  const denominator = emitExp(k, negated);
  k.add(denominator, k.vecConst(1), denominator);
  return k.div(x, denominator, x);
}

/** 2/(2i+1) for i = 5 … 1 and 2: ln((1+s)/(1−s)) = 2s + 2s³/3 + …; |s| ≤ 0.172, so the next term is below 1e-10. */
const LOG_COEFFICIENTS = [2 / 11, 2 / 9, 2 / 7, 2 / 5, 2 / 3, 2];

/**
 * ln x for positive normal x: x = m·2ᵉ with m in [√½, √2), ln x = e·ln 2 + ln m by the series in s = (m−1)/(m+1).
 * Absolute error below 2e-7 + 2⁻²³·|ln x|. Zero, negative and non-finite x give meaningless finite numbers.
 */
export function emitLn(k: KernelBuilder, x: VecReg): VecReg {
  const one = k.vecConst(1);
  const bits = k.vecOp('and', x, k.vecBits(0x007fffff));
  const mantissa = k.vecOp('or', bits, one, bits); // in [1, 2)
  const exponentBits = k.vecOp('subI32', k.shift('right', x, 23), k.vecBits(127));
  const exponent = k.unary('fromI32', exponentBits, exponentBits);
  const high = k.vecConst(Math.SQRT2);
  const halved = k.mul(mantissa, k.vecConst(0.5));
  const raised = k.add(exponent, one);
  k.select('gt', mantissa, high, raised, exponent, exponent);
  k.select('gt', mantissa, high, halved, mantissa, mantissa);
  const s = k.sub(mantissa, one);
  k.div(s, k.add(mantissa, one), s);
  const square = k.mul(s, s);
  const y = k.vecConst(LOG_COEFFICIENTS[0]!);
  for (const coefficient of LOG_COEFFICIENTS.slice(1)) horner(k, y, square, coefficient);
  k.mul(y, s, y);
  k.fma(y, exponent, k.vecConst(Math.LN2));
  return y;
}
