import { type Instruction, unknownCase, type VecBinaryKind } from '../ir.js';
import { f32Bits } from '../numberFormats.js';
import type { PlainInstruction } from './binaryFormat.js';
import type { Lowering } from './lowering.js';
import type { Local } from './typedCode.js';

type Op<Name extends Instruction['op']> = Extract<Instruction, { op: Name }>;

/** Constants, copies, loads with widening, stores with narrowing. */
export function lowerVectorMovement(
  i: Op<
    | 'vecConst'
    | 'vecMove'
    | 'vecLoad'
    | 'vecLoadPair'
    | 'vecLoadLow'
    | 'vecInterleave'
    | 'vecStore'
    | 'vecStoreLow'
    | 'vecBroadcast'
    | 'vecBroadcastPair'
    | 'vecBroadcastInt'
    | 'vecTranspose'
  >,
  l: Lowering,
): void {
  switch (i.op) {
    case 'vecConst': {
      const [a, b, c, d] = i.bits.length === 1 ? Array(4).fill(i.bits[0]) : i.bits;
      if (d === undefined) throw l.error(`expected 1 or 4 values of a vector, found ${i.bits.length}`);
      l.code.v128([a, b, c, d]);
      l.popVec(i.d);
      break;
    }
    case 'vecMove':
      l.pushVec(i.a);
      l.popVec(i.d);
      break;
    case 'vecLoad':
      lowerVecLoad(i, l);
      l.popVec(i.d);
      break;
    case 'vecLoadPair':
      lowerVecLoadPair(i, l);
      break;
    case 'vecTranspose':
      lowerVecTranspose(i, l);
      break;
    case 'vecLoadLow':
      l.load('v128.load', i.from);
      l.popVec(i.d);
      break;
    case 'vecInterleave':
      l.pushVec(i.a);
      l.pushVec(i.b);
      l.code.shuffle(INTERLEAVED[i.elementBits][i.part]);
      l.popVec(i.d);
      break;
    case 'vecStore':
      if (i.type === 'bf16')
        l.access('v128.store64_lane', i.to, () => {
          l.pushVec(i.a);
          narrowToBf16(l);
        });
      else if (i.type === 'raw') l.access('v128.store', i.to, () => l.pushVec(i.a));
      else lowerNarrowStore(i, l, i.type === 'low8' ? 1 : 2);
      break;
    case 'vecStoreLow':
      l.access(i.lanes === 1 ? 'v128.store32_lane' : 'v128.store', i.to, () => l.pushVec(i.a));
      break;
    case 'vecBroadcast':
      l.load('v128.load32_splat', i.from);
      l.popVec(i.d);
      break;
    case 'vecBroadcastPair':
      l.load('v128.load64_splat', i.from);
      l.popVec(i.d);
      break;
    case 'vecBroadcastInt':
      l.pushInt32(i.a);
      l.code.op('i32x4.splat');
      l.popVec(i.d);
      break;
    default:
      throw unknownCase(i);
  }
}

/** Lanes of the first vector, 0–3, and of the second. */
const INTERLEAVED = {
  32: { low: [0, 4, 1, 5], high: [2, 6, 3, 7] },
  64: { low: [0, 1, 4, 5], high: [2, 3, 6, 7] },
} as const;

function lowerVecLoad({ from, type }: Op<'vecLoad'>, l: Lowering): void {
  switch (type) {
    case 'raw':
      l.load('v128.load', from);
      break;
    case 'bf16':
      l.load('v128.load16x4_u', from);
      l.code.i32(16); // bf16 is the upper half of f32: whatever is in the lower half of a lane is shifted out
      l.code.op('i32x4.shl');
      break;
    case 'f16':
      l.load('v128.load16x4_u', from);
      widenF16(l);
      break;
    case 'u8':
      l.load('v128.load32_zero', from);
      l.code.op('i16x8.extend_low_i8x16_u');
      l.code.op('i32x4.extend_low_i16x8_u');
      break;
    case 'u8Pairs':
      l.load('v128.load8x8_u', from);
      break;
    default:
      throw unknownCase(type);
  }
}

/** A zero below each bf16 makes it an f32: an instruction for each half, where loading 4 of them takes two. */
/** Every other row interleaved by elements, twice. */
function lowerVecTranspose({ a: rows }: Op<'vecTranspose'>, l: Lowering): void {
  for (const [x, y] of [
    [0, 2],
    [1, 3],
    [0, 1],
    [2, 3],
  ] as const) {
    const [a, b] = [rows[x]!, rows[y]!];
    for (const lanes of [
      [0, 4, 1, 5],
      [2, 6, 3, 7],
    ] as const) {
      l.pushVec(a);
      l.pushVec(b);
      l.code.shuffle(lanes);
    }
    l.popVec(b);
    l.popVec(a);
  }
}

