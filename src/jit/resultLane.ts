import { compareNumbers, type InterpreterState } from './interpreterState.js';
import { type Instruction, unknownCase } from './ir.js';
import { bf16Value, f16Value, f32Bits } from './numberFormats.js';

/** Some operations, by name. */
type Op<Name extends Instruction['op']> = Extract<Instruction, { op: Name }>;

type VecMovement = Op<
  | 'vecConst'
  | 'vecMove'
  | 'vecLoad'
  | 'vecLoadLow'
  | 'vecInterleave'
  | 'vecBroadcast'
  | 'vecBroadcastPair'
  | 'vecBroadcastInt'
  | 'vecSelect'
  | 'vecShift'
>;
type VecArithmetic = Op<
  | 'vecBinary'
  | 'vecFma'
  | 'vecUnary'
  | 'vecReduce'
  | 'vecReduce4'
  | 'dotPairs'
  | 'dotBytes'
  | 'dotSmallBytes'
  | 'elementProduct'
  | 'matrixPairs'
  | 'dotWords'
  | 'vecPairSums'
>;

/** What a lane of `d` becomes: 32 bits, of which higher ones are ignored. */
type Lane = (index: number) => number;

/** The meaning of the operations that write a vector register; the rules stand in `interpreter.ts`. */
export function resultLane(i: VecMovement | VecArithmetic, s: InterpreterState): Lane {
  switch (i.op) {
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
    case 'vecLoadLow': {
      const at = s.address(i.from, 16);
      return (lane) => (lane < 4 ? s.memory.getUint32(at + 4 * lane, true) : 0);
    }
    case 'vecInterleave': {
      const rows = [s.row(i.a), s.row(i.b)];
      const words = i.elementBits / 32;
      const half = i.part === 'low' ? 0 : 2;
      const result = Array.from({ length: lanes }, (_, lane) => {
        const element = Math.floor((lane % 4) / words);
        const place = lane - (lane % 4) + half + words * Math.floor(element / 2) + (lane % words);
        return bits[rows[element % 2]! + place]!;
      });
      return (lane) => result[lane]!;
    }
    case 'vecBroadcast': {
      const value = s.memory.getUint32(s.address(i.from, 4), true);
      return () => value;
    }
    case 'vecBroadcastPair': {
      const at = s.address(i.from, 8);
      return (lane) => s.memory.getUint32(at + 4 * (lane % 2), true);
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
      if (i.kind === 'rightInBytes') {
        const kept = ((0xff >> count) * 0x01010101) >>> 0;
        return (lane) => (bits[a + lane]! >>> count) & kept;
      }
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
    case 'u8': {
      const at = s.address(i.from, lanes);
      return (lane) => memory.getUint8(at + lane);
    }
    case 'u8Pairs': {
      const at = s.address(i.from, 2 * lanes);
      return (lane) => memory.getUint8(at + 2 * lane) | (memory.getUint8(at + 2 * lane + 1) << 16);
    }
    case 'f16': {
      const at = s.address(i.from, 2 * lanes);
      return (lane) => f32Bits(f16Value(memory.getUint16(at + 2 * lane, true)));
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
      return (lane) => f32Bits(floats[d + lane]! + productOfPairs(bits[a + lane]!, bits[b + lane]!));
    }
    case 'matrixPairs': {
      const [d, a, b] = [s.row(i.d), s.row(i.a), s.row(i.b)];
      const before = bits.slice(0); // d may be an operand, of which every lane reads several
      return (lane) => {
        const [x, y] = [a + 2 * (lane >> 1), b + 2 * (lane & 1)];
        const first = floats[d + lane]! + productOfPairs(before[x]!, before[y]!);
        return f32Bits(Math.fround(first) + productOfPairs(before[x + 1]!, before[y + 1]!));
      };
    }
    case 'dotBytes': {
      const [d, a, b] = [s.row(i.d), s.row(i.a), s.sourceRow(i.b)];
      return (lane) => bits[d + lane]! + dotOfBytes(bits[a + lane]!, unsigned, bits[b + lane]!, signed);
    }
    case 'dotSmallBytes': {
      const [d, a, b] = [s.row(i.d), s.row(i.a), s.sourceRow(i.b)];
      return (lane) => bits[d + lane]! + dotOfBytes(bits[a + lane]!, signed, bits[b + lane]!, unsigned);
    }
    case 'elementProduct':
      return elementProductLane(i, s);
    case 'dotWords': {
      const [d, a, b] = [s.row(i.d), s.row(i.a), s.sourceRow(i.b)];
      return (lane) => {
        const [x, y] = [bits[a + lane]!, bits[b + lane]!]; // each a pair of i16, the low half first
        return bits[d + lane]! + ((x << 16) >> 16) * ((y << 16) >> 16) + (x >> 16) * (y >> 16);
      };
    }
    case 'vecPairSums': {
      const sums = [i.a, i.b].flatMap((register) => {
        const row = s.row(register);
        return Array.from(
          { length: s.lanes / 2 },
          (_, pair) => bits[row + 2 * pair]! + bits[row + 2 * pair + 1]!,
        );
      });
      return (lane) => sums[lane]!;
    }
    default:
      throw unknownCase(i);
  }
}

/** Of two bf16 each, the low half first; all but the sum is exact in f64. */
function productOfPairs(x: number, y: number): number {
  const low = bf16Value(x & 0xffff) * bf16Value(y & 0xffff);
  return low + bf16Value(x >>> 16) * bf16Value(y >>> 16);
}

type ByteOf = (word: number, shift: number) => number;

const unsigned: ByteOf = (word, shift) => (word >>> shift) & 0xff;
const signed: ByteOf = (word, shift) => (word << (24 - shift)) >> 24;

/** Σ of the products of four bytes each. */
function dotOfBytes(a: number, ofA: ByteOf, b: number, ofB: ByteOf): number {
  return [0, 8, 16, 24].reduce((sum, shift) => sum + ofA(a, shift) * ofB(b, shift), 0);
}

function elementProductLane({ kind, d, a, b, element }: Op<'elementProduct'>, s: InterpreterState): Lane {
  const { bits, floats } = s;
  if (!(element >= 0 && element < s.lanes)) s.fail(`expected an element below ${s.lanes}, found ${element}`);
  const [sum, left, right] = [s.row(d), s.row(a), s.row(b) + element];
  if (kind === 'fma') {
    const value = floats[right]!; // read before d is written, which may be b
    return (lane) => f32Bits(floats[sum + lane]! + Math.fround(floats[left + lane]! * value));
  }
  const word = bits[right]!;
  const ofA = kind === 'dotBytes' ? unsigned : signed;
  return (lane) => bits[sum + lane]! + dotOfBytes(bits[left + lane]!, ofA, word, signed);
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

/** The nearest integral number, ties to even, for an f32 value. */
function roundToEven(value: number): number {
  const down = Math.floor(value);
  const rest = value - down; // exact
  return rest < 0.5 || (rest === 0.5 && down % 2 === 0) ? down : down + 1;
}
