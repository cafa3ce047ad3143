import type { Instruction } from '../ir.js';
import type { CpuFeatures } from './features.js';
import type { Wide, X64Lowering } from './lowering.js';
import { type MemoryOperand, mask, masked, type Register, ripLabel, xmm, ymm } from './operands.js';
import type { Mnemonic } from './table.js';

type Of<Op extends Instruction['op']> = Extract<Instruction, { op: Op }>;

/** Vector registers that the lowering of an instruction needs besides its own, with any features. */
export function vectorTemporaries(i: Instruction, features: CpuFeatures): number {
  switch (i.op) {
    case 'vecReduce4':
      return 3;
    case 'vecReduce':
      return 2;
    case 'vecStore':
      if (i.type === 'bf16') return 2;
      return i.type === 'raw' || features.avx512 ? 0 : 2;
    case 'dotSmallBytes':
      return 1;
    case 'dotWords':
      return dotsInPlace(features) ? 0 : 1;
    case 'vecPairSums':
      return 2;
    case 'vecSelect':
    case 'vecTranspose':
      return 1;
    default:
      return 0;
  }
}

/** The same 32 bits for every lane, as a memory operand. */
function splat(l: X64Lowering, bits: number): MemoryOperand {
  const words = new Uint32Array(l.wide ? 1 : 8).fill(bits);
  const label = l.asm.constant(new Uint8Array(words.buffer), 4);
  return l.wide ? ripLabel(label, { broadcast: 16 }) : ripLabel(label);
}

export function lowerVecConst(l: X64Lowering, i: Of<'vecConst'>): void {
  const d = l.vec(i.d);
  if (i.bits.length === 1) {
    if (i.bits[0] === 0) return l.asm.emit(l.wide ? 'vpxord' : 'vxorps', d, d, d);
    const label = l.asm.constant(new Uint8Array(Uint32Array.from(i.bits).buffer), 4);
    return l.asm.emit('vbroadcastss', d, ripLabel(label));
  }
  const label = l.asm.constant(new Uint8Array(Uint32Array.from(i.bits).buffer), 4);
  l.asm.emit('vmovups', d, ripLabel(label));
}

export function lowerVecLoad(l: X64Lowering, i: Of<'vecLoad'>): void {
  const d = l.vec(i.d);
  const from = l.address(i.from);
  switch (i.type) {
    case 'raw':
      return l.asm.emit('vmovups', d, from);
    case 'bf16':
      l.asm.emit('vpmovzxwd', d, from);
      return l.asm.emit('vpslld', d, d, 16);
    case 'f16':
      return l.asm.emit('vcvtph2ps', d, from);
    case 'u8':
      return l.asm.emit('vpmovzxbd', d, from);
    case 'u8Pairs':
      return l.asm.emit('vpmovzxbw', d, from);
  }
}

export function lowerVecLoadPair(l: X64Lowering, { d: [low, high], from }: Of<'vecLoadPair'>): void {
  lowerVecLoad(l, { op: 'vecLoad', d: low, from, type: 'bf16' });
  const upper = { ...from, offset: from.offset + 2 * (l.wide ? 16 : 8) };
  lowerVecLoad(l, { op: 'vecLoad', d: high, from: upper, type: 'bf16' });
}

