import { f32Bits } from './builder.js';
import { compareNumbers } from './compareNumbers.js';
import type { InterpreterState } from './interpreterState.js';
import type { Instruction } from './ir.js';
import { roundToEven, widenBf16, widenF16 } from './numberFormats.js';
import { unknownCase } from './unknownCase.js';

/** Some operations, by name. */
type Op<Name extends Instruction['op']> = Extract<Instruction, { op: Name }>;

type VecMovement = Op<
  'vecConst' | 'vecMove' | 'vecLoad' | 'vecBroadcast' | 'vecBroadcastInt' | 'vecSelect' | 'vecShift'
>;
type VecArithmetic = Op<
  'vecBinary' | 'vecFma' | 'vecUnary' | 'vecReduce' | 'vecReduce4' | 'dotPairs' | 'dotBytes'
>;

/** What a lane of `d` becomes: 32 bits, of which higher ones are ignored. */
type Lane = (index: number) => number;

/** The meaning of the operations that write a vector register; part of `interpreter.ts`, where the rules stand. */
export function resultLane(i: VecMovement | VecArithmetic, s: InterpreterState): Lane {
  switch (i.op) {
    case 'vecBinary':
    case 'vecFma':
    case 'vecUnary':
    case 'vecReduce':
    case 'vecReduce4':
    case 'dotPairs':
    case 'dotBytes':
      return computedLane(i, s);
    default:
      return movedLane(i, s);
  }
}

/** Lanes that are bits of the operands or of memory; only the widening of f16 computes. */
function movedLane(i: VecMovement, s: InterpreterState): Lane {
  const { bits, floats, lanes } = s;
  switch (i.op) {
    case 'vecConst': {
      if (i.bits.length === 1) return () => i.bits[0]!;
      if (i.bits.length === lanes) return (lane) => i.bits[lane]!;
      return s.fail(`expected 1 or ${lanes} values, found ${i.bits.length}`);
    }
    case 'vecMove': {
      const a = s.row(i.a);
      return (lane) => bits[a + lane]!;
    }
    case 'vecLoad':
      return loadedLane(i, s);
    case 'vecBroadcast': {
      const value = s.memory.getUint32(s.address(i.from, 4), true);
      return () => value;
    }
    case 'vecBroadcastInt': {
      const value = s.int(i.a);
      return () => value;
    }
    case 'vecSelect': {
      const [a, b, x, y] = [s.row(i.a), s.row(i.b), s.row(i.x), s.row(i.y)];
      return (lane) =>
        bits[lane + (compareNumbers(i.compare, floats[a + lane]!, floats[b + lane]!) ? x : y)]!;
    }
    case 'vecShift': {
      const a = s.row(i.a);
      const count = s.shiftCount(i.bits);
      return i.kind === 'left' ? (lane) => bits[a + lane]! << count : (lane) => bits[a + lane]! >>> count;
    }
    default:
      throw unknownCase(i);
  }
}

function loadedLane(i: Op<'vecLoad'>, s: InterpreterState): Lane {
  const { lanes, memory } = s;
  switch (i.type) {
    case 'raw': {
      const at = s.address(i.from, 4 * lanes);
      return (lane) => memory.getUint32(at + 4 * lane, true);
    }
    case 'bf16': {
      const at = s.address(i.from, 2 * lanes);
      return (lane) => memory.getUint16(at + 2 * lane, true) << 16;
    }
    case 'f16': {
      const at = s.address(i.from, 2 * lanes);
      return (lane) => f32Bits(widenF16(memory.getUint16(at + 2 * lane, true)));
    }
    default:
      throw unknownCase(i.type);
  }
}

