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
export interface KernelSpec<Slot extends string = string> {
  /** Identifies kernel and specialisation, for example `matmul.pairDot.n1024k3072.gelu`. */
  readonly name: string;
  /** The argument structure: the place of every slot, 0 and up without gaps. A call has to fill all of them. */
  readonly slots: Readonly<Record<Slot, number>>;
  emit(capabilities: Capabilities): KernelCode;
}

/** Declares the three parameters, in order. */
export function kernelParams(k: KernelBuilder): KernelParams {
  return { args: k.param(), tile: k.param(), scratch: k.param() };
}

/**
 * Brings an index that was read from memory into 0 … last, in place: whatever the data says, a kernel stays inside its
 * tables. Callers check indices and name what is wrong; this is the net below them.
 */
export function boundIndex(k: KernelBuilder, index: IntReg, last: IntReg | number): IntReg {
  return k.intOp('max', k.intOp('min', index, last, index), 0, index);
}

/** Loads slot `index` of the argument structure as a pointer or a number. */
export function loadSlot(k: KernelBuilder, params: KernelParams, index: number): IntReg {
  return k.intLoad(k.at(params.args, 8 * index), 'pointer');
}
