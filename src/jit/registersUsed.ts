import type { Address, Instruction, IntOperand, IntReg, VecReg, VecSource } from './ir.js';

type Reg = IntReg | VecReg;

/** Registers an instruction reads and writes itself (not those of nested bodies). */
export interface RegistersUsed {
  readonly reads: readonly Reg[];
  readonly writes: readonly Reg[];
}

const ofAddress = (at: Address): Reg[] => (at.index === null ? [at.base] : [at.base, at.index]);
const ofInt = (operand: IntOperand): Reg[] => (typeof operand === 'number' ? [] : [operand]);
const ofVec = (source: VecSource): Reg[] => (source.kind === 'address' ? ofAddress(source) : [source]);

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
      return { reads: [i.d, i.a, ...ofVec(i.b)], writes: [i.d] };
    case 'vecSelect':
      return { reads: [i.a, i.b, i.x, i.y], writes: [i.d] };
    case 'vecReduce4':
      return { reads: i.a, writes: [i.d] };
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
    case 'clock':
      return { reads: [], writes: [i.d] };
    case 'pause':
      return { reads: [], writes: [] };
  }
}
