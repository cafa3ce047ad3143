import { type Instruction, unknownCase } from '../ir.js';
import { f32Bits } from '../numberFormats.js';
import type { Lowering } from './lowering.js';

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
