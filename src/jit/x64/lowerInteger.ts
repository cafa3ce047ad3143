import type { Condition, Instruction, IntOperand } from '../ir.js';
import { CONDITION, type Lowering, OPPOSITE, RAX, RDX } from './lowering.js';
import type { Label } from './operands.js';
import { gpr, gpr16, gpr32, type Register } from './registers.js';

type Of<Op extends Instruction['op']> = Extract<Instruction, { op: Op }>;

const INT32_MAX = 0x7fffffff;

/** d = value, in the shortest form. */
export function lowerIntConst(l: Lowering, i: Of<'intConst'>): void {
  setConst(l, l.int(i.d), i.value);
}

export function setConst(l: Lowering, d: Register<'gpr64'>, value: number): void {
  if (value >= 0 && value <= INT32_MAX) l.asm.emit('mov', gpr32(d.index), value);
  else if (value >= -INT32_MAX - 1 && value <= INT32_MAX) l.asm.emit('mov', d, value);
  else l.asm.emit('movabs', d, BigInt(value));
}

export function lowerIntMove(l: Lowering, i: Of<'intMove'>): void {
  if (l.int(i.d) !== l.int(i.a)) l.asm.emit('mov', l.int(i.d), l.int(i.a));
}

export function lowerIntBinary(l: Lowering, i: Of<'intBinary'>): void {
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
function operand(l: Lowering, value: IntOperand): Register<'gpr64'> {
  if (typeof value !== 'number') return l.int(value);
  setConst(l, gpr(RDX), value);
  return gpr(RDX);
}

export function lowerIntLoad(l: Lowering, i: Of<'intLoad'>): void {
  switch (i.type) {
    case 'pointer':
      return l.asm.emit('mov', l.int(i.d), l.address(i.from));
    case 'i32':
      return l.asm.emit('movsxd', l.int(i.d), l.address(i.from, 32));
    case 'u16':
      return l.asm.emit('movzx', l.int32(i.d), l.address(i.from, 16));
    case 'u8':
      return l.asm.emit('movzx', l.int32(i.d), l.address(i.from, 8));
  }
}

export function lowerIntStore(l: Lowering, i: Of<'intStore'>): void {
  const value = operand(l, i.a);
  const of = { pointer: gpr, i32: gpr32, u16: gpr16 }[i.type];
  l.asm.emit('mov', l.address(i.to), of(value.index));
}

/** Jumps to `target` when the condition does not hold. */
export function jumpUnless(l: Lowering, condition: Condition, target: Label): void {
  const a = l.int(condition.a);
  const b = typeof condition.b === 'number' ? condition.b : l.int(condition.b);
  l.asm.emit('cmp', a, b);
  l.asm.emit(`j${CONDITION[OPPOSITE[condition.compare]]}`, target);
}
