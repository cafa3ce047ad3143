import { compareNumbers, InterpreterState } from './interpreterState.js';
import { checkTilesReleased, stepTiles } from './interpreterTiles.js';
import {
  type Condition,
  type Instruction,
  type IntBinaryKind,
  type IntOperand,
  type KernelCode,
  unknownCase,
} from './ir.js';
import { narrowToBf16 } from './numberFormats.js';
import { resultLane } from './resultLane.js';

/** Runs the kernel that `target`, a kernel pointer, stands for. */
export type ResolveCall = (target: number, args: readonly number[]) => void;

/** Some operations, by name. */
type Op<Name extends Instruction['op']> = Extract<Instruction, { op: Name }>;

/** Operations that write an integer register `d`. */
type IntOp = Op<'intConst' | 'intMove' | 'intBinary' | 'intLoad' | 'atomicAdd' | 'atomicLoad' | 'clock'>;

/**
 * The meaning of every operation of the kernel language, one lane at a time, and the oracle of the lowerings.
 *
 * What a target may do otherwise, so that tests allow for it:
 * - `vecFma` rounds twice here (product, then sum); a target may fuse, and is then nearer to the exact value.
 * - `vecReduce add`, `vecReduce4`, `dotPairs` and `matrixPairs` may sum in any order; the last two may flush subnormals.
 * - `vecReduce max` of lanes with a NaN or with zeros of both signs may be any of them.
 * - A NaN that arithmetic or widening produces has no defined sign or payload; movement keeps bits, as do min and max.
 * - `bf16` stores may flush subnormal values to zero, and a NaN need only stay a NaN.
 *
 * What a target does not check, but this does: registers read before they are written, memory bounds, alignment, tiles
 * that are used before they are configured or never released,
 * integers outside −2^31 … 2^32−1 (where 32- and 64-bit targets part), preconditions of divide, shift and toI32.
 *
 * @param memory little-endian; addresses are byte offsets in it
 * @param args one value a parameter: byte offsets and numbers
 * @throws QwenAsrError `internal` that names kernel and operation, when the kernel breaks a rule of the language
 *
 * @example
 * const k = new KernelBuilder('increment', { ...capabilities, lanes: 4 });
 * const count = k.param();
 * k.atomicAdd(k.at(count), 1);
 * const memory = new ArrayBuffer(4);
 * interpret(k.finish(), memory, [0]); // memory now holds the i32 1
 */
export function interpret(
  code: KernelCode,
  memory: ArrayBufferLike,
  args: readonly number[],
  resolveCall?: ResolveCall,
): void {
  const state = new InterpreterState(code, memory);
  if (args.length !== code.params.length)
    state.fail(`expected ${code.params.length} arguments, found ${args.length}`);
  code.params.forEach((param, i) => {
    state.setInt(param, args[i]!);
  });
  execute(code.body, state, resolveCall);
  checkTilesReleased(state);
}

function execute(body: readonly Instruction[], s: InterpreterState, resolveCall?: ResolveCall): void {
  for (const instruction of body) {
    s.op = instruction.op;
    step(instruction, s, resolveCall);
  }
}

/** Control, stores and synchronisation; what writes a register goes on to the functions below. */
function step(i: Instruction, s: InterpreterState, resolveCall?: ResolveCall): void {
  switch (i.op) {
    case 'loop': {
      const count = s.int(i.count); // read once, before the first iteration
      for (let iteration = 0; iteration < count; iteration++) execute(i.body, s, resolveCall);
      break;
    }
    case 'while':
      while (holds(i.condition, s)) execute(i.body, s, resolveCall);
      break;
    case 'if':
      execute(holds(i.condition, s) ? i.whenTrue : i.whenFalse, s, resolveCall);
      break;
    case 'call': {
      const args = i.args.map((register) => s.int(register));
      if (resolveCall === undefined) s.fail('no kernels to call were given');
      resolveCall(s.int(i.target), args);
      break;
    }
    case 'intStore':
      storeInt(i, s);
      break;
    case 'vecStore':
    case 'vecStoreLow':
      storeVec(i, s);
      break;
    case 'atomicStore':
      Atomics.store(s.words, s.word(i.at), s.int(i.value));
      break;
    case 'waitWhile': // a target may also return without cause, so kernels wait inside a `while`
      if (Atomics.load(s.words, s.word(i.at)) === s.int(i.expected))
        s.fail('would sleep for ever: no other thread can change the value');
      break;
    case 'wakeAll': // every thread that sleeps in waitWhile at this address; here there is none
      s.word(i.at);
      break;
    case 'tileConfigure':
    case 'tileRelease':
    case 'tileZero':
    case 'tileLoad':
    case 'tileStore':
    case 'tileDotPairs':
      stepTiles(i, s);
      break;
    case 'prefetch': // of any address, even outside the memory
    case 'pause':
      break;
    case 'intConst':
    case 'intMove':
    case 'intBinary':
    case 'intLoad':
    case 'atomicAdd':
    case 'atomicLoad':
    case 'clock':
      s.setInt(i.d, intResult(i, s));
      break;
    case 'vecLoadPair': {
      const at = s.address(i.from, 4 * s.lanes);
      for (const [half, d] of i.d.entries()) {
        s.setLanes(d, (lane) => s.memory.getUint16(at + 2 * (half * s.lanes + lane), true) << 16);
      }
      break;
    }
    case 'vecTranspose': {
      const rows = i.a.map((register) => [...s.bits.subarray(s.row(register), s.row(register) + s.lanes)]);
      for (const [row, register] of i.a.entries()) s.setLanes(register, (lane) => rows[lane]![row]!);
      break;
    }
    case 'vecConst':
    case 'vecMove':
    case 'vecLoad':
    case 'vecLoadLow':
    case 'vecInterleave':
    case 'vecBroadcast':
    case 'vecBroadcastPair':
    case 'vecBroadcastInt':
    case 'vecSelect':
    case 'vecShift':
    case 'vecBinary':
    case 'vecFma':
    case 'vecUnary':
    case 'vecReduce':
    case 'vecReduce4':
    case 'dotPairs':
    case 'dotBytes':
    case 'dotSmallBytes':
    case 'elementProduct':
    case 'matrixPairs':
    case 'dotWords':
    case 'vecPairSums':
      s.setLanes(i.d, resultLane(i, s));
      break;
    default:
      throw unknownCase(i);
  }
}