function lowerVecLoadPair({ d: [low, high], from }: Op<'vecLoadPair'>, l: Lowering): void {
  l.load('v128.load', from);
  const both = l.popScratch();
  for (const half of ['low', 'high'] as const) {
    l.pushBits(0);
    l.code.get(both);
    l.code.interleave16(half);
    l.popVec(half === 'low' ? low : high);
  }
}

/** The low bytes of each lane, side by side. */
function lowerNarrowStore({ to, a }: Op<'vecStore'>, l: Lowering, bytes: 1 | 2): void {
  const order = Array.from({ length: 16 }, (_, at) => (4 * Math.floor(at / bytes) + (at % bytes)) % 16);
  l.access(bytes === 1 ? 'v128.store32_lane' : 'v128.store64_lane', to, () => {
    l.pushVec(a);
    l.pushVec(a);
    l.code.shuffleBytes(order);
  });
}

/**
 * Lanes of 16 bits of f16 → f32, exact. With exponent and fraction moved to their places in an f32, a multiplication
 * by 2^112 corrects the exponent's bias (127 − 15), of subnormals too; infinity and NaN then miss only exponent bits.
 */
function widenF16(l: Lowering): void {
  const { code } = l;
  const half = l.popScratch();
  code.get(half);
  l.pushBits(0x7fff);
  code.op('v128.and');
  code.i32(13);
  code.op('i32x4.shl');
  l.pushBits(f32Bits(2 ** 112));
  code.op('f32x4.mul');
  code.get(half);
  l.pushBits(0x7fff);
  code.op('v128.and');
  l.pushBits(0x7c00); // infinity; NaN is above
  code.op('i32x4.ge_s');
  l.pushBits(0x7f800000);
  code.op('v128.and');
  code.op('v128.or');
  code.get(half);
  l.pushBits(0x8000);
  code.op('v128.and');
  code.i32(16);
  code.op('i32x4.shl');
  code.op('v128.or');
}

/**
 * f32 → bf16 in the low 8 bytes, to nearest even: adding 0x7fff, and 1 more if the kept part is odd, carries exactly
 * when the dropped half is above the tie, or at the tie with an odd kept part. NaN becomes quiet instead.
 */
function narrowToBf16(l: Lowering): void {
  const { code } = l;
  const value = l.popScratch();
  const pushKept = (): void => {
    code.get(value);
    code.i32(16);
    code.op('i32x4.shr_u');
  };
  pushKept();
  l.pushBits(0x40);
  code.op('v128.or'); // what a NaN becomes
  pushKept();
  l.pushBits(1);
  code.op('v128.and');
  l.pushBits(0x7fff);
  code.op('i32x4.add');
  code.get(value);
  code.op('i32x4.add');
  code.i32(16);
  code.op('i32x4.shr_u'); // what a number becomes
  code.get(value);
  code.get(value);
  code.op('f32x4.ne'); // true for NaN
  code.op('v128.bitselect');
  l.pushBits(0);
  code.op('i16x8.narrow_i32x4_u');
}

/** Lane-wise operations and reductions. */
export function lowerVectorArithmetic(
  i: Op<
    | 'vecBinary'
    | 'vecFma'
    | 'vecUnary'
    | 'vecShift'
    | 'vecSelect'
    | 'vecReduce'
    | 'vecReduce4'
    | 'vecPairSums'
    | 'dotSmallBytes'
    | 'dotWords'
  >,
  l: Lowering,
): void {
  switch (i.op) {
    case 'vecBinary':
      lowerBinary(i, l);
      break;
    case 'vecFma':
      lowerFma(i, l);
      break;
    case 'vecUnary':
      lowerUnary(i, l);
      break;
    case 'vecShift':
      if (i.kind === 'rightInBytes')
        throw l.error('vecShift of bytes needs a capability that is not offered');
      l.pushVec(i.a);
      l.code.i32(l.shiftCount(i.bits));
      l.code.op(i.kind === 'left' ? 'i32x4.shl' : 'i32x4.shr_u');
      break;
    case 'vecSelect':
      l.pushVec(i.x);
      l.pushVec(i.y);
      l.pushVec(i.a);
      l.pushVec(i.b);
      l.code.op(`f32x4.${i.compare}`);
      l.code.op('v128.bitselect');
      break;
    case 'vecReduce':
      lowerReduce(i, l);
      break;
    case 'vecReduce4':
      lowerReduce4(i, l);
      break;
    case 'vecPairSums':
      l.pushVec(i.a);
      l.pushVec(i.b);
      l.code.shuffle([0, 2, 4, 6]);
      l.pushVec(i.a);
      l.pushVec(i.b);
      l.code.shuffle([1, 3, 5, 7]);
      l.code.op('i32x4.add');
      break;
    case 'dotSmallBytes':
      lowerDotSmallBytes(i, l);
      break;
    case 'dotWords':
      l.pushVec(i.d);
      l.pushVec(i.a);
      l.pushVec(i.b);
      l.code.op('i32x4.dot_i16x8_s');
      l.code.op('i32x4.add');
      break;
    default:
      throw unknownCase(i);
  }
  l.popVec(i.d);
}

