import { QwenAsrError } from '../../error.js';
import type { Allocation } from '../allocate.js';
import type { Address, ArithmeticSource, Instruction, IntReg, VecReg } from '../ir.js';
import type { SystemWaits } from '../systemWaits.js';
import type { Assembler } from './assembler.js';
import type { CpuFeatures } from './features.js';
import { gpr, gpr32, type MemoryOperand, mem, type Register, xmm, ymm, zmm } from './operands.js';

/** A vector register of the widest kind. */
export type Wide = Register<'ymm'> | Register<'zmm'>;

/** rax and rdx belong to the lowering of a single instruction; virtual registers never live in them. */
export const RAX = 0;
export const RDX = 2;

/** Integer registers that hold virtual registers: all but rax, rdx and the stack pointer. */
export const INT_POOL = [7, 6, 1, 8, 9, 10, 11, 3, 5, 12, 13, 14, 15];

/** What the lowering of every instruction works with: the assembler, and virtual registers as physical ones. */
export class X64Lowering {
  readonly asm: Assembler;
  readonly features: CpuFeatures;
  readonly waits: SystemWaits;
  private readonly allocation: Allocation;

  constructor(asm: Assembler, features: CpuFeatures, allocation: Allocation, waits: SystemWaits) {
    this.asm = asm;
    this.features = features;
    this.waits = waits;
    this.allocation = allocation;
  }

  get wide(): boolean {
    return this.features.avx512;
  }

  int(register: IntReg): Register<'gpr64'> {
    return gpr(this.allocation.int[register.id]!);
  }

  int32(register: IntReg): Register<'gpr32'> {
    return gpr32(this.allocation.int[register.id]!);
  }

  vec(register: VecReg): Wide {
    return this.wideOf(this.vecNumber(register));
  }

  vecNumber(register: VecReg): number {
    return this.allocation.vec[register.id]!;
  }

  wideOf(physical: number): Wide {
    return this.wide ? zmm(physical) : ymm(physical);
  }

  /** The lower half of a vector register. */
  halfOf(physical: number): Register<'xmm'> | Register<'ymm'> {
    return this.wide ? ymm(physical) : xmm(physical);
  }

  source(source: ArithmeticSource): Wide | MemoryOperand {
    if (source.kind === 'vec') return this.vec(source);
    if (source.kind === 'address') return this.address(source);
    if (this.wide) return this.address(source.at, { broadcast: 16 });
    throw new QwenAsrError(
      'internal',
      'x64: an element of memory needs a capability that only AVX-512 offers',
    );
  }

  address(
    at: Address,
    read: { readonly bits?: 8 | 16 | 32 | 64; readonly broadcast?: 16 } = {},
  ): MemoryOperand {
    const options = { disp: at.offset, ...read };
    return at.index === null
      ? mem(this.int(at.base), options)
      : mem(this.int(at.base), { ...options, index: this.int(at.index) });
  }

  temporaries(instruction: Instruction): readonly number[] {
    return this.allocation.temporaries.get(instruction) ?? [];
  }

  loopCounter(instruction: Instruction): Register<'gpr64'> {
    return gpr(this.allocation.loopCounters.get(instruction)!);
  }
}

/** x86 condition suffixes of signed comparisons. */
export const CONDITION = { lt: 'l', le: 'le', gt: 'g', ge: 'ge', eq: 'e', ne: 'ne' } as const;
