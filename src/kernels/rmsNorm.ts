import { KernelBuilder } from '../jit/builder.js';
import type { Capabilities, IntReg, KernelCode, VecReg } from '../jit/ir.js';
import { type KernelSpec, kernelParams, loadSlot } from './kernel.js';
import { rowRange } from './rowRange.js';
import type { OperandDtype } from './tilePolicy.js';

export interface NormSpec {
  /** Elements of a row; a multiple of 16. */
  readonly length: number;
  readonly epsilon: number;
  readonly yDtype: OperandDtype;
  readonly rowsPerTile: number;
}

/** Argument structure of both norms; weight and bias [length] f32. */
export const NORM_SLOTS = { x: 0, y: 1, weight: 2, bias: 3, m: 4 } as const;

/**
 * y = x / √(mean(x²) + ε) ⊙ weight, row by row; x [M, length] f32, y operand.
 * Error: (length/lanes + 12)·2⁻²⁴ relative to |y|, and the rounding of y.
 */
export function rmsNorm(spec: NormSpec): KernelSpec<keyof typeof NORM_SLOTS> {
  const { length, epsilon, yDtype, rowsPerTile } = spec;
  return {
    name: `rmsNorm.${length}.${epsilon}.${yDtype}.t${rowsPerTile}`,
    slots: NORM_SLOTS,
    emit: (capabilities) => emit(spec, capabilities),
  };
}

function emit(spec: NormSpec, capabilities: Capabilities): KernelCode {
  const k = new KernelBuilder('rmsNorm', capabilities);
  const params = kernelParams(k);
  const { first, count } = rowRange(k, params, spec.rowsPerTile, NORM_SLOTS.m);
  const yBytes = spec.yDtype === 'bf16' ? 2 : 4;
  const x = loadSlot(k, params, NORM_SLOTS.x);
  k.advance(x, k.intOp('mul', first, 4 * spec.length));
  const y = loadSlot(k, params, NORM_SLOTS.y);
  k.advance(y, k.intOp('mul', first, yBytes * spec.length));
  const weight = loadSlot(k, params, NORM_SLOTS.weight);
  k.loop(count, () => {
    const scale = emitRmsScale(k, x, spec.length, spec.epsilon);
    const offset = k.intConst(0);
    k.while('lt', offset, 4 * spec.length, () => {
      const value = k.mul(scale, k.at(x, 0, offset));
      k.mul(value, k.at(weight, 0, offset), value);
      k.store(k.at(y), value, spec.yDtype === 'bf16' ? 'bf16' : 'raw');
      k.advance(y, yBytes * k.lanes);
      k.advance(offset, 4 * k.lanes);
    });
    k.advance(x, 4 * spec.length);
  });
  return k.finish();
}

/** 1/√(mean(x²) + ε) in every lane, of one row of f32. */
export function emitRmsScale(k: KernelBuilder, x: IntReg, length: number, epsilon: number): VecReg {
  const sum = k.vecConst(0);
  const offset = k.intConst(0);
  k.while('lt', offset, 4 * length, () => {
    const value = k.load(k.at(x, 0, offset));
    k.fma(sum, value, value);
    k.advance(offset, 4 * k.lanes);
  });
  const mean = k.mul(k.reduce('add', sum), k.vecConst(1 / length));
  k.add(mean, k.vecConst(epsilon), mean);
  return k.div(k.vecConst(1), k.unary('sqrt', mean, mean));
}
