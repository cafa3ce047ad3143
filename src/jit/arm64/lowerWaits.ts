import { QwenAsrError } from '../../error.js';
import type { Instruction } from '../ir.js';
import { type SystemWaits, UL_COMPARE_AND_WAIT, ULF_WAKE_ALL } from '../systemWaits.js';
import { ADDRESS, type Arm64Lowering, low, VALUE } from './lowering.js';
import { mem, memPost, memPre, type Scalar, SP, WZR, XZR, x } from './operands.js';

type Of<Op extends Instruction['op']> = Extract<Instruction, { op: Op }>;

/** System call number of Linux on arm64 (asm-generic/unistd.h), and futex operations (linux/futex.h). */
const SYS_FUTEX = 98;
const FUTEX_WAIT_PRIVATE = 128;
const FUTEX_WAKE_PRIVATE = 129;
const EVERY_THREAD = 0x7fffffff;

/** Sleeps as long as the word is what is expected. No vector register may be in use: functions destroy them. */
export function lowerWaitWhile(l: Arm64Lowering, i: Of<'waitWhile'>): void {
  const { asm, waits } = l;
  const again = asm.label('waitAgain');
  const done = asm.label('waitDone');
  const expected = l.int(i.expected);
  asm.bind(again);
  const at = l.wholeAddress(i.at);
  asm.emit('ldar', low(VALUE), mem(at));
  asm.emit('subs', WZR, low(VALUE), low(expected));
  asm.emit('b.', 'ne', done);
  if (waits.kind === 'futex') futex(l, at, FUTEX_WAIT_PRIVATE, expected);
  else callSystem(l, at, waits.wait, systemArguments(waits).wait);
  asm.emit('b', again); // wake-ups may be spurious
  asm.bind(done);
}

export function lowerWakeAll(l: Arm64Lowering, i: Of<'wakeAll'>): void {
  const { waits } = l;
  const at = l.wholeAddress(i.at);
  if (waits.kind !== 'futex') return callSystem(l, at, waits.wakeAll, systemArguments(waits).wakeAll);
  l.setConst(VALUE, EVERY_THREAD);
  futex(l, at, FUTEX_WAKE_PRIVATE, VALUE);
}

/** futex(at, operation, value, no timeout). The system keeps every register but x0. */
function futex(l: Arm64Lowering, at: Scalar<'x'>, operation: number, value: Scalar<'x'>): void {
  const { asm } = l;
  l.move(ADDRESS, at);
  l.move(VALUE, value);
  asm.emit('stp', x(0), x(1), memPre(SP, -48));
  asm.emit('stp', x(2), x(3), mem(SP, 16));
  asm.emit('str', x(8), mem(SP, 32));
  l.move(x(0), ADDRESS);
  l.setConst(x(1), operation);
  l.move(x(2), VALUE);
  l.move(x(3), XZR);
  l.setConst(x(8), SYS_FUTEX);
  asm.emit('svc', 0);
  asm.emit('ldr', x(8), mem(SP, 32));
  asm.emit('ldp', x(2), x(3), mem(SP, 16));
  asm.emit('ldp', x(0), x(1), memPost(SP, 48));
}

/** Arguments of a function in their order: the word's address, its value without a sign, or a constant. */
type SystemArguments = readonly (Scalar<'x'> | number)[];

/** Word bytes, and flags: none. */
const [WORD_BYTES, NONE] = [4, 0];

const SYSTEM_ARGUMENTS: Record<'osSync' | 'ulock', Record<'wait' | 'wakeAll', SystemArguments>> = {
  osSync: { wait: [ADDRESS, VALUE, WORD_BYTES, NONE], wakeAll: [ADDRESS, WORD_BYTES, NONE] },
  ulock: {
    wait: [UL_COMPARE_AND_WAIT, ADDRESS, VALUE, NONE], // without a limit
    wakeAll: [UL_COMPARE_AND_WAIT | ULF_WAKE_ALL, ADDRESS, NONE],
  },
};

function systemArguments({ kind }: SystemWaits): (typeof SYSTEM_ARGUMENTS)['osSync'] {
  if (kind === 'osSync' || kind === 'ulock') return SYSTEM_ARGUMENTS[kind];
  throw new QwenAsrError('internal', `arm64 has no way to wait on ${kind}`);
}

/** What a function may destroy of what generated code keeps: those of `INT_POOL` below 18, and the return address. */
const DESTROYED = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 30] as const;

/** Calls a function of the platform by AAPCS64; keeps every register that generated code keeps. VALUE is an argument. */
function callSystem(l: Arm64Lowering, at: Scalar<'x'>, target: number, values: SystemArguments): void {
  const { asm } = l;
  const kept = Array.from({ length: DESTROYED.length / 2 }, (_, i) => {
    return [x(DESTROYED[2 * i]!), x(DESTROYED[2 * i + 1]!)] as const;
  });
  const frameBytes = 8 * DESTROYED.length;
  l.move(ADDRESS, at);
  kept.forEach(([a, b], i) => {
    asm.emit('stp', a, b, i === 0 ? memPre(SP, -frameBytes) : mem(SP, 16 * i));
  });
  values.forEach((value, n) => {
    if (typeof value === 'number') l.setConst(x(n), value);
    else l.move(x(n), value);
  });
  l.setConst(ADDRESS, target);
  asm.emit('blr', ADDRESS);
  kept.toReversed().forEach(([a, b], i) => {
    const offset = frameBytes - 16 * (i + 1);
    asm.emit('ldp', a, b, offset === 0 ? memPost(SP, frameBytes) : mem(SP, offset));
  });
}