/**
 * Pairs of products are within ±2·128·127, so that they fit 16 bits whether the CPU saturates or not, and bytes below 128
 * are the same with a sign as without: no choice that the relaxed instructions leave can change the result.
 */
function lowerDotSmallBytes({ d, a, b }: Op<'dotSmallBytes'>, l: Lowering): void {
  if (!l.target.relaxedSimd)
    throw l.error('dotSmallBytes needs a capability that this target does not offer');
  if (l.target.fusesByteDot) {
    l.pushVec(a);
    l.pushVec(b);
    l.pushVec(d);
    l.code.op('i32x4.relaxed_dot_i8x16_i7x16_add_s');
    return;
  }
  // What V8 makes of the one instruction makes these ones anew each time; a constant it keeps.
  l.pushVec(d);
  l.pushVec(a);
  l.pushVec(b);
  l.code.op('i16x8.relaxed_dot_i8x16_i7x16_s');
  l.pushBits(0x00010001);
  l.code.op('i32x4.dot_i16x8_s');
  l.code.op('i32x4.add');
}

const BINARY: Readonly<Record<Exclude<VecBinaryKind, 'min' | 'max'>, PlainInstruction>> = {
  add: 'f32x4.add',
  sub: 'f32x4.sub',
  mul: 'f32x4.mul',
  div: 'f32x4.div',
  and: 'v128.and',
  or: 'v128.or',
  xor: 'v128.xor',
  addI32: 'i32x4.add',
  subI32: 'i32x4.sub',
};

function lowerBinary({ kind, a, b }: Op<'vecBinary'>, l: Lowering): void {
  if (kind === 'min' || kind === 'max') {
    // min is a < b ? a : b, and pmin(x, y) is y < x ? y : x: the same with the operands swapped. So for max.
    l.pushVec(b);
    l.pushVec(a);
    l.code.op(`f32x4.p${kind}`);
  } else {
    l.pushVec(a);
    l.pushVec(b);
    l.code.op(BINARY[kind]);
  }
}

function lowerFma({ d, a, b }: Op<'vecFma'>, l: Lowering): void {
  if (l.target.relaxedSimd) {
    l.pushVec(a);
    l.pushVec(b);
    l.pushVec(d);
    l.code.op('f32x4.relaxed_madd');
  } else {
    l.pushVec(d);
    l.pushVec(a);
    l.pushVec(b);
    l.code.op('f32x4.mul');
    l.code.op('f32x4.add');
  }
}

function lowerUnary({ kind, a }: Op<'vecUnary'>, l: Lowering): void {
  l.pushVec(a);
  switch (kind) {
    case 'sqrt':
      l.code.op('f32x4.sqrt');
      break;
    case 'toI32': // in the operation's range the relaxed form is the same, without the saturation's cost
      l.code.op('f32x4.nearest');
      l.code.op(l.target.relaxedSimd ? 'i32x4.relaxed_trunc_f32x4_s' : 'i32x4.trunc_sat_f32x4_s');
      break;
    case 'fromI32':
      l.code.op('f32x4.convert_i32x4_s');
      break;
    default:
      throw unknownCase(kind);
  }
}

function lowerReduce({ kind, a }: Op<'vecReduce'>, l: Lowering): void {
  const combine = kind === 'add' ? 'f32x4.add' : 'f32x4.pmax';
  l.pushVec(a);
  l.pushVec(a);
  l.pushVec(a);
  l.code.shuffle([2, 3, 0, 1]);
  l.code.op(combine); // lanes 0+2, 1+3, 2+0, 3+1
  const halves = l.popScratch();
  l.code.get(halves);
  l.code.get(halves);
  l.code.get(halves);
  l.code.shuffle([1, 0, 3, 2]);
  l.code.op(combine);
}

/** Twice: bring the halves that belong together to the same lanes of two vectors, and add. */
function lowerReduce4({ a: [a, b, c, d] }: Op<'vecReduce4'>, l: Lowering): void {
  const pushInterleaved = (x: typeof a, y: typeof a): void => {
    const push = (lanes: readonly [number, number, number, number]): void => {
      l.pushVec(x);
      l.pushVec(y);
      l.code.shuffle(lanes);
    };
    push([0, 4, 1, 5]); // x0 y0 x1 y1
    push([2, 6, 3, 7]); // x2 y2 x3 y3
    l.code.op('f32x4.add'); // x02 y02 x13 y13
  };
  pushInterleaved(c, d);
  const upper: Local = l.popScratch(0);
  pushInterleaved(a, b);
  const lower: Local = l.popScratch(1);
  l.code.get(lower);
  l.code.get(upper);
  l.code.shuffle([0, 1, 4, 5]); // a02 b02 c02 d02
  l.code.get(lower);
  l.code.get(upper);
  l.code.shuffle([2, 3, 6, 7]); // a13 b13 c13 d13
  l.code.op('f32x4.add');
}
