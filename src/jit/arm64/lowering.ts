import { QwenAsrError } from '../../error.js';
import type { Allocation } from '../allocate.js';
import type { Address, ArithmeticSource, Instruction, IntReg, VecReg } from '../ir.js';
import type { SystemWaits } from '../systemWaits.js';
import type { Assembler } from './assembler.js';
import type { Arm64Features } from './features.js';
import {
  type Label,
  type MemoryOperand,
  mem,
  memIndexed,
  q,
  type Scalar,
  type Vector,
  v,
  w,
  XZR,
  x,
} from './operands.js';

/** These belong to the lowering of a single instruction, `ADDRESS` to the address of its memory. */
export const ADDRESS = x(16);
export const VALUE = x(17);
export const SPARE = [x(13), x(14), x(15)] as const;

/**
 * Integer registers that hold virtual registers, the arguments first. 18 is the platform's, 29 points to its caller's frame
 * (Apple has it do so always), 30 is the return address.
 */
export const INT_POOL = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28];

/** Vector registers, those last whose lower half a caller wants to find unchanged. */
export const VEC_POOL = [0, 1, 2, 3, 4, 5, 6, 7, ...Array.from({ length: 24 }, (_, i) => 8 + ((i + 8) % 24))];

/** Loads and stores whose offset is a multiple of their size, and those that take any small one. */
const UNSCALED = {
  ldr: 'ldur',
  str: 'stur',
  ldrsw: 'ldursw',
  ldrh: 'ldurh',
  strh: 'sturh',
} as const;

/** What the lowering of every instruction works with: the assembler, and virtual registers as physical ones. */
export class Arm64Lowering {
  readonly asm: Assembler;
  readonly features: Arm64Features;
  readonly waits: SystemWaits;
  private readonly allocation: Allocation;

  constructor(asm: Assembler, features: Arm64Features, allocation: Allocation, waits: SystemWaits) {
    this.asm = asm;
    this.features = features;
    this.waits = waits;
    this.allocation = allocation;
  }

  // ---- registers ----

  int(register: IntReg): Scalar<'x'> {
    return x(this.allocation.int[register.id]!);
  }

  vecNumber(register: VecReg): number {
    return this.allocation.vec[register.id]!;
  }

  /** As f32 or i32 lanes. */
  lanes(register: VecReg): Vector {
    return v(this.vecNumber(register), '4s');
  }

  temporaries(instruction: Instruction): readonly number[] {
    return this.allocation.temporaries.get(instruction) ?? [];
  }

  loopCounter(instruction: Instruction): Scalar<'x'> {
    return x(this.allocation.loopCounters.get(instruction)!);
  }

  /** Number of the register that holds the source; from memory it comes to `temporary`. */
  source(source: ArithmeticSource, temporary: number | undefined): number {
    if (source.kind === 'vec') return this.vecNumber(source);
    if (source.kind === 'element') {
      throw new QwenAsrError(
        'internal',
        'arm64: an element of memory needs a capability that no features offer',
      );
    }
    this.access('ldr', q(temporary!), source, 16);
    return temporary!;
  }

  // ---- integers ----

  move(d: Scalar<'x'>, a: Scalar<'x'>): void {
    if (d !== a) this.asm.emit('orr', d, XZR, a);
  }

  /** d = value, 16 bits an instruction. */
  setConst(d: Scalar<'x'>, value: number): void {
    const bits = BigInt.asUintN(64, BigInt(value));
    const parts = [0, 16, 32, 48].map((shift) => Number((bits >> BigInt(shift)) & 0xffffn));
    const rest = value < 0 ? 0xffff : 0;
    const first = Math.max(
      0,
      parts.findIndex((part) => part !== rest),
    );
    if (value < 0) this.asm.emit('movn', d, parts[first]! ^ 0xffff, 16 * first);
    else this.asm.emit('movz', d, parts[first]!, 16 * first);
    parts.forEach((part, i) => {
      if (i > first && part !== rest) this.asm.emit('movk', d, part, 16 * i);
    });
  }

