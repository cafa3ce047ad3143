import type { KernelBuilder } from '../jit/builder.js';
import type { VecReg } from '../jit/ir.js';

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
