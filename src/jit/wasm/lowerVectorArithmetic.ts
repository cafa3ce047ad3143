import { type Instruction, unknownCase, type VecBinaryKind } from '../ir.js';
import type { PlainInstruction } from './binaryFormat.js';
import type { Lowering } from './lowering.js';
import type { Local } from './typedCode.js';

type Op<Name extends Instruction['op']> = Extract<Instruction, { op: Name }>;

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
