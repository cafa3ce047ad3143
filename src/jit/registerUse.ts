import { QwenAsrError } from '../error.js';
import type { Address, ArithmeticSource, Instruction, IntOperand, IntReg, KernelCode, VecReg } from './ir.js';

type Reg = IntReg | VecReg;

/** Registers an instruction reads and writes itself (not those of nested bodies). */
export interface RegistersUsed {
  readonly reads: readonly Reg[];
  readonly writes: readonly Reg[];
}

const ofAddress = (at: Address): Reg[] => (at.index === null ? [at.base] : [at.base, at.index]);
const ofInt = (operand: IntOperand): Reg[] => (typeof operand === 'number' ? [] : [operand]);
const ofVec = (source: ArithmeticSource): Reg[] => {
  if (source.kind === 'vec') return [source];
  return ofAddress(source.kind === 'element' ? source.at : source);
};

/** What register allocation needs to know of an instruction. */
export function registersUsed(i: Instruction): RegistersUsed {
  switch (i.op) {
    case 'intConst':
    case 'vecConst':
      return { reads: [], writes: [i.d] };
    case 'intMove':
    case 'vecMove':
    case 'vecUnary':
    case 'vecShift':
    case 'vecReduce':
    case 'vecBroadcastInt':
      return { reads: [i.a], writes: [i.d] };
    case 'intBinary':
      return { reads: [i.a, ...ofInt(i.b)], writes: [i.d] };
    case 'intLoad':
    case 'vecLoad':
    case 'vecBroadcast':
    case 'vecBroadcastPair':
    case 'vecLoadLow':
      return { reads: ofAddress(i.from), writes: [i.d] };
    case 'vecLoadPair':
      return { reads: ofAddress(i.from), writes: i.d };
    case 'intStore':
      return { reads: [...ofAddress(i.to), ...ofInt(i.a)], writes: [] };
    case 'vecStore':
    case 'vecStoreLow':
      return { reads: [...ofAddress(i.to), i.a], writes: [] };
    case 'vecBinary':
      return { reads: [i.a, ...ofVec(i.b)], writes: [i.d] };
    case 'vecFma':
    case 'dotPairs':
    case 'dotBytes':
    case 'dotSmallBytes':
    case 'dotWords':
      return { reads: [i.d, i.a, ...ofVec(i.b)], writes: [i.d] };
    case 'elementProduct':
    case 'matrixPairs':
      return { reads: [i.d, i.a, i.b], writes: [i.d] };
    case 'vecPairSums':
    case 'vecInterleave':
      return { reads: [i.a, i.b], writes: [i.d] };
    case 'vecSelect':
      return { reads: [i.a, i.b, i.x, i.y], writes: [i.d] };
    case 'vecReduce4':
      return { reads: i.a, writes: [i.d] };
    case 'vecTranspose':
      return { reads: i.a, writes: i.a };
    case 'loop':
      return { reads: ofInt(i.count), writes: [] };
    case 'while':
    case 'if':
      return { reads: [i.condition.a, ...ofInt(i.condition.b)], writes: [] };
    case 'call':
      return { reads: [i.target, ...i.args], writes: [] };
    case 'prefetch':
    case 'wakeAll':
      return { reads: ofAddress(i.at), writes: [] };
    case 'waitWhile':
      return { reads: [...ofAddress(i.at), i.expected], writes: [] };
    case 'atomicAdd':
      return { reads: [...ofAddress(i.at), ...ofInt(i.value)], writes: [i.d] };
    case 'atomicLoad':
      return { reads: ofAddress(i.at), writes: [i.d] };
    case 'atomicStore':
      return { reads: [...ofAddress(i.at), ...ofInt(i.value)], writes: [] };
    case 'tileLoad':
      return { reads: [...ofAddress(i.from), i.strideBytes], writes: [] };
    case 'tileStore':
      return { reads: [...ofAddress(i.to), i.strideBytes], writes: [] };
    case 'clock':
      return { reads: [], writes: [i.d] };
    case 'tileConfigure':
    case 'tileRelease':
    case 'tileZero':
    case 'tileDotPairs':
    case 'pause':
      return { reads: [], writes: [] };
  }
}

/** Registers that hold a value on every way to a place in the body: `int3`, `vec0`, … */
type Assigned = Set<string>;

/**
 * Checks that every register is written before it is read on every way through the body, whatever its conditions
 * and counts turn out to be:
 *
 * - an `if` gives a value to what both of its bodies write;
 * - the body of a `loop` or `while` starts with what was written before it: nothing comes round from the iteration
 *   before, as the first has none;
 * - after it, what its body wrote counts only where a constant says that it runs at least once.
 *
 * Register allocation relies on this: a value that lives on from one iteration to the next was written before the loop.
 *
 * @throws QwenAsrError `internal` that names kernel, operation and register
 */
export function checkDefiniteAssignment(code: KernelCode): void {
  follow(code.name, code.body, new Set(code.params.map(nameOf)));
}

/** Adds to `assigned` what holds a value after the body. */
function follow(kernel: string, body: readonly Instruction[], assigned: Assigned): void {
  for (const instruction of body) {
    const { reads, writes } = registersUsed(instruction);
    for (const register of reads) {
      if (assigned.has(nameOf(register))) continue;
      throw new QwenAsrError(
        'internal',
        `kernel ${kernel}, ${instruction.op}: ${nameOf(register)} may be read before it is written`,
      );
    }
    for (const register of writes) assigned.add(nameOf(register));
    followNested(kernel, instruction, assigned);
  }
}

function followNested(kernel: string, instruction: Instruction, assigned: Assigned): void {
  switch (instruction.op) {
    case 'if': {
      const otherwise = new Set(assigned);
      const before = new Set(assigned);
      follow(kernel, instruction.whenTrue, assigned);
      follow(kernel, instruction.whenFalse, otherwise);
      for (const name of assigned) if (!before.has(name) && !otherwise.has(name)) assigned.delete(name);
      break;
    }
    case 'loop': {
      const runs = typeof instruction.count === 'number' && instruction.count > 0;
      follow(kernel, instruction.body, runs ? assigned : new Set(assigned));
      break;
    }
    case 'while':
      follow(kernel, instruction.body, new Set(assigned));
      break;
    default: // has no bodies
  }
}

function nameOf({ kind, id }: IntReg | VecReg): string {
  return `${kind}${id}`;
}
