import type { KernelBuilder } from '../jit/builder.js';
import type { IntReg } from '../jit/ir.js';
import { SCRATCH_BYTES } from './kernel.js';

/** Scratch memory that kernels may use for vectors; the rest holds their integer variables. */
export const SCRATCH_VARIABLES_OFFSET = SCRATCH_BYTES - 128;

/**
 * An integer of a kernel that lives in scratch memory, so that it costs no register while a hot loop runs.
 * `index` 0–15 is its place.
 */
export class ScratchVariable {
  private readonly k: KernelBuilder;
  private readonly scratch: IntReg;
  private readonly offset: number;

  constructor(k: KernelBuilder, scratch: IntReg, index: number) {
    this.k = k;
    this.scratch = scratch;
    this.offset = SCRATCH_VARIABLES_OFFSET + 8 * index;
  }

  get(d?: IntReg): IntReg {
    return this.k.intLoad(this.k.at(this.scratch, this.offset), 'pointer', d);
  }

  set(value: IntReg): void {
    this.k.intStore(this.k.at(this.scratch, this.offset), value, 'pointer');
  }
}
