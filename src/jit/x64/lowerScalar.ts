import { type Condition, type Instruction, type IntOperand, OPPOSITE } from '../ir.js';
import { CONDITION, RAX, RDX, type X64Lowering } from './lowering.js';
import { gpr, gpr16, gpr32, type Label, mem, type Register } from './operands.js';

type Of<Op extends Instruction['op']> = Extract<Instruction, { op: Op }>;

const INT32_MAX = 0x7fffffff;

/** d = value, in the shortest form. */
export function lowerIntConst(l: X64Lowering, i: Of<'intConst'>): void {
  setConst(l, l.int(i.d), i.value);
}

function setConst(l: X64Lowering, d: Register<'gpr64'>, value: number): void {
  if (value >= 0 && value <= INT32_MAX) l.asm.emit('mov', gpr32(d.index), value);
  else if (value >= -INT32_MAX - 1 && value <= INT32_MAX) l.asm.emit('mov', d, value);
  else l.asm.emit('movabs', d, BigInt(value));
}

export function lowerIntMove(l: X64Lowering, i: Of<'intMove'>): void {
  if (l.int(i.d) !== l.int(i.a)) l.asm.emit('mov', l.int(i.d), l.int(i.a));
}

export function lowerIntBinary(l: X64Lowering, i: Of<'intBinary'>): void {
  const { asm } = l;
  const d = l.int(i.d);
  const a = l.int(i.a);
  const b = typeof i.b === 'number' ? i.b : l.int(i.b);
  const rax = gpr(RAX);
  switch (i.kind) {
    case 'add':
    case 'sub':
    case 'and':
      if (d === a) return asm.emit(i.kind, d, b);
      asm.emit('mov', rax, a);
      asm.emit(i.kind, rax, b);
      return asm.emit('mov', d, rax);
    case 'mul':
      if (typeof b === 'number') return asm.emit('imul', d, a, b);
      asm.emit('mov', rax, a);
      asm.emit('imul', rax, b);
      return asm.emit('mov', d, rax);
    case 'min':
    case 'max': {
      const other = operand(l, i.b);
      asm.emit('mov', rax, a);
      asm.emit('cmp', rax, other);
      asm.emit(i.kind === 'min' ? 'cmovg' : 'cmovl', rax, other);
      return asm.emit('mov', d, rax);
    }
    case 'shiftLeft':
    case 'shiftRight':
      if (d !== a) asm.emit('mov', d, a);
      return asm.emit(i.kind === 'shiftLeft' ? 'shl' : 'sar', d, b as number);
    case 'divide':
    case 'remainder': {
      asm.emit('mov', rax, a);
      if (typeof b === 'number') setConst(l, d, b); // a is in rax by now, so d may be a
      asm.emit('xor', gpr32(RDX), gpr32(RDX));
      asm.emit('div', typeof b === 'number' ? d : b);
      return asm.emit('mov', d, i.kind === 'divide' ? rax : gpr(RDX));
    }
  }
}

/** The operand as a register; constants go to rdx. */
function operand(l: X64Lowering, value: IntOperand): Register<'gpr64'> {
  if (typeof value !== 'number') return l.int(value);
  setConst(l, gpr(RDX), value);
  return gpr(RDX);
}

export function lowerIntLoad(l: X64Lowering, i: Of<'intLoad'>): void {
  switch (i.type) {
    case 'pointer':
      return l.asm.emit('mov', l.int(i.d), l.address(i.from));
    case 'i32':
      return l.asm.emit('movsxd', l.int(i.d), l.address(i.from, { bits: 32 }));
    case 'u16':
      return l.asm.emit('movzx', l.int32(i.d), l.address(i.from, { bits: 16 }));
  }
}

export function lowerIntStore(l: X64Lowering, i: Of<'intStore'>): void {
  const value = operand(l, i.a);
  const of = { pointer: gpr, i32: gpr32, u16: gpr16 }[i.type];
  l.asm.emit('mov', l.address(i.to), of(value.index));
}

/** Jumps to `target` when the condition does not hold. */
export function jumpUnless(l: X64Lowering, condition: Condition, target: Label): void {
  const a = l.int(condition.a);
  const b = typeof condition.b === 'number' ? condition.b : l.int(condition.b);
  l.asm.emit('cmp', a, b);
  l.asm.emit(`j${CONDITION[OPPOSITE[condition.compare]]}`, target);
}

/** Argument registers of the System V calling convention, in order: rdi rsi rdx rcx r8 r9. */
export const ARGUMENTS = [7, 6, 2, 1, 8, 9] as const;

export function lowerAtomicAdd(l: X64Lowering, i: Of<'atomicAdd'>): void {
  if (typeof i.value === 'number') setConst(l, gpr(RAX), i.value);
  else l.asm.emit('mov', gpr(RAX), l.int(i.value));
  l.asm.emit('lock xadd', l.address(i.at), gpr32(RAX));
  l.asm.emit('movsxd', l.int(i.d), gpr32(RAX));
}

/** Aligned loads are atomic and ordered on x86. */
export function lowerAtomicLoad(l: X64Lowering, i: Of<'atomicLoad'>): void {
  l.asm.emit('movsxd', l.int(i.d), l.address(i.at, { bits: 32 }));
}

/** xchg with memory is a full barrier. */
export function lowerAtomicStore(l: X64Lowering, i: Of<'atomicStore'>): void {
  if (typeof i.value === 'number') setConst(l, gpr(RAX), i.value);
  else l.asm.emit('mov', gpr(RAX), l.int(i.value));
  l.asm.emit('xchg', l.address(i.at), gpr32(RAX));
}

/** 1024 cycles of the time-stamp counter a tick: it counts at 2 to 5 GHz whatever the core does. */
export function lowerClock(l: X64Lowering, i: Of<'clock'>): void {
  l.asm.emit('rdtsc');
  l.asm.emit('shl', gpr(RDX), 32);
  l.asm.emit('or', gpr(RAX), gpr(RDX));
  l.asm.emit('shr', gpr(RAX), 10);
  l.asm.emit('and', gpr32(RAX), 0x7fffffff);
  l.asm.emit('mov', l.int(i.d), gpr(RAX));
}

/** Generated code keeps every integer register but rax and rdx, so only the argument registers are saved here. */
export function lowerCall(l: X64Lowering, i: Of<'call'>): void {
  const arguments_ = ARGUMENTS.slice(0, i.args.length).map((physical) => gpr(physical));
  l.asm.emit('mov', gpr(RAX), l.int(i.target));
  for (const register of arguments_) l.asm.emit('push', register);
  // The values move through the stack too: a plain move could overwrite a value that a later move needs.
  for (const argument of i.args) l.asm.emit('push', l.int(argument));
  for (const register of [...arguments_].reverse()) l.asm.emit('pop', register);
  l.asm.emit('call', gpr(RAX));
  for (const register of [...arguments_].reverse()) l.asm.emit('pop', register);
}

/** `hint` once: non-temporal, for data that is read a single time. */
export function lowerPrefetch(l: X64Lowering, i: Of<'prefetch'>): void {
  const { at } = i;
  const index = at.index === null ? {} : { index: l.int(at.index) };
  const memory = mem(l.int(at.base), { disp: at.offset, bits: 8, ...index });
  l.asm.emit(({ near: 'prefetcht0', second: 'prefetcht1', once: 'prefetchnta' } as const)[i.hint], memory);
}
