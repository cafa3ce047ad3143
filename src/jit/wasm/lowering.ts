import { QwenAsrError } from '../../error.js';
import type { Address, IntOperand, IntReg, KernelCode, VecReg, VecSource } from '../ir.js';
import type { MemoryInstruction } from './instructionTable.js';
import { type Local, TypedCode } from './typedCode.js';
import type { WasmTarget } from './wasmTarget.js';

/** What the lowering of every instruction works with: the function being written, and registers as locals. */
export class Lowering {
  readonly kernel: string;
  readonly target: WasmTarget;
  readonly code: TypedCode;
  /** Type of integer registers and addresses. */
  readonly int: 'i32' | 'i64';
  private readonly ints: readonly Local[]; // by register id
  private readonly vecs: readonly Local[];
  private readonly counters: Local[] = []; // by loop depth
  private loopDepth = 0;
  private readonly scratch: Local[] = [];

  constructor(code: KernelCode, target: WasmTarget) {
    this.kernel = code.name;
    this.target = target;
    this.int = target.memory64 ? 'i64' : 'i32';
    this.code = new TypedCode(
      code.name,
      code.params.map(() => this.int),
      this.int,
    );
    this.ints = this.intLocals(code);
    this.vecs = Array.from({ length: code.vecCount }, () => this.code.local('v128'));
  }

  // ---- integers ----

  pushInt(operand: IntOperand): void {
    if (typeof operand !== 'number') this.code.get(this.ints[operand.id]!);
    else if (this.int === 'i32') this.code.i32(operand);
    else this.code.i64(operand);
  }

  popInt(d: IntReg): void {
    this.code.set(this.ints[d.id]!);
  }

  /** Pushes the low 32 bits. */
  pushInt32(operand: IntOperand): void {
    if (typeof operand === 'number') return this.code.i32(operand);
    this.pushInt(operand);
    if (this.int === 'i64') this.code.op('i32.wrap_i64');
  }

  /** Pops an i32 into a register, sign-extended where registers are wider. */
  popInt32(d: IntReg): void {
    if (this.int === 'i64') this.code.op('i64.extend_i32_s');
    this.popInt(d);
  }

  /** Gives `body` a local for a loop's counter; loops at the same depth share it. */
  withLoopCounter(body: (counter: Local) => void): void {
    this.counters[this.loopDepth] ??= this.code.local(this.int);
    const counter = this.counters[this.loopDepth]!;
    this.loopDepth++;
    body(counter);
    this.loopDepth--;
  }

  // ---- vectors ----

  pushVec(source: VecSource): void {
    if (source.kind === 'vec') this.code.get(this.vecs[source.id]!);
    else this.load('v128.load', source);
  }

  popVec(d: VecReg): void {
    this.code.set(this.vecs[d.id]!);
  }

  /** Keeps the vector on the stack for as long as one instruction's lowering needs it; there are several such places. */
  popScratch(place = 0): Local {
    this.scratch[place] ??= this.code.local('v128');
    this.code.set(this.scratch[place]);
    return this.scratch[place];
  }

  /** Pushes a vector of four equal 32-bit patterns. */
  pushBits(bits: number): void {
    this.code.v128([bits, bits, bits, bits]);
  }

  // ---- memory ----

  /** Loads (from memory to the stack). */
  load(instruction: MemoryInstruction, from: Address): void {
    this.access(instruction, from, () => {});
  }

  /** Any memory instruction; `operands` pushes what it takes above the address. */
  access(instruction: MemoryInstruction, at: Address, operands: () => void): void {
    // The immediate offset costs nothing, but is unsigned and not part of a sum that wraps.
    const immediate = Math.max(at.offset, 0);
    this.pushAddress({ ...at, offset: at.offset - immediate });
    operands();
    this.code.memory(instruction, immediate);
  }

  /** Pushes an address, its offset included. */
  pushAddress(at: Address): void {
    this.pushInt(at.base);
    for (const term of [at.index ?? 0, at.offset]) {
      if (term === 0) continue;
      this.pushInt(term);
      this.code.op(`${this.int}.add`);
    }
  }

  /** Shift counts are constants, never registers. */
  shiftCount(count: IntOperand): number {
    if (typeof count === 'number' && Number.isInteger(count) && count >= 0 && count < 32) return count;
    throw this.error(`expected a constant shift of 0 to 31, found ${JSON.stringify(count)}`);
  }

  error(problem: string): QwenAsrError {
    return new QwenAsrError('internal', `kernel ${this.kernel}, WebAssembly: ${problem}`);
  }

  private intLocals({ params, intCount }: KernelCode): Local[] {
    const locals: Local[] = [];
    params.forEach(({ id }, i) => {
      locals[id] = this.code.params[i]!;
    });
    for (let id = 0; id < intCount; id++) locals[id] ??= this.code.local(this.int);
    return locals;
  }
}