  /** d = a + value; changes VALUE where the constant is large. */
  addConst(d: Scalar<'x'>, a: Scalar<'x'>, value: number): void {
    const [mnemonic, size] = value < 0 ? (['sub', -value] as const) : (['add', value] as const);
    if (size < 4096) return this.asm.emit(mnemonic, d, a, size);
    if (size < 2 ** 24) {
      this.asm.emit(mnemonic, d, a, size - (size % 4096));
      if (size % 4096 !== 0) this.asm.emit(mnemonic, d, d, size % 4096);
      return;
    }
    this.setConst(VALUE, value);
    this.asm.emit('add', d, a, VALUE);
  }

  /** Sets the flags of a − b; changes VALUE where b is a constant that does not fit. */
  compare(a: Scalar<'x'>, b: IntReg | number): void {
    if (typeof b !== 'number') return this.asm.emit('subs', XZR, a, this.int(b));
    if (b >= 0 && b < 4096) return this.asm.emit('subs', XZR, a, b);
    if (b < 0 && b > -4096) return this.asm.emit('adds', XZR, a, -b);
    this.setConst(VALUE, b);
    this.asm.emit('subs', XZR, a, VALUE);
  }

  // ---- memory ----

  /** A register that holds the whole address: the base, or ADDRESS. */
  wholeAddress(at: Address): Scalar<'x'> {
    const base = this.int(at.base);
    if (at.index === null && at.offset === 0) return base;
    if (at.index === null) {
      this.addToAddress(base, at.offset);
    } else {
      this.asm.emit('add', ADDRESS, base, this.int(at.index));
      if (at.offset !== 0) this.addToAddress(ADDRESS, at.offset);
    }
    return ADDRESS;
  }

  /** ADDRESS = base + offset; VALUE stays as it is. */
  private addToAddress(base: Scalar<'x'>, offset: number): void {
    if (Math.abs(offset) < 2 ** 24) return this.addConst(ADDRESS, base, offset);
    const other = SPARE[0];
    this.setConst(other, offset);
    this.asm.emit('add', ADDRESS, base, other);
  }

  /** A load or store of `bytes` bytes; changes ADDRESS where one instruction cannot name the place. */
  access(mnemonic: keyof typeof UNSCALED, register: Scalar, at: Address, bytes: number): void {
    const { offset, index } = at;
    if (index !== null && offset === 0) {
      return this.asm.emit(mnemonic, register, memIndexed(this.int(at.base), this.int(index)));
    }
    const isIndexed = index !== null;
    if (isIndexed) this.asm.emit('add', ADDRESS, this.int(at.base), this.int(index));
    const base = isIndexed ? ADDRESS : this.int(at.base);
    if (fitsScaled(offset, bytes)) return this.asm.emit(mnemonic, register, mem(base, offset));
    if (offset >= -256 && offset < 256) {
      return this.asm.emit(UNSCALED[mnemonic], register, mem(base, offset));
    }
    this.addToAddress(base, offset);
    this.asm.emit(mnemonic, register, mem(ADDRESS));
  }

  /** `[base, #offset]` for instructions whose offset counts `scale` bytes. */
  scaledAddress(at: Address, scale: number): MemoryOperand {
    if (at.index === null && fitsScaled(at.offset, scale)) return mem(this.int(at.base), at.offset);
    return mem(this.wholeAddress(at));
  }

  /** A vector register from a constant after the code. */
  loadConstant(d: number, words: readonly number[]): void {
    const label: Label = this.asm.constant(words.length === 1 ? Array<number>(4).fill(words[0]!) : words);
    this.asm.emit('ldr', q(d), label);
  }
}

function fitsScaled(offset: number, scale: number): boolean {
  return offset >= 0 && offset % scale === 0 && offset / scale < 4096;
}

/** The low half of a general register. */
export function low(register: Scalar<'x'>): Scalar<'w'> {
  return w(register.index);
}
