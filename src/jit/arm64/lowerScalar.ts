import { type Condition, type Instruction, type IntOperand, OPPOSITE } from '../ir.js';
import { ADDRESS, type Arm64Lowering, low, SPARE, VALUE } from './lowering.js';
import { type Label, mem, type Scalar, SP, XZR, x } from './operands.js';

type Of<Op extends Instruction['op']> = Extract<Instruction, { op: Op }>;

export function lowerIntBinary(l: Arm64Lowering, i: Of<'intBinary'>): void {
  const { asm } = l;
  const d = l.int(i.d);
  const a = l.int(i.a);
  switch (i.kind) {
    case 'add':
      return typeof i.b === 'number' ? l.addConst(d, a, i.b) : asm.emit('add', d, a, l.int(i.b));
    case 'sub':
      return typeof i.b === 'number' ? l.addConst(d, a, -i.b) : asm.emit('sub', d, a, l.int(i.b));
    case 'and':
      return asm.emit('and', d, a, operand(l, i.b));
    case 'mul':
      return asm.emit('madd', d, a, operand(l, i.b), XZR);
    case 'min':
    case 'max': {
      const b = operand(l, i.b);
      asm.emit('subs', XZR, a, b);
      return asm.emit('csel', d, a, b, i.kind === 'min' ? 'lt' : 'gt');
    }
    case 'shiftLeft': {
      const count = i.b as number;
      return asm.emit('ubfm', d, a, (64 - count) % 64, 63 - count);
    }
    case 'shiftRight':
      return asm.emit('sbfm', d, a, i.b as number, 63);
    case 'divide':
      return asm.emit('udiv', d, a, operand(l, i.b));
    case 'remainder': {
      const b = operand(l, i.b);
      asm.emit('udiv', ADDRESS, a, b);
      return asm.emit('msub', d, ADDRESS, b, a);
    }
  }
}

/** The operand as a register; constants go to VALUE. */
function operand(l: Arm64Lowering, value: IntOperand): Scalar<'x'> {
  if (typeof value !== 'number') return l.int(value);
  if (value === 0) return XZR;
  l.setConst(VALUE, value);
  return VALUE;
}

export function lowerIntLoad(l: Arm64Lowering, i: Of<'intLoad'>): void {
  const d = l.int(i.d);
  switch (i.type) {
    case 'pointer':
      return l.access('ldr', d, i.from, 8);
    case 'i32':
      return l.access('ldrsw', d, i.from, 4);
    case 'u16':
      return l.access('ldrh', low(d), i.from, 2);
  }
}

export function lowerIntStore(l: Arm64Lowering, i: Of<'intStore'>): void {
  const value = operand(l, i.a);
  switch (i.type) {
    case 'pointer':
      return l.access('str', value, i.to, 8);
    case 'i32':
      return l.access('str', low(value), i.to, 4);
    case 'u16':
      return l.access('strh', low(value), i.to, 2);
  }
}

/** Jumps to `target` when the condition does not hold. */
export function jumpUnless(l: Arm64Lowering, condition: Condition, target: Label): void {
  l.compare(l.int(condition.a), condition.b);
  l.asm.emit('b.', OPPOSITE[condition.compare], target);
}

/** Acquires and releases. Without LSE: reads and marks the word, and writes it if nobody has in between. */
export function lowerAtomicAdd(l: Arm64Lowering, i: Of<'atomicAdd'>): void {
  const { asm } = l;
  const at = mem(l.wholeAddress(i.at));
  const value = operand(l, i.value);
  const [sum, failed, old] = SPARE;
  if (l.features.lse) {
    asm.emit('ldaddal', low(value), low(old), at);
  } else {
    const again = asm.label('exclusive');
    asm.bind(again);
    asm.emit('ldaxr', low(old), at);
    asm.emit('add', sum, old, value);
    asm.emit('stlxr', low(failed), low(sum), at);
    asm.emit('cbnz', low(failed), again);
  }
  asm.emit('sbfm', l.int(i.d), old, 0, 31);
}

/** With stores like those below sequentially consistent: it waits for the thread's earlier `stlr`. */
export function lowerAtomicLoad(l: Arm64Lowering, i: Of<'atomicLoad'>): void {
  const d = l.int(i.d);
  l.asm.emit('ldar', low(d), mem(l.wholeAddress(i.at)));
  l.asm.emit('sbfm', d, d, 0, 31);
}

export function lowerAtomicStore(l: Arm64Lowering, i: Of<'atomicStore'>): void {
  const value = operand(l, i.value);
  l.asm.emit('stlr', low(value), mem(l.wholeAddress(i.at)));
}

/** Powers of two of the timer's frequency that ticks keep: 2^21 to 2^22 a second, 0.24 to 0.48 µs. */
const TICK_BITS = 21;

/** The system's timer counts at 19 MHz to 1 GHz, whatever the core does; it is shifted to ticks. */
export function lowerClock(l: Arm64Lowering, i: Of<'clock'>): void {
  const { asm } = l;
  const d = l.int(i.d);
  asm.emit('mrs', ADDRESS, 'cntfrq_el0');
  asm.emit('clz', ADDRESS, ADDRESS);
  l.setConst(VALUE, 63 - TICK_BITS);
  asm.emit('sub', ADDRESS, VALUE, ADDRESS); // log2 of the frequency, less what stays
  asm.emit('isb'); // so that the time is not read before what it is meant to follow
  asm.emit('mrs', VALUE, 'cntvct_el0');
  asm.emit('lsrv', d, VALUE, ADDRESS);
  asm.emit('ubfm', d, d, 0, 30);
}

/**
 * Generated code keeps every integer register that holds a virtual one, so only the argument registers are saved here. The
 * values move through the stack: a plain move could overwrite a value that a later move needs.
 */
export function lowerCall(l: Arm64Lowering, i: Of<'call'>): void {
  const { asm } = l;
  const count = i.args.length;
  const frameBytes = 16 * count; // what was in the registers, then the values
  l.move(ADDRESS, l.int(i.target));
  asm.emit('sub', SP, SP, frameBytes);
  i.args.forEach((argument, n) => {
    asm.emit('str', x(n), mem(SP, 8 * n));
    asm.emit('str', l.int(argument), mem(SP, 8 * (count + n)));
  });
  for (let n = 0; n < count; n++) asm.emit('ldr', x(n), mem(SP, 8 * (count + n)));
  asm.emit('blr', ADDRESS);
  for (let n = 0; n < count; n++) asm.emit('ldr', x(n), mem(SP, 8 * n));
  asm.emit('add', SP, SP, frameBytes);
}

const PREFETCH = { near: 'pldl1keep', second: 'pldl2keep', once: 'pldl1strm' } as const;

export function lowerPrefetch(l: Arm64Lowering, i: Of<'prefetch'>): void {
  l.asm.emit('prfm', PREFETCH[i.hint], l.scaledAddress(i.at, 8));
}
