import { QwenAsrError } from '../../error.js';
import {
  type Address,
  type ArithmeticSource,
  type Instruction,
  type IntOperand,
  type IntReg,
  type KernelCode,
  unknownCase,
  type VecReg,
} from '../ir.js';
import {
  CLOCK_FUNCTION,
  type MemoryInstruction,
  type PlainInstruction,
  WAIT_FUNCTION,
} from './binaryFormat.js';
import { type Local, TypedCode } from './typedCode.js';
import type { WasmTarget } from './webAssembly.js';

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

  pushVec(source: ArithmeticSource): void {
    if (source.kind === 'vec') this.code.get(this.vecs[source.id]!);
    else if (source.kind === 'address') this.load('v128.load', source);
    else throw this.error('an element of memory needs a capability that this target does not offer');
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

type Op<Name extends Instruction['op']> = Extract<Instruction, { op: Name }>;

/** Integer registers, and their loads and stores. */
export function lowerInteger(
  i: Op<'intConst' | 'intMove' | 'intBinary' | 'intLoad' | 'intStore'>,
  l: Lowering,
): void {
  switch (i.op) {
    case 'intConst':
      l.pushInt(i.value);
      l.popInt(i.d);
      break;
    case 'intMove':
      l.pushInt(i.a);
      l.popInt(i.d);
      break;
    case 'intBinary':
      lowerIntBinary(i, l);
      l.popInt(i.d);
      break;
    case 'intLoad':
      lowerIntLoad(i, l);
      break;
    case 'intStore':
      lowerIntStore(i, l);
      break;
    default:
      throw unknownCase(i);
  }
}

function lowerIntBinary({ kind, a, b }: Op<'intBinary'>, l: Lowering): void {
  switch (kind) {
    case 'min':
    case 'max':
      l.pushInt(a);
      l.pushInt(b);
      l.pushInt(a);
      l.pushInt(b);
      l.code.op(kind === 'min' ? `${l.int}.lt_s` : `${l.int}.gt_s`);
      l.code.select(l.int);
      break;
    case 'shiftLeft':
    case 'shiftRight':
      l.pushInt(a);
      l.pushInt(l.shiftCount(b));
      l.code.op(kind === 'shiftLeft' ? `${l.int}.shl` : `${l.int}.shr_s`);
      break;
    default:
      l.pushInt(a);
      l.pushInt(b);
      l.code.op(plainIntInstruction(kind, l.int));
  }
}

function plainIntInstruction(
  kind: 'add' | 'sub' | 'mul' | 'and' | 'divide' | 'remainder',
  int: 'i32' | 'i64',
): PlainInstruction {
  switch (kind) {
    case 'divide': // operands are not negative, and the unsigned form has one special case fewer
      return `${int}.div_u`;
    case 'remainder':
      return `${int}.rem_u`;
    default:
      return `${int}.${kind}`;
  }
}

function lowerIntLoad({ d, from, type }: Op<'intLoad'>, l: Lowering): void {
  switch (type) {
    case 'u16':
      l.load('i32.load16_u', from);
      l.popInt32(d);
      break;
    case 'i32':
      l.load('i32.load', from);
      l.popInt32(d);
      break;
    case 'pointer': // in a 32-bit memory the upper half of the slot says nothing
      l.load(`${l.int}.load`, from);
      l.popInt(d);
      break;
    default:
      throw unknownCase(type);
  }
}

function lowerIntStore({ to, a, type }: Op<'intStore'>, l: Lowering): void {
  switch (type) {
    case 'u16':
      l.access('i32.store16', to, () => l.pushInt32(a));
      break;
    case 'i32':
      l.access('i32.store', to, () => l.pushInt32(a));
      break;
    case 'pointer':
      l.access('i64.store', to, () => {
        l.pushInt(a);
        if (l.int === 'i32') l.code.op('i64.extend_i32_s');
      });
      break;
    default:
      throw unknownCase(type);
  }
}

type Atomic = Extract<
  Instruction,
  { op: 'atomicAdd' | 'atomicLoad' | 'atomicStore' | 'waitWhile' | 'wakeAll' | 'clock' }
>;

/** Sequentially consistent i32 operations, sleeping, waking and the time. */
export function lowerAtomic(i: Atomic, l: Lowering): void {
  switch (i.op) {
    case 'atomicAdd':
      l.access('i32.atomic.rmw.add', i.at, () => l.pushInt32(i.value));
      l.popInt32(i.d);
      break;
    case 'atomicLoad':
      l.load('i32.atomic.load', i.at);
      l.popInt32(i.d);
      break;
    case 'atomicStore':
      l.access('i32.atomic.store', i.at, () => l.pushInt32(i.value));
      break;
    case 'waitWhile':
      l.pushAddress(i.at);
      l.pushInt32(i.expected);
      l.code.call([l.int, 'i32'], WAIT_FUNCTION);
      break;
    case 'wakeAll':
      l.access('memory.atomic.notify', i.at, () => l.code.i32(-1)); // at most 2^32 − 1 threads: all
      l.code.drop('i32');
      break;
    case 'clock':
      l.code.call([], CLOCK_FUNCTION, 'i32');
      l.popInt32(i.d);
      break;
    default:
      throw unknownCase(i);
  }
}
