import { QwenAsrError } from '../../error.js';
import { type Allocation, allocateRegisters, usedIntegers } from '../allocate.js';
import type { Instruction, KernelCode } from '../ir.js';
import { FUTEX, type SystemWaits } from '../systemWaits.js';
import { Assembler } from './assembler.js';
import type { Arm64Features } from './features.js';
import { Arm64Lowering, INT_POOL, VEC_POOL } from './lowering.js';
import {
  jumpUnless,
  lowerAtomicAdd,
  lowerAtomicLoad,
  lowerAtomicStore,
  lowerCall,
  lowerClock,
  lowerIntBinary,
  lowerIntLoad,
  lowerIntStore,
  lowerPrefetch,
} from './lowerScalar.js';
import {
  lowerDotWords,
  lowerElementProduct,
  lowerMatrixPairs,
  lowerProduct,
  lowerVecBinary,
  lowerVecBroadcast,
  lowerVecBroadcastInt,
  lowerVecConst,
  lowerVecInterleave,
  lowerVecLoad,
  lowerVecLoadPair,
  lowerVecReduce,
  lowerVecReduce4,
  lowerVecSelect,
  lowerVecShift,
  lowerVecStore,
  lowerVecStoreLow,
  lowerVecTranspose,
  lowerVecUnary,
  moveVector,
  vectorTemporaries,
} from './lowerVector.js';
import { lowerWaitWhile, lowerWakeAll } from './lowerWaits.js';
import { d, mem, memPost, memPre, q, SP, XZR, x } from './operands.js';

/**
 * Machine code of a kernel: a function of the procedure call standard (AAPCS64) that keeps every integer register except
 * x13 to x17 and the return address. Position-independent; its address must be a multiple of 16.
 *
 * @param waits how it sleeps and wakes, if it does
 * @example
 * const bytes = lowerArm64(kernelCode, NEON);
 *
 * @throws QwenAsrError `internal` for a kernel that needs more registers than there are
 */
export function lowerArm64(
  code: KernelCode,
  features: Arm64Features,
  waits: SystemWaits = FUTEX,
): Uint8Array {
  const allocation = allocateRegisters(code, { int: INT_POOL, vec: VEC_POOL }, (instruction) =>
    vectorTemporaries(instruction, features),
  );
  code.params.forEach((parameter, i) => {
    if (allocation.int[parameter.id] === i) return; // as the pool begins with the registers of the arguments
    throw new QwenAsrError('internal', `kernel ${code.name}: parameter ${i} is not where it arrives`);
  });
  const asm = new Assembler(code.name);
  const frame = new Frame(asm, allocation, hasCalls(code.body));
  frame.enter();
  lowerBody(new Arm64Lowering(asm, features, allocation, waits), code.body);
  frame.leave();
  asm.emit('ret');
  return asm.finish();
}

function hasCalls(body: readonly Instruction[]): boolean {
  return body.some((i) => {
    if (i.op === 'if') return hasCalls(i.whenTrue) || hasCalls(i.whenFalse);
    return i.op === 'call' || ((i.op === 'loop' || i.op === 'while') && hasCalls(i.body));
  });
}

const RETURN_ADDRESS = 30;

/** What a kernel keeps for its caller: all integer registers that it uses, and the lower halves of v8 to v15. */
class Frame {
  private readonly asm: Assembler;
  private readonly ints: (readonly [number, number])[];
  private readonly floats: (readonly [number, number])[];
  private readonly calls: boolean;

  constructor(asm: Assembler, allocation: Allocation, calls: boolean) {
    this.asm = asm;
    this.calls = calls;
    const ints = [...usedIntegers(allocation), ...(calls ? [RETURN_ADDRESS] : [])];
    this.ints = pairs(ints, () => XZR.index); // the neighbours of 19 and 28 are none of ours
    const vecs = [...allocation.vec, ...[...allocation.temporaries.values()].flat()];
    this.floats = pairs(
      vecs.filter((register) => register >= 8 && register < 16),
      (register) => register ^ 1,
    );
  }

  /** What a kernel calls may have been installed by another thread since this one last looked: hence `isb`. */
  enter(): void {
    const [first, ...others] = this.ints;
    if (first !== undefined) this.asm.emit('stp', x(first[0]), x(first[1]), memPre(SP, -this.byteLength));
    this.eachOther(others, 'stp');
    if (this.calls) this.asm.emit('isb');
  }

  leave(): void {
    const [first, ...others] = this.ints;
    this.eachOther(others, 'ldp');
    if (first !== undefined) this.asm.emit('ldp', x(first[0]), x(first[1]), memPost(SP, this.byteLength));
  }

  private get byteLength(): number {
    return 16 * (this.ints.length + this.floats.length);
  }

  private eachOther(ints: Frame['ints'], mnemonic: 'stp' | 'ldp'): void {
    const all = [
      ...ints.map(([a, b]) => [x(a), x(b)] as const),
      ...this.floats.map(([a, b]) => [d(a), d(b)] as const),
    ];
    all.forEach(([a, b], i) => {
      this.asm.emit(mnemonic, a, b, mem(SP, 16 * (i + 1)));
    });
  }
}

/** Distinct registers in twos; the last may stand with another, which is kept for nothing. */
function pairs(registers: readonly number[], other: (last: number) => number): (readonly [number, number])[] {
  const sorted = [...new Set(registers)].sort((a, b) => a - b);
  return Array.from({ length: Math.ceil(sorted.length / 2) }, (_, i) => {
    return [sorted[2 * i]!, sorted[2 * i + 1] ?? other(sorted[2 * i]!)] as const;
  });
}