export function lowerVecStore(l: X64Lowering, i: Of<'vecStore'>): void {
  const to = l.address(i.to);
  if (i.type === 'raw') return l.asm.emit('vmovups', to, l.vec(i.a));
  if (i.type !== 'bf16') return lowerNarrowStore(l, i, to, i.type === 'low8' ? 1 : 2);
  const [t, u] = l.temporaries(i) as [number, number];
  if (l.features.bf16) {
    l.asm.emit('vcvtneps2bf16', ymm(t), l.vec(i.a));
    return l.asm.emit('vmovups', to, ymm(t));
  }
  // Round to nearest even: add 0x7fff, and one more where the kept part is odd, then cut.
  const wide = l.wideOf(t);
  l.asm.emit('vpsrld', wide, l.vec(i.a), 16);
  l.asm.emit(l.wide ? 'vpandd' : 'vpand', wide, wide, splat(l, 1));
  l.asm.emit('vpaddd', wide, wide, l.vec(i.a));
  l.asm.emit('vpaddd', wide, wide, splat(l, 0x7fff));
  l.asm.emit('vpsrld', wide, wide, 16);
  // The addition may have carried a NaN into infinity or zero; all ones are a NaN.
  const isNan = 3; // predicate: unordered
  if (l.wide) {
    l.asm.emit('vcmpps', mask(1), l.vec(i.a), l.vec(i.a), isNan);
    l.asm.emit('vpord', masked(wide, mask(1)), wide, splat(l, 0xffff));
    return l.asm.emit('vpmovdw', to, wide);
  }
  l.asm.emit('vcmpps', ymm(u), l.vec(i.a), l.vec(i.a), isNan);
  l.asm.emit('vpsrld', ymm(u), ymm(u), 16);
  l.asm.emit('vpor', ymm(t), ymm(t), ymm(u));
  l.asm.emit('vextractf128', xmm(u), ymm(t), 1);
  l.asm.emit('vpackusdw', xmm(t), xmm(t), xmm(u));
  l.asm.emit('vmovups', to, xmm(t));
}

/** The low bytes of each lane, side by side: shuffled together in each half, then the halves. */
function lowerNarrowStore(l: X64Lowering, i: Of<'vecStore'>, to: MemoryOperand, bytes: 1 | 2): void {
  if (l.wide) return l.asm.emit(bytes === 1 ? 'vpmovdb' : 'vpmovdw', to, l.vec(i.a));
  const [t, u] = l.temporaries(i) as [number, number];
  const unused = 0x80; // gives a zero
  const half = Array.from({ length: 16 }, (_, at) => {
    return at < 4 * bytes ? 4 * Math.floor(at / bytes) + (at % bytes) : unused;
  });
  const order = l.asm.constant(Uint8Array.from([...half, ...half]), 32);
  l.asm.emit('vpshufb', ymm(t), l.vec(i.a), ripLabel(order));
  l.asm.emit('vextractf128', xmm(u), ymm(t), 1);
  if (bytes === 1) {
    l.asm.emit('vunpcklps', xmm(t), xmm(t), xmm(u));
    return l.asm.emit('vmovq', to, xmm(t));
  }
  l.asm.emit('vunpcklpd', xmm(t), xmm(t), xmm(u));
  l.asm.emit('vmovups', to, xmm(t));
}

export function lowerVecStoreLow(l: X64Lowering, i: Of<'vecStoreLow'>): void {
  l.asm.emit(i.lanes === 1 ? 'vmovss' : 'vmovups', l.address(i.to), xmm(l.vecNumber(i.a)));
}

export function lowerVecInterleave(l: X64Lowering, i: Of<'vecInterleave'>): void {
  const mnemonic = (
    { low: { 32: 'vunpcklps', 64: 'vunpcklpd' }, high: { 32: 'vunpckhps', 64: 'vunpckhpd' } } as const
  )[i.part][i.elementBits];
  l.asm.emit(mnemonic, l.vec(i.d), l.vec(i.a), l.vec(i.b));
}

export function lowerVecBroadcast(l: X64Lowering, i: Of<'vecBroadcast'>): void {
  l.asm.emit('vbroadcastss', l.vec(i.d), l.address(i.from));
}

export function lowerVecBroadcastInt(l: X64Lowering, i: Of<'vecBroadcastInt'>): void {
  l.asm.emit('vmovd', xmm(l.vecNumber(i.d)), l.int32(i.a));
  l.asm.emit('vbroadcastss', l.vec(i.d), xmm(l.vecNumber(i.d)));
}

export function lowerVecBinary(l: X64Lowering, i: Of<'vecBinary'>): void {
  const mnemonic = {
    add: 'vaddps',
    sub: 'vsubps',
    mul: 'vmulps',
    div: 'vdivps',
    min: 'vminps',
    max: 'vmaxps',
    and: l.wide ? 'vpandd' : 'vandps',
    or: l.wide ? 'vpord' : 'vorps',
    xor: l.wide ? 'vpxord' : 'vxorps',
    addI32: 'vpaddd',
    subI32: 'vpsubd',
  } as const;
  l.asm.emit(mnemonic[i.kind], l.vec(i.d), l.vec(i.a), l.source(i.b));
}

