import type { Address, Instruction } from '../ir.js';
import { setConst } from './lowerInteger.js';
import { type Lowering, RAX, RDX } from './lowering.js';
import { mem } from './operands.js';
import { gpr, gpr32 } from './registers.js';

type Of<Op extends Instruction['op']> = Extract<Instruction, { op: Op }>;

/** Linux x86-64 system call numbers and futex operations (asm/unistd_64.h, linux/futex.h). */
const SYS_FUTEX = 202;
const FUTEX_WAIT_PRIVATE = 128;
const FUTEX_WAKE_PRIVATE = 129;
const EVERY_THREAD = 0x7fffffff;

/** Argument registers of the System V calling convention, in order: rdi rsi rdx rcx r8 r9. */
export const ARGUMENTS = [7, 6, 2, 1, 8, 9] as const;

const [RDI, RSI, RCX, R10, R11] = [gpr(7), gpr(6), gpr(1), gpr(10), gpr(11)];
const SYSCALL_CLOBBERS = [RCX, R11];

export function lowerAtomicAdd(l: Lowering, i: Of<'atomicAdd'>): void {
  if (typeof i.value === 'number') setConst(l, gpr(RAX), i.value);
  else l.asm.emit('mov', gpr(RAX), l.int(i.value));
  l.asm.emit('lock xadd', l.address(i.at), gpr32(RAX));
  l.asm.emit('movsxd', l.int(i.d), gpr32(RAX));
}

/** Aligned loads are atomic and ordered on x86. */
export function lowerAtomicLoad(l: Lowering, i: Of<'atomicLoad'>): void {
  l.asm.emit('movsxd', l.int(i.d), l.address(i.at, 32));
}

/** xchg with memory is a full barrier. */
export function lowerAtomicStore(l: Lowering, i: Of<'atomicStore'>): void {
  if (typeof i.value === 'number') setConst(l, gpr(RAX), i.value);
  else l.asm.emit('mov', gpr(RAX), l.int(i.value));
  l.asm.emit('xchg', l.address(i.at), gpr32(RAX));
}

/** 1024 cycles of the time-stamp counter a tick: it counts at 2 to 5 GHz whatever the core does. */
export function lowerClock(l: Lowering, i: Of<'clock'>): void {
  l.asm.emit('rdtsc');
  l.asm.emit('shl', gpr(RDX), 32);
  l.asm.emit('or', gpr(RAX), gpr(RDX));
  l.asm.emit('shr', gpr(RAX), 10);
  l.asm.emit('and', gpr32(RAX), 0x7fffffff);
  l.asm.emit('mov', l.int(i.d), gpr(RAX));
}

export function lowerWaitWhile(l: Lowering, i: Of<'waitWhile'>): void {
  const again = l.asm.label('futexWait');
  const done = l.asm.label('futexDone');
  l.asm.bind(again);
  l.asm.emit('cmp', l.address(i.at), l.int32(i.expected));
  l.asm.emit('jne', done);
  l.asm.emit('mov', gpr(RDX), l.int(i.expected));
  futex(l, i.at, FUTEX_WAIT_PRIVATE);
  l.asm.emit('jmp', again); // wake-ups may be spurious
  l.asm.bind(done);
}

export function lowerWakeAll(l: Lowering, i: Of<'wakeAll'>): void {
  l.asm.emit('mov', gpr32(RDX), EVERY_THREAD);
  futex(l, i.at, FUTEX_WAKE_PRIVATE);
}

/** futex(at, operation, rdx, no timeout); keeps every register but rax and rdx. */
function futex(l: Lowering, at: Address, operation: number): void {
  const saved = [RDI, RSI, R10, ...SYSCALL_CLOBBERS];
  l.asm.emit('lea', gpr(RAX), l.address(at));
  for (const register of saved) l.asm.emit('push', register);
  l.asm.emit('mov', RDI, gpr(RAX));
  l.asm.emit('mov', gpr32(6), operation);
  l.asm.emit('xor', gpr32(10), gpr32(10));
  l.asm.emit('mov', gpr32(RAX), SYS_FUTEX);
  l.asm.emit('syscall');
  for (const register of saved.reverse()) l.asm.emit('pop', register);
}

/** Generated code keeps every integer register but rax and rdx, so only the argument registers are saved here. */
export function lowerCall(l: Lowering, i: Of<'call'>): void {
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
export function lowerPrefetch(l: Lowering, i: Of<'prefetch'>): void {
  const { at } = i;
  const index = at.index === null ? {} : { index: l.int(at.index) };
  const memory = mem(l.int(at.base), { disp: at.offset, bits: 8, ...index });
  l.asm.emit(i.hint === 'once' ? 'prefetchnta' : 'prefetcht0', memory);
}
