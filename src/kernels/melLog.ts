import { KernelBuilder } from '../jit/builder.js';
import type { Capabilities, KernelCode, VecReg } from '../jit/ir.js';
import { type KernelSpec, kernelParams, loadSlot } from './kernel.js';
import { emitLn } from './vectorMath.js';

/**
 * energies: rows of `stride` f32, of which `count` are frames; y: rows of `yStrideBytes` bytes; maxima [rows] f32.
 * A tile is a row (a mel bin).
 */
export const MEL_LOG_SLOTS = { energies: 0, count: 1, y: 2, yStrideBytes: 3, maxima: 4 } as const;

/** The logarithm's floor (WhisperFeatureExtractor). */
const MIN_ENERGY = 1e-10;

/**
 * y[bin, t] = log10(max(energies[bin, t], 1e-10)) for t < count, and the maximum of every row. NaN and infinity give
 * NaN. Absolute error below 1e-7 + 2⁻²²·|y|.
 *
 * @param spec.stride a multiple of 16; kernels read (and ignore) up to a vector past `count`
 */
export function melLog(spec: { readonly stride: number }): KernelSpec<keyof typeof MEL_LOG_SLOTS> {
  return {
    name: `melLog.${spec.stride}`,
    slots: MEL_LOG_SLOTS,
    emit: (capabilities) => emit(spec.stride, capabilities),
  };
}

function emit(stride: number, capabilities: Capabilities): KernelCode {
  const k = new KernelBuilder('melLog', capabilities);
  const params = kernelParams(k);
  const from = loadSlot(k, params, MEL_LOG_SLOTS.energies);
  k.advance(from, k.intOp('mul', params.tile, 4 * stride));
  const y = loadSlot(k, params, MEL_LOG_SLOTS.y);
  k.advance(y, k.intOp('mul', params.tile, loadSlot(k, params, MEL_LOG_SLOTS.yStrideBytes)));
  const count = loadSlot(k, params, MEL_LOG_SLOTS.count);
  const maximum = k.vecConst(Math.log10(MIN_ENERGY));
  k.loop(k.intOp('divide', count, k.lanes), () => {
    const value = emitLog10(k, k.load(k.at(from)));
    k.max(maximum, value, maximum);
    k.store(k.at(y), value);
    k.advance(from, 4 * k.lanes);
    k.advance(y, 4 * k.lanes);
  });
  // The last frames one by one: the row after this one starts right behind them.
  const rest = k.intOp('remainder', count, k.lanes);
  k.if('gt', rest, 0, () => {
    k.store(k.at(params.scratch), emitLog10(k, k.load(k.at(from))));
    const one = k.int();
    k.intMove(one, params.scratch);
    k.loop(rest, () => {
      const value = k.broadcast(k.at(one));
      k.max(maximum, value, maximum);
      k.storeLow(k.at(y), value, 1);
      k.advance(one, 4);
      k.advance(y, 4);
    });
  });
  const maxima = loadSlot(k, params, MEL_LOG_SLOTS.maxima);
  k.storeLow(k.at(maxima, 0, k.intOp('shiftLeft', params.tile, 2)), k.reduce('max', maximum), 1);
  return k.finish();
}

/** @param energy overwritten */
function emitLog10(k: KernelBuilder, energy: VecReg): VecReg {
  const zeroOrNan = k.mul(energy, k.vecConst(0));
  const log = emitLn(k, k.max(energy, k.vecConst(MIN_ENERGY), energy));
  k.fma(zeroOrNan, log, k.vecConst(Math.LOG10E));
  return zeroOrNan;
}
