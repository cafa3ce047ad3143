import { f32Bits } from '../builder.js';
import type { Instruction } from '../ir.js';
import { unknownCase } from '../unknownCase.js';
import type { Lowering } from './lowering.js';

type Op<Name extends Instruction['op']> = Extract<Instruction, { op: Name }>;

/** Constants, copies, loads with widening, stores with narrowing. */
export function lowerVectorMovement(
  i: Op<
    | 'vecConst'
    | 'vecMove'
    | 'vecLoad'
    | 'vecLoadPair'
    | 'vecStore'
    | 'vecStoreLow'
    | 'vecBroadcast'
    | 'vecBroadcastInt'
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
    case 'vecStore':
      if (i.type === 'bf16')
        l.access('v128.store64_lane', i.to, () => {
          l.pushVec(i.a);
          narrowToBf16(l);
        });
      else l.access('v128.store', i.to, () => l.pushVec(i.a));
      break;
    case 'vecStoreLow':
      l.access(i.lanes === 1 ? 'v128.store32_lane' : 'v128.store', i.to, () => l.pushVec(i.a));
      break;
    case 'vecBroadcast':
      l.load('v128.load32_splat', i.from);
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
    default:
      throw unknownCase(type);
  }
}

/** A zero below each bf16 makes it an f32: an instruction for each half, where loading 4 of them takes two. */
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
