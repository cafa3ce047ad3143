import type { KernelBuilder } from '../jit/builder.js';
import type { Capabilities, IntReg, KernelCode } from '../jit/ir.js';

/**
 * Every kernel is called as kernel(args, tile, scratch): `args` points to a structure of 8-byte slots, `tile` says
 * which part of the work to do, `scratch` points to SCRATCH_BYTES of memory that belongs to the calling thread.
 */
export interface KernelParams {
  readonly args: IntReg;
  readonly tile: IntReg;
  readonly scratch: IntReg;
}

/** Private memory of each participant: larger than any kernel's intermediate block. */
export const SCRATCH_BYTES = 1 << 20;

/** A kernel as it is registered: what to emit, and a name that is unique for the code. */
export interface KernelSpec {
  /** Identifies kernel and specialisation, for example `matmul.pairDot.n1024k3072.gelu`. */
  readonly name: string;
  emit(capabilities: Capabilities): KernelCode;
}

/** Declares the three parameters, in order. */
export function kernelParams(k: KernelBuilder): KernelParams {
  return { args: k.param(), tile: k.param(), scratch: k.param() };
}

/** Loads slot `index` of the argument structure as a pointer or a number. */
export function loadSlot(k: KernelBuilder, params: KernelParams, index: number): IntReg {
  return k.intLoad(k.at(params.args, 8 * index), 'pointer');
}