export function lowerVecUnary(l: X64Lowering, i: Of<'vecUnary'>): void {
  const d = l.vec(i.d);
  const a = l.vec(i.a);
  switch (i.kind) {
    case 'sqrt':
      return l.asm.emit('vsqrtps', d, a);
    case 'toI32':
      return l.asm.emit('vcvtps2dq', d, a);
    case 'fromI32':
      return l.asm.emit('vcvtdq2ps', d, a);
  }
}

export function lowerVecSelect(l: X64Lowering, i: Of<'vecSelect'>): void {
  const predicate = { eq: 0, ge: 13, gt: 14 }[i.compare];
  const [d, x, y] = [l.vec(i.d), l.vec(i.x), l.vec(i.y)];
  if (l.wide) {
    l.asm.emit('vcmpps', mask(1), l.vec(i.a), l.vec(i.b), predicate);
    return l.asm.emit('vblendmps', masked(d, mask(1)), y, x);
  }
  const t = ymm(l.temporaries(i)[0]!);
  l.asm.emit('vcmpps', t, l.vec(i.a), l.vec(i.b), predicate);
  l.asm.emit('vblendvps', d, y, x, t);
}

/** Whether products of i16 are added by the instruction that multiplies. */
function dotsInPlace({ avx512, vnni, avxVnni }: CpuFeatures): boolean {
  return avx512 ? vnni : avxVnni;
}

export function lowerDotWords(l: X64Lowering, i: Of<'dotWords'>): void {
  const [d, a, b] = [l.vec(i.d), l.vec(i.a), l.source(i.b)];
  if (dotsInPlace(l.features)) return l.asm.emit(l.wide ? 'vpdpwssd' : '{vex} vpdpwssd', d, a, b);
  const t = l.wideOf(l.temporaries(i)[0]!);
  l.asm.emit('vpmaddwd', t, a, b);
  l.asm.emit('vpaddd', d, d, t);
}

/** Pairs of products are within ±2·128·127, so that no sum of two saturates in 16 bits. */
export function lowerDotSmallBytes(l: X64Lowering, i: Of<'dotSmallBytes'>): void {
  const [d, a, b] = [l.vec(i.d), l.vec(i.a), l.source(i.b)];
  const t = l.wideOf(l.temporaries(i)[0]!);
  if (b.type === 'memory') l.asm.emit('vmovups', t, b);
  l.asm.emit('vpmaddubsw', t, b.type === 'memory' ? t : b, a); // the first factor is taken without a sign
  const ones = new Uint16Array(l.wide ? 32 : 16).fill(1);
  l.asm.emit('vpmaddwd', t, t, ripLabel(l.asm.constant(new Uint8Array(ones.buffer), 64)));
  l.asm.emit('vpaddd', d, d, t);
}

/** Even and odd lanes apart, which gives [a b a b …] by 64 bits after the addition, then all of a before all of b. */
export function lowerVecPairSums(l: X64Lowering, i: Of<'vecPairSums'>): void {
  const [t, u] = l.temporaries(i).map((physical) => l.wideOf(physical)) as [Wide, Wide];
  const [d, a, b] = [l.vec(i.d), l.vec(i.a), l.vec(i.b)];
  l.asm.emit('vshufps', t, a, b, 0x88);
  l.asm.emit('vshufps', u, a, b, 0xdd);
  l.asm.emit('vpaddd', t, t, u);
  const lanes = l.wide ? 16 : 8;
  const order = Array.from({ length: lanes }, (_, lane) => {
    const half = Math.floor(lane / (lanes / 2));
    const pair = Math.floor((lane % (lanes / 2)) / 2);
    return 4 * pair + 2 * half + (lane % 2);
  });
  l.asm.emit('vmovups', u, ripLabel(l.asm.constant(new Uint8Array(Uint32Array.from(order).buffer), 64)));
  l.asm.emit('vpermd', d, u, t);
}