function intResult(i: IntOp, s: InterpreterState): number {
  switch (i.op) {
    case 'intConst':
      return i.value;
    case 'intMove':
      return s.int(i.a);
    case 'intBinary':
      return intBinary(i.kind, s.int(i.a), i.b, s);
    case 'intLoad':
      return loadInt(i, s);
    case 'atomicAdd': // the sum wraps to 32 bits
      return Atomics.add(s.words, s.word(i.at), s.int(i.value));
    case 'atomicLoad':
      return Atomics.load(s.words, s.word(i.at));
    case 'clock': // in quarters of a microsecond
      return Math.floor(performance.now() * 4000) % 2 ** 31;
    default:
      throw unknownCase(i);
  }
}

function intBinary(kind: IntBinaryKind, a: number, operand: IntOperand, s: InterpreterState): number {
  const b = s.int(operand);
  switch (kind) {
    case 'add':
      return a + b;
    case 'sub':
      return a - b;
    case 'mul':
      return a * b;
    case 'and': // of 64-bit two's complement
      return Number(BigInt(a) & BigInt(b));
    case 'min':
      return Math.min(a, b);
    case 'max':
      return Math.max(a, b);
    case 'shiftLeft':
      return a * 2 ** s.shiftCount(operand);
    case 'shiftRight':
      return Math.floor(a / 2 ** s.shiftCount(operand));
    case 'divide':
    case 'remainder':
      if (!(a >= 0 && b > 0)) return s.fail(`expected ${kind} of a ≥ 0 by b > 0, found ${a} by ${b}`);
      return kind === 'divide' ? Math.floor(a / b) : a % b;
    default:
      throw unknownCase(kind);
  }
}

function loadInt(i: Op<'intLoad'>, s: InterpreterState): number {
  switch (i.type) {
    case 'u16':
      return s.memory.getUint16(s.address(i.from, 2), true);
    case 'i32':
      return s.memory.getInt32(s.address(i.from, 4), true);
    case 'pointer':
      return Number(s.memory.getBigInt64(s.address(i.from, 8), true));
    default:
      throw unknownCase(i.type);
  }
}

function storeInt(i: Op<'intStore'>, s: InterpreterState): void {
  const value = s.int(i.a); // what does not fit loses its higher bits
  switch (i.type) {
    case 'u16':
      s.memory.setUint16(s.address(i.to, 2), value, true);
      break;
    case 'i32':
      s.memory.setInt32(s.address(i.to, 4), value, true);
      break;
    case 'pointer':
      s.memory.setBigInt64(s.address(i.to, 8), BigInt(value), true);
      break;
    default:
      throw unknownCase(i.type);
  }
}

function storeVec(i: Op<'vecStore' | 'vecStoreLow'>, s: InterpreterState): void {
  const row = s.row(i.a);
  const lanes = i.op === 'vecStoreLow' ? i.lanes : s.lanes;
  if (i.op === 'vecStore' && i.type === 'bf16') {
    const at = s.address(i.to, 2 * lanes);
    for (let lane = 0; lane < lanes; lane++)
      s.memory.setUint16(at + 2 * lane, narrowToBf16(s.bits[row + lane]!), true);
    return;
  }
  if (i.op === 'vecStore' && i.type !== 'raw') {
    const bytes = i.type === 'low8' ? 1 : 2;
    const at = s.address(i.to, bytes * lanes);
    for (let lane = 0; lane < lanes; lane++) {
      if (bytes === 1) s.memory.setUint8(at + lane, s.bits[row + lane]!);
      else s.memory.setUint16(at + 2 * lane, s.bits[row + lane]!, true);
    }
    return;
  }
  const at = s.address(i.to, 4 * lanes);
  for (let lane = 0; lane < lanes; lane++) s.memory.setUint32(at + 4 * lane, s.bits[row + lane]!, true);
}

function holds(condition: Condition, s: InterpreterState): boolean {
  return compareNumbers(condition.compare, s.int(condition.a), s.int(condition.b));
}
