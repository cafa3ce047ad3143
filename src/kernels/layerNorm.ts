import { KernelBuilder } from '../jit/builder.js';
import type { Capabilities, IntReg, KernelCode, VecReg } from '../jit/ir.js';
import { type KernelSpec, kernelParams, loadSlot } from './kernel.js';
import { NORM_SLOTS, type NormSpec } from './rmsNorm.js';
import { rowRange } from './rowRange.js';

/**
 * y = (x − mean) / √(variance + ε) ⊙ weight + bias, row by row; x [M, length] f32, y operand. Two passes: the variance
 * is taken around the mean, so that nothing cancels.
 * Error: (length/lanes + 12)·2⁻²⁴ of (max|x − mean| + mean|x|)·scale·|weight| + |bias|, and the rounding of y.
 */
export function layerNorm(spec: NormSpec): KernelSpec<keyof typeof NORM_SLOTS> {
  const { length, epsilon, yDtype, rowsPerTile } = spec;
  return {
    name: `layerNorm.${length}.${epsilon}.${yDtype}.t${rowsPerTile}`,
    slots: NORM_SLOTS,
    emit: (capabilities) => emit(spec, capabilities),
  };
}

function emit(spec: NormSpec, capabilities: Capabilities): KernelCode {
  const k = new KernelBuilder('layerNorm', capabilities);
  const params = kernelParams(k);
  const { first, count } = rowRange(k, params, spec.rowsPerTile, NORM_SLOTS.m);
  const yBytes = spec.yDtype === 'bf16' ? 2 : 4;
  const x = loadSlot(k, params, NORM_SLOTS.x);
  k.advance(x, k.intOp('mul', first, 4 * spec.length));
  const y = loadSlot(k, params, NORM_SLOTS.y);
  k.advance(y, k.intOp('mul', first, yBytes * spec.length));
  const weight = loadSlot(k, params, NORM_SLOTS.weight);
  const bias = loadSlot(k, params, NORM_SLOTS.bias);
  k.loop(count, () => {
    const mean = emitMean(k, x, spec.length);
    const scale = emitScale(k, x, mean, spec);
    const offset = k.intConst(0);
    k.while('lt', offset, 4 * spec.length, () => {
      const value = k.sub(k.load(k.at(x, 0, offset)), mean);
      k.mul(value, scale, value);
      const result = k.load(k.at(bias, 0, offset));
      k.fma(result, value, k.at(weight, 0, offset));
      k.store(k.at(y), result, spec.yDtype === 'bf16' ? 'bf16' : 'raw');
      k.advance(y, yBytes * k.lanes);
      k.advance(offset, 4 * k.lanes);
    });
    k.advance(x, 4 * spec.length);
  });
  return k.finish();
}

function emitMean(k: KernelBuilder, x: IntReg, length: number): VecReg {
  const sum = k.vecConst(0);
  const offset = k.intConst(0);
  k.while('lt', offset, 4 * length, () => {
    k.add(sum, k.at(x, 0, offset), sum);
    k.advance(offset, 4 * k.lanes);
  });
  return k.mul(k.reduce('add', sum), k.vecConst(1 / length));
}

/** 1/√(variance + ε) in every lane. */
function emitScale(k: KernelBuilder, x: IntReg, mean: VecReg, spec: NormSpec): VecReg {
  const sum = k.vecConst(0);
  const offset = k.intConst(0);
  k.while('lt', offset, 4 * spec.length, () => {
    const value = k.sub(k.load(k.at(x, 0, offset)), mean);
    k.fma(sum, value, value);
    k.advance(offset, 4 * k.lanes);
  });
  const variance = k.mul(k.reduce('add', sum), k.vecConst(1 / spec.length));
  k.add(variance, k.vecConst(spec.epsilon), variance);
  return k.div(k.vecConst(1), k.unary('sqrt', variance, variance));
}