/** Folds a vector to its lowest 128 bits with `op`; the result is in xmm(t). */
function foldTo128(l: X64Lowering, op: 'vaddps' | 'vmaxps', a: number, t: number, u: number): void {
  if (l.wide) {
    l.asm.emit('vextractf64x4', ymm(u), l.wideOf(a), 1);
    l.asm.emit(op, ymm(t), ymm(u), ymm(a));
    l.asm.emit('vextractf32x4', xmm(u), ymm(t), 1);
    return l.asm.emit(op, xmm(t), xmm(t), xmm(u));
  }
  l.asm.emit('vextractf128', xmm(u), ymm(a), 1);
  l.asm.emit(op, xmm(t), xmm(u), xmm(a));
}

export function lowerVecReduce(l: X64Lowering, i: Of<'vecReduce'>): void {
  const op = i.kind === 'add' ? 'vaddps' : 'vmaxps';
  const [t, u] = l.temporaries(i) as [number, number];
  foldTo128(l, op, l.vecNumber(i.a), t, u);
  for (const swap of [0x4e, 0xb1]) {
    l.asm.emit('vpermilps', xmm(u), xmm(t), swap); // the other pair, then the other element of the pair
    l.asm.emit(op, xmm(t), xmm(t), xmm(u));
  }
  l.asm.emit('vbroadcastss', l.vec(i.d), xmm(t));
}

/** Two rounds of interleave-and-add turn four vectors into one of [a b c d] sums in each 128 bits. */
export function lowerVecReduce4(l: X64Lowering, i: Of<'vecReduce4'>): void {
  const [t, u, v] = l.temporaries(i) as [number, number, number];
  const wide = (physical: number): Register => l.wideOf(physical);
  const [a, b, c, d] = i.a.map((register) => l.vec(register)) as [Register, Register, Register, Register];
  l.asm.emit('vunpcklps', wide(t), a, b);
  l.asm.emit('vunpckhps', wide(u), a, b);
  l.asm.emit('vaddps', wide(t), wide(t), wide(u));
  l.asm.emit('vunpcklps', wide(u), c, d);
  l.asm.emit('vunpckhps', wide(v), c, d);
  l.asm.emit('vaddps', wide(u), wide(u), wide(v));
  l.asm.emit('vunpcklpd', wide(v), wide(t), wide(u));
  l.asm.emit('vunpckhpd', wide(t), wide(t), wide(u));
  l.asm.emit('vaddps', wide(t), wide(t), wide(v));
  foldTo128(l, 'vaddps', t, l.vecNumber(i.d), u);
}

interface TranspositionStep {
  /** Between the registers of a pair. */
  readonly distance: number;
  /** The instruction that makes the first of them, and the one that makes the second, with their immediate operands. */
  readonly first: readonly [Mnemonic, ...number[]];
  readonly second: readonly [Mnemonic, ...number[]];
}

/** Interleaved by elements twice, which transposes 4 × 4 of them in each 128 bits; by 128 bits then. */
const INTERLEAVED: readonly TranspositionStep[] = [2, 1].map((distance) => ({
  distance,
  first: ['vunpcklps'],
  second: ['vunpckhps'],
}));
const TRANSPOSITION: Readonly<Record<'wide' | 'narrow', readonly TranspositionStep[]>> = {
  wide: [
    ...INTERLEAVED,
    { distance: 4, first: ['vshuff32x4', 0x88], second: ['vshuff32x4', 0xdd] },
    { distance: 8, first: ['vshuff32x4', 0x88], second: ['vshuff32x4', 0xdd] },
  ],
  narrow: [...INTERLEAVED, { distance: 4, first: ['vperm2f128', 0x20], second: ['vperm2f128', 0x31] }],
};

export function lowerVecTranspose(l: X64Lowering, i: Of<'vecTranspose'>): void {
  const t = l.wideOf(l.temporaries(i)[0]!);
  for (const { distance, first, second } of TRANSPOSITION[l.wide ? 'wide' : 'narrow']) {
    for (let row = 0; row < i.a.length; row++) {
      if ((row & distance) !== 0) continue;
      const [a, b] = [l.vec(i.a[row]!), l.vec(i.a[row + distance]!)];
      const emit = ([mnemonic, ...order]: TranspositionStep['first'], to: Wide): void =>
        l.asm.emit(mnemonic, to, a, b, ...order);
      emit(first, t);
      emit(second, b);
      l.asm.emit('vmovaps', a, t);
    }
  }
}
