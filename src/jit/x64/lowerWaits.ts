import type { Address, Instruction } from '../ir.js';
import { type SystemWaits, UL_COMPARE_AND_WAIT, ULF_WAKE_ALL } from '../systemWaits.js';
import { RAX, RDX, type X64Lowering } from './lowering.js';
import { gpr, gpr32, mem, type Register, rax, rcx, rdi, rsi, rsp } from './operands.js';

type Of<Op extends Instruction['op']> = Extract<Instruction, { op: Op }>;

/** Linux x86-64 system call numbers and futex operations (asm/unistd_64.h, linux/futex.h). */
const SYS_FUTEX = 202;
const FUTEX_WAIT_PRIVATE = 128;
const FUTEX_WAKE_PRIVATE = 129;
const EVERY_THREAD = 0x7fffffff;

/** INFINITE of WaitOnAddress. */
const FOREVER = 0xffffffff;

const rdx = gpr(RDX);
const [r8, r9, r10, r11, rbp] = [gpr(8), gpr(9), gpr(10), gpr(11), gpr(5)];

const SYSTEM_V = [rcx, rsi, rdi, r8, r9, r10, r11] as const;

/** What a system call, or a function of the platform, may destroy of what generated code keeps: all but rax and rdx. */
const CLOBBERED = {
  futex: [rdi, rsi, r10, rcx, r11],
  windows: [rcx, r8, r9, r10, r11],
  osSync: SYSTEM_V,
  ulock: SYSTEM_V,
} as const satisfies Record<SystemWaits['kind'], readonly Register[]>;

/** Sleeps as long as the word is what is expected. No vector register may be in use: functions destroy them. */
export function lowerWaitWhile(l: X64Lowering, i: Of<'waitWhile'>): void {
  const { waits } = l;
  const again = l.asm.label('waitAgain');
  const done = l.asm.label('waitDone');
  l.asm.bind(again);
  l.asm.emit('cmp', l.address(i.at), l.int32(i.expected));
  l.asm.emit('jne', done);
  l.asm.emit('mov', rdx, l.int(i.expected));
  if (waits.kind === 'futex') futex(l, i.at, FUTEX_WAIT_PRIVATE);
  else callSystem(l, i.at, waits.kind, waits.wait, waitArguments[waits.kind]);
  l.asm.emit('jmp', again); // wake-ups may be spurious
  l.asm.bind(done);
}

export function lowerWakeAll(l: X64Lowering, i: Of<'wakeAll'>): void {
  const { waits } = l;
  if (waits.kind !== 'futex')
    return callSystem(l, i.at, waits.kind, waits.wakeAll, wakeArguments[waits.kind]);
  l.asm.emit('mov', gpr32(RDX), EVERY_THREAD);
  futex(l, i.at, FUTEX_WAKE_PRIVATE);
}

/** futex(at, operation, rdx, no timeout); keeps every register but rax and rdx. */
function futex(l: X64Lowering, at: Address, operation: number): void {
  const saved = CLOBBERED.futex;
  l.asm.emit('lea', rax, l.address(at));
  for (const register of saved) l.asm.emit('push', register);
  l.asm.emit('mov', rdi, rax);
  l.asm.emit('mov', gpr32(rsi.index), operation);
  l.asm.emit('xor', gpr32(10), gpr32(10));
  l.asm.emit('mov', gpr32(RAX), SYS_FUTEX);
  l.asm.emit('syscall');
  for (const register of [...saved].reverse()) l.asm.emit('pop', register);
}

/** Puts the arguments in their places; the word's address is in rax, its expected value in rdx. */
type PutArguments = (l: X64Lowering) => void;

type Functions = Exclude<SystemWaits['kind'], 'futex'>;

const waitArguments: Record<Functions, PutArguments> = {
  /** WaitOnAddress(at, address of the expected value, its 4 bytes, no limit). */
  windows: ({ asm }) => {
    asm.emit('mov', mem(rsp, { disp: SHADOW_BYTES }), gpr32(RDX));
    asm.emit('mov', rcx, rax);
    asm.emit('lea', rdx, mem(rsp, { disp: SHADOW_BYTES }));
    asm.emit('mov', gpr32(r8.index), 4);
    asm.emit('mov', gpr32(r9.index), FOREVER);
  },
  /** os_sync_wait_on_address(at, expected value, its 4 bytes, no flags). */
  osSync: ({ asm }) => {
    asm.emit('mov', rdi, rax);
    asm.emit('mov', gpr32(rsi.index), gpr32(RDX));
    asm.emit('mov', gpr32(RDX), 4);
    asm.emit('xor', gpr32(rcx.index), gpr32(rcx.index));
  },
  /** __ulock_wait(operation, at, expected value, no limit). */
  ulock: ({ asm }) => {
    asm.emit('mov', gpr32(rdi.index), UL_COMPARE_AND_WAIT);
    asm.emit('mov', rsi, rax);
    asm.emit('mov', gpr32(RDX), gpr32(RDX));
    asm.emit('xor', gpr32(rcx.index), gpr32(rcx.index));
  },
};

const wakeArguments: Record<Functions, PutArguments> = {
  /** WakeByAddressAll(at). */
  windows: ({ asm }) => asm.emit('mov', rcx, rax),
  /** os_sync_wake_by_address_all(at, its 4 bytes, no flags). */
  osSync: ({ asm }) => {
    asm.emit('mov', rdi, rax);
    asm.emit('mov', gpr32(rsi.index), 4);
    asm.emit('xor', gpr32(RDX), gpr32(RDX));
  },
  /** __ulock_wake(operation, at, nothing). */
  ulock: ({ asm }) => {
    asm.emit('mov', gpr32(rdi.index), UL_COMPARE_AND_WAIT | ULF_WAKE_ALL);
    asm.emit('mov', rsi, rax);
    asm.emit('xor', gpr32(RDX), gpr32(RDX));
  },
};

/** Stack that Microsoft's convention leaves to the callee. */
const SHADOW_BYTES = 32;

/** Calls a function of the platform with an aligned stack; keeps every integer register but rax and rdx. */
function callSystem(
  l: X64Lowering,
  at: Address,
  kind: Functions,
  target: number,
  putArguments: PutArguments,
): void {
  const { asm } = l;
  const saved = CLOBBERED[kind];
  asm.emit('lea', rax, l.address(at));
  for (const register of saved) asm.emit('push', register);
  asm.emit('push', rbp);
  asm.emit('mov', rbp, rsp);
  asm.emit('and', rsp, -16);
  asm.emit('sub', rsp, SHADOW_BYTES + 16);
  putArguments(l);
  asm.emit('movabs', rax, BigInt(target));
  asm.emit('call', rax);
  asm.emit('mov', rsp, rbp);
  asm.emit('pop', rbp);
  for (const register of [...saved].reverse()) asm.emit('pop', register);
}