/** `f32Bits` rounds to f32: one rounding of an f64 +, −, ·, / or √ of f32 values is the exact f32 operation. */
function computedLane(i: VecArithmetic, s: InterpreterState): Lane {
  const { bits, floats } = s;
  switch (i.op) {
    case 'vecBinary':
      return binaryLane(i, s);
    case 'vecFma': {
      const [d, a, b] = [s.row(i.d), s.row(i.a), s.sourceRow(i.b)];
      return (lane) => f32Bits(floats[d + lane]! + Math.fround(floats[a + lane]! * floats[b + lane]!));
    }
    case 'vecUnary':
      return unaryLane(i, s);
    case 'vecReduce': {
      const add = (x: number, y: number): number => Math.fround(x + y);
      const max = (x: number, y: number): number => Math.max(x, y);
      const total = f32Bits(s.floatsOf(i.a).reduce(i.kind === 'add' ? add : max));
      return () => total;
    }
    case 'vecReduce4': {
      const sums = i.a.map((register) => s.floatsOf(register).reduce((x, y) => Math.fround(x + y)));
      return (lane) => f32Bits(sums[lane] ?? Number.NaN); // NaN exposes the use of an undefined lane
    }
    case 'dotPairs': {
      const [d, a, b] = [s.row(i.d), s.row(i.a), s.sourceRow(i.b)];
      return (lane) => {
        const [x, y] = [bits[a + lane]!, bits[b + lane]!]; // each a pair of bf16, the low half first
        const first = widenBf16(x & 0xffff) * widenBf16(y & 0xffff); // exact in f64
        return f32Bits(floats[d + lane]! + first + widenBf16(x >>> 16) * widenBf16(y >>> 16));
      };
    }
    case 'dotBytes': {
      const [d, a, b] = [s.row(i.d), s.row(i.a), s.sourceRow(i.b)];
      return (lane) => {
        const [x, y] = [bits[a + lane]!, bits[b + lane]!];
        let sum = bits[d + lane]!; // wraps to 32 bits
        for (let shift = 0; shift < 32; shift += 8)
          sum += ((x >>> shift) & 0xff) * ((y << (24 - shift)) >> 24); // unsigned · signed
        return sum;
      };
    }
    default:
      throw unknownCase(i);
  }
}

function binaryLane(i: Op<'vecBinary'>, s: InterpreterState): Lane {
  const { bits, floats } = s;
  const [a, b] = [s.row(i.a), s.sourceRow(i.b)];
  switch (i.kind) {
    case 'add':
      return (lane) => f32Bits(floats[a + lane]! + floats[b + lane]!);
    case 'sub':
      return (lane) => f32Bits(floats[a + lane]! - floats[b + lane]!);
    case 'mul':
      return (lane) => f32Bits(floats[a + lane]! * floats[b + lane]!);
    case 'div':
      return (lane) => f32Bits(floats[a + lane]! / floats[b + lane]!);
    case 'min': // the second operand when either is NaN or both are zeros
      return (lane) => bits[lane + (floats[a + lane]! < floats[b + lane]! ? a : b)]!;
    case 'max':
      return (lane) => bits[lane + (floats[a + lane]! > floats[b + lane]! ? a : b)]!;
    case 'and':
      return (lane) => bits[a + lane]! & bits[b + lane]!;
    case 'or':
      return (lane) => bits[a + lane]! | bits[b + lane]!;
    case 'xor':
      return (lane) => bits[a + lane]! ^ bits[b + lane]!;
    case 'addI32': // wraps to 32 bits
      return (lane) => bits[a + lane]! + bits[b + lane]!;
    case 'subI32':
      return (lane) => bits[a + lane]! - bits[b + lane]!;
    default:
      throw unknownCase(i.kind);
  }
}

function unaryLane(i: Op<'vecUnary'>, s: InterpreterState): Lane {
  const { bits, floats } = s;
  const a = s.row(i.a);
  switch (i.kind) {
    case 'sqrt':
      return (lane) => f32Bits(Math.sqrt(floats[a + lane]!));
    case 'toI32':
      return (lane) => {
        const value = floats[a + lane]!;
        if (Math.abs(value) < 2 ** 31) return roundToEven(value);
        return s.fail(`expected |x| < 2^31, found ${value}`);
      };
    case 'fromI32':
      return (lane) => f32Bits(bits[a + lane]! | 0);
    default:
      throw unknownCase(i.kind);
  }
}
