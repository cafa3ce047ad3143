import type { KernelBuilder } from '../jit/builder.js';
import type { VecReg } from '../jit/ir.js';
import { type ArgumentUses, defineKernel, type Kernel, type KernelParams } from './kernel.js';
import { emitLn } from './vectorMath.js';

/**
 * energies: rows of `stride` f32, of which `count` are frames; y: rows of `yStrideBytes` bytes; maxima [rows] f32.
 * A tile is a row (a mel bin).
 */
const MEL_LOG_ARGUMENTS = {
  energies: 'reads',
  count: 'number',
  y: 'writes',
  yStrideBytes: 'number',
  maxima: 'writes',
} as const satisfies ArgumentUses;

/** The logarithm's floor (WhisperFeatureExtractor). */
const MIN_ENERGY = 1e-10;

/**
 * y[bin, t] = log10(max(energies[bin, t], 1e-10)) for t < count, and the maximum of every row. NaN and infinity give
 * NaN. Absolute error below 1e-7 + 2⁻²²·|y|.
 *
 * @param spec.stride a multiple of 16; kernels read (and ignore) up to a vector past `count`
 */
export function melLog(spec: { readonly stride: number }): Kernel<typeof MEL_LOG_ARGUMENTS> {
  return defineKernel({
    name: `melLog.${spec.stride}`,
    args: MEL_LOG_ARGUMENTS,
    tiles: ({ maxima }) => maxima.byteLength / 4,
    emit: (k, params) => emit(k, spec.stride, params),
  });
}

function emit(
  k: KernelBuilder,
  stride: number,
  { args, tile, scratch }: KernelParams<typeof MEL_LOG_ARGUMENTS>,
): void {
  const from = args.energies();
  k.advance(from, k.intOp('mul', tile, 4 * stride));
  const y = args.y();
  k.advance(y, k.intOp('mul', tile, args.yStrideBytes()));
  const count = args.count();
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
    k.store(k.at(scratch), emitLog10(k, k.load(k.at(from))));
    const one = k.int();
    k.intMove(one, scratch);
    k.loop(rest, () => {
      const value = k.broadcast(k.at(one));
      k.max(maximum, value, maximum);
      k.storeLow(k.at(y), value, 1);
      k.advance(one, 4);
      k.advance(y, 4);
    });
  });
  const maxima = args.maxima();
  k.storeLow(k.at(maxima, 0, k.intOp('shiftLeft', tile, 2)), k.reduce('max', maximum), 1);
}

/** @param energy overwritten */
function emitLog10(k: KernelBuilder, energy: VecReg): VecReg {
  const zeroOrNan = k.mul(energy, k.vecConst(0));
  const log = emitLn(k, k.max(energy, k.vecConst(MIN_ENERGY), energy));
  k.fma(zeroOrNan, log, k.vecConst(Math.LOG10E));
  return zeroOrNan;
}
