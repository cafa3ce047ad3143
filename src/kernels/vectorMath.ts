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

/*
 * erf(z) ≈ z·P(z²)/Q(z²) on |z| ≤ 3.92, where erf(3.92) = 1 − 3e-8: a rational minimax fit (iteratively reweighted
 * least squares on 4000 Chebyshev points against the C library's erf, absolute error 1.7e-8), which in f32 arithmetic
 * stays within 4e-7 of erf. Coefficients in rising powers of z².
 */
const ERF_LIMIT = 3.92;
const P = [
  1.1283790228845998, 0.19275732913383525, 0.05305945668701488, 0.003867990666230271, 0.00028746357623335244,
  2.0346854289223696e-6,
];
const Q = [
  1, 0.5041584067611643, 0.11508170987019671, 0.015171644172217072, 0.001188017182538353,
  3.8069286584645125e-5,
];

/** Exact (erf) GELU, x·(1 + erf(x/√2))/2, of one vector at a time; absolute error below 4e-7·max(1, |x|)/2 + 2⁻²³·|x|. */
export class Gelu {
  private readonly k: KernelBuilder;
  private readonly limit: VecReg;
  private readonly negativeLimit: VecReg;

  /** Loads the constants that stay in registers. */
  constructor(k: KernelBuilder) {
    this.k = k;
    this.limit = k.vecConst(ERF_LIMIT);
    this.negativeLimit = k.vecConst(-ERF_LIMIT);
  }

  /** @param x overwritten with the result. NaN stays NaN. */
  emit(x: VecReg): VecReg {
    const { k } = this;
    const z = k.mul(x, k.vecConst(Math.SQRT1_2));
    k.min(this.limit, z, z); // the second operand wins for NaN, which so gets through
    k.max(this.negativeLimit, z, z);
    const square = k.mul(z, z);
    const numerator = this.polynomial(P, square);
    const denominator = this.polynomial(Q, square);
    k.mul(numerator, z, numerator);
    k.div(numerator, denominator, numerator);
    const half = k.mul(x, k.vecConst(0.5), x);
    k.fma(half, half, numerator);
    return half;
  }

  private polynomial(coefficients: readonly number[], t: VecReg): VecReg {
    const { k } = this;
    let sum = k.vecConst(coefficients.at(-1)!);
    for (let i = coefficients.length - 2; i >= 0; i--) {
      const next = k.vecConst(coefficients[i]!);
      k.fma(next, sum, t);
      sum = next;
    }
    return sum;
  }
}
