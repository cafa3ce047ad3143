import type { KernelBuilder } from '../jit/builder.js';
import type { VecReg } from '../jit/ir.js';

/** log2(e), and ln 2 split so that n·LN2_HIGH is exact for |n| < 2^10 (fdlibm's split, in f32). */
const LOG2_E = Math.LOG2E;
const LN2_HIGH = 0.693359375;
const LN2_LOW = Math.LN2 - LN2_HIGH;

/** 1/n! for n = 7 … 2: the Taylor polynomial of eˣ on |x| ≤ ln2/2 is within 6e-9 of it, far below f32's rounding. */
const EXP_COEFFICIENTS = [1 / 5040, 1 / 720, 1 / 120, 1 / 24, 1 / 6, 1 / 2];

/**
 * eˣ for x in [-87, 88], clamped to that range: n = round(x·log2 e), e^(x − n·ln 2) by polynomial, times 2ⁿ put
 * together in the exponent bits. Relative error below 2⁻²². NaN gives a finite number: callers check finiteness
 * elsewhere.
 *
 * @param x overwritten
 */
export function emitExp(k: KernelBuilder, x: VecReg): VecReg {
  k.max(x, k.vecConst(-87), x);
  k.min(x, k.vecConst(88), x);
  const n = k.mul(x, k.vecConst(LOG2_E));
  k.unary('roundEven', n, n);
  k.fma(x, n, k.vecConst(-LN2_HIGH));
  k.fma(x, n, k.vecConst(-LN2_LOW));
  const y = k.vecConst(EXP_COEFFICIENTS[0]!);
  for (const coefficient of [...EXP_COEFFICIENTS.slice(1), 1, 1]) horner(k, y, x, coefficient);
  k.unary('toI32', n, n);
  k.shift('left', n, 23, n);
  return k.vecOp('addI32', y, n, y); // adds n to the exponent of y in [0.7, 1.42]
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
