import { QwenAsrError } from '../../error.js';
import type { Register } from './registers.js';

/** A position in the code, or a constant after it; made by `Assembler.label` and `Assembler.constant`. */
export interface Label {
  readonly type: 'label';
  readonly name: string;
}

/** A memory operand: `[base + index·scale + disp]`, or `[rip + label + disp]`. */
export interface Memory {
  readonly type: 'memory';
  readonly base: Register<'gpr64'> | null;
  readonly index: Register<'gpr64'> | null;
  readonly scale: 1 | 2 | 4 | 8;
  readonly disp: number;
  readonly label: Label | null;
  /** Operand width; only where no register of the instruction tells it. */
  readonly bits: number | null;
  /** N of an embedded broadcast {1toN}; 0: the whole operand is read. */
  readonly broadcast: number;
  readonly writemask: number;
  readonly zeroing: boolean;
}

/** What an instruction can take. Numbers are immediates; bigint only for 64-bit ones. */
export type Operand = Register | Memory | Label | number | bigint;

export interface MemoryOptions {
  readonly index?: Register<'gpr64'>;
  readonly scale?: 1 | 2 | 4 | 8;
  /** Bytes, signed 32 bits. */
  readonly disp?: number;
  readonly bits?: 8 | 16 | 32 | 64 | 128 | 256 | 512;
  readonly broadcast?: 2 | 4 | 8 | 16;
}

const plainMemory: Memory = {
  type: 'memory',
  base: null,
  index: null,
  scale: 1,
  disp: 0,
  label: null,
  bits: null,
  broadcast: 0,
  writemask: 0,
  zeroing: false,
};

/**
 * Memory operand `[base + index·scale + disp]`; `base` null leaves it out.
 *
 * @throws QwenAsrError `internal` where no encoding exists: rsp as index, a displacement beyond 32 bits.
 * @example
 * mem(gpr(0), { index: gpr(1), scale: 4, disp: 64, broadcast: 16 });
 */
export function mem(base: Register<'gpr64'> | null, options: MemoryOptions = {}): Memory {
  const disp = checkedDisplacement(options.disp ?? 0);
  if (options.index?.index === 4) {
    throw new QwenAsrError('internal', 'x64 memory operand: expected an index register, found rsp');
  }
  return {
    ...plainMemory,
    base,
    index: options.index ?? null,
    scale: options.scale ?? 1,
    disp,
    bits: options.bits ?? null,
    broadcast: options.broadcast ?? 0,
  };
}

/** Memory operand at `label` + disp, addressed relative to the instruction pointer. */
export function ripLabel(label: Label, options: Omit<MemoryOptions, 'index' | 'scale'> = {}): Memory {
  return {
    ...plainMemory,
    label,
    disp: checkedDisplacement(options.disp ?? 0),
    bits: options.bits ?? null,
    broadcast: options.broadcast ?? 0,
  };
}

/** `destination{k}`: lanes whose mask bit is clear keep their old value. */
export function masked<Target extends Register | Memory>(target: Target, k: Register<'mask'>): Target {
  if (k.index === 0) {
    throw new QwenAsrError('internal', 'x64 writemask: expected k1 to k7, found k0, which means no mask');
  }
  return { ...target, writemask: k.index };
}

/** `destination{k}{z}`: lanes whose mask bit is clear become zero. Registers only. */
export function zeroMasked<Target extends Register>(target: Target, k: Register<'mask'>): Target {
  return { ...masked(target, k), zeroing: true };
}

function checkedDisplacement(disp: number): number {
  if ((disp | 0) !== disp) {
    throw new QwenAsrError('internal', `x64 displacement: expected a signed 32-bit integer, found ${disp}`);
  }
  return disp;
}