function lowerBody(l: Arm64Lowering, body: readonly Instruction[]): void {
  for (const instruction of body) lowerInstruction(l, instruction);
}

function lowerInstruction(l: Arm64Lowering, i: Instruction): void {
  switch (i.op) {
    case 'intConst':
      return l.setConst(l.int(i.d), i.value);
    case 'intMove':
      return l.move(l.int(i.d), l.int(i.a));
    case 'intBinary':
      return lowerIntBinary(l, i);
    case 'intLoad':
      return lowerIntLoad(l, i);
    case 'intStore':
      return lowerIntStore(l, i);
    case 'loop':
      return lowerLoop(l, i);
    case 'while':
      return lowerWhile(l, i);
    case 'if':
      return lowerIf(l, i);
    case 'call':
      return lowerCall(l, i);
    case 'vecConst':
      return lowerVecConst(l, i);
    case 'vecMove':
      return moveVector(l, l.vecNumber(i.d), l.vecNumber(i.a));
    case 'vecLoad':
      return lowerVecLoad(l, i);
    case 'vecLoadPair':
      return lowerVecLoadPair(l, i);
    case 'vecLoadLow':
      return l.access('ldr', q(l.vecNumber(i.d)), i.from, 16);
    case 'vecInterleave':
      return lowerVecInterleave(l, i);
    case 'vecStore':
      return lowerVecStore(l, i);
    case 'vecStoreLow':
      return lowerVecStoreLow(l, i);
    case 'vecBroadcast':
    case 'vecBroadcastPair':
      return lowerVecBroadcast(l, i);
    case 'vecBroadcastInt':
      return lowerVecBroadcastInt(l, i);
    case 'vecBinary':
      return lowerVecBinary(l, i);
    case 'vecFma':
    case 'dotPairs':
    case 'dotBytes':
    case 'dotSmallBytes':
      return lowerProduct(l, i);
    case 'elementProduct':
      return lowerElementProduct(l, i);
    case 'matrixPairs':
      return lowerMatrixPairs(l, i);
    case 'dotWords':
      return lowerDotWords(l, i);
    case 'vecUnary':
      return lowerVecUnary(l, i);
    case 'vecShift':
      return lowerVecShift(l, i);
    case 'vecSelect':
      return lowerVecSelect(l, i);
    case 'vecReduce':
      return lowerVecReduce(l, i);
    case 'vecReduce4':
      return lowerVecReduce4(l, i);
    case 'vecTranspose':
      return lowerVecTranspose(l, i);
    case 'vecPairSums':
      return l.asm.emit('addp', l.lanes(i.d), l.lanes(i.a), l.lanes(i.b));
    case 'tileConfigure':
    case 'tileRelease':
    case 'tileZero':
    case 'tileLoad':
    case 'tileStore':
    case 'tileDotPairs':
      throw new QwenAsrError('internal', `arm64: ${i.op} needs a capability that no features offer`);
    case 'prefetch':
      return lowerPrefetch(l, i);
    case 'atomicAdd':
      return lowerAtomicAdd(l, i);
    case 'atomicLoad':
      return lowerAtomicLoad(l, i);
    case 'atomicStore':
      return lowerAtomicStore(l, i);
    case 'pause':
      return l.asm.emit('isb'); // some tens of cycles, as x86's; `yield` does nothing on these cores
    case 'clock':
      return lowerClock(l, i);
    case 'waitWhile':
      return lowerWaitWhile(l, i);
    case 'wakeAll':
      return lowerWakeAll(l, i);
  }
}

function lowerLoop(l: Arm64Lowering, i: Extract<Instruction, { op: 'loop' }>): void {
  const { asm } = l;
  const counter = l.loopCounter(i);
  const top = asm.label('loop');
  const end = asm.label('loopEnd');
  if (typeof i.count === 'number') {
    if (i.count <= 0) return;
    l.setConst(counter, i.count);
  } else {
    l.move(counter, l.int(i.count));
    l.compare(counter, 0);
    asm.emit('b.', 'le', end);
  }
  asm.bind(top);
  lowerBody(l, i.body);
  asm.emit('subs', counter, counter, 1);
  asm.emit('b.', 'ne', top);
  asm.bind(end);
}

/** The test stands at the end, so that an iteration costs one jump. */
function lowerWhile(l: Arm64Lowering, i: Extract<Instruction, { op: 'while' }>): void {
  const { asm } = l;
  const top = asm.label('while');
  const end = asm.label('whileEnd');
  jumpUnless(l, i.condition, end);
  asm.bind(top);
  lowerBody(l, i.body);
  l.compare(l.int(i.condition.a), i.condition.b);
  asm.emit('b.', i.condition.compare, top);
  asm.bind(end);
}

function lowerIf(l: Arm64Lowering, i: Extract<Instruction, { op: 'if' }>): void {
  const { asm } = l;
  const otherwise = asm.label('else');
  const end = asm.label('endIf');
  jumpUnless(l, i.condition, otherwise);
  lowerBody(l, i.whenTrue);
  if (i.whenFalse.length > 0) asm.emit('b', end);
  asm.bind(otherwise);
  lowerBody(l, i.whenFalse);
  asm.bind(end);
}
