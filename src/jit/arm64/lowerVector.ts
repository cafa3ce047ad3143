import type { Instruction, VecBinaryKind } from '../ir.js';
import type { Arm64Features } from './features.js';
import { type Arm64Lowering, low } from './lowering.js';
import { type Arrangement, d, mem, q, s, type Vector, v } from './operands.js';

type Of<Op extends Instruction['op']> = Extract<Instruction, { op: Op }>;

/** Vector registers that the lowering of an instruction needs besides its own. */
export function vectorTemporaries(i: Instruction, features: Arm64Features): number {
  switch (i.op) {
    case 'vecBinary':
      return (i.kind === 'min' || i.kind === 'max' ? 1 : 0) + (i.b.kind === 'address' ? 1 : 0);
    case 'vecFma':
    case 'dotPairs':
    case 'dotBytes':
    case 'dotSmallBytes':
      return i.b.kind === 'address' ? 1 : 0;
    case 'dotWords':
      return i.b.kind === 'address' ? 3 : 2;
    case 'vecReduce4':
      return 2;
    case 'vecSelect':
    case 'vecTranspose':
      return 1;
    case 'vecStore':
      if (i.type === 'bf16') return features.bf16 ? 1 : 2;
      return i.type === 'raw' ? 0 : 1;
    default:
      return 0;
  }
}

const all = (register: number): Vector => v(register, '16b');
const lanes = (register: number): Vector => v(register, '4s');
const halves = (register: number): Vector => v(register, '8h');

export function moveVector(l: Arm64Lowering, to: number, from: number): void {
  if (to !== from) l.asm.emit('orr', all(to), all(from), all(from));
}

export function lowerVecConst(l: Arm64Lowering, i: Of<'vecConst'>): void {
  const to = l.vecNumber(i.d);
  const [bits] = i.bits;
  if (i.bits.length === 1 && bits! >>> 0 < 256) return l.asm.emit('movi', lanes(to), bits! >>> 0);
  if (i.bits.length === 1 && isByteSplat(bits!)) return l.asm.emit('movi', all(to), bits! & 0xff);
  l.loadConstant(to, i.bits);
}

function isByteSplat(bits: number): boolean {
  return bits >>> 0 === (bits & 0xff) * 0x01010101;
}

export function lowerVecLoad(l: Arm64Lowering, i: Of<'vecLoad'>): void {
  const { asm } = l;
  const to = l.vecNumber(i.d);
  switch (i.type) {
    case 'raw':
      return l.access('ldr', q(to), i.from, 16);
    case 'bf16':
      l.access('ldr', d(to), i.from, 8);
      return asm.emit('shll', lanes(to), v(to, '4h'), 16);
    case 'f16':
      l.access('ldr', d(to), i.from, 8);
      return asm.emit('fcvtl', lanes(to), v(to, '4h'));
    case 'u8':
      l.access('ldr', s(to), i.from, 4);
      asm.emit('ushll', halves(to), v(to, '8b'), 0);
      return asm.emit('ushll', lanes(to), v(to, '4h'), 0);
    case 'u8Pairs':
      l.access('ldr', d(to), i.from, 8);
      return asm.emit('ushll', halves(to), v(to, '8b'), 0);
  }
}

export function lowerVecLoadPair(l: Arm64Lowering, i: Of<'vecLoadPair'>): void {
  const [first, second] = i.d.map((register) => l.vecNumber(register)) as [number, number];
  l.access('ldr', q(first), i.from, 16);
  l.asm.emit('shll2', lanes(second), halves(first), 16);
  l.asm.emit('shll', lanes(first), v(first, '4h'), 16);
}

export function lowerVecStore(l: Arm64Lowering, i: Of<'vecStore'>): void {
  const { asm } = l;
  const from = l.vecNumber(i.a);
  if (i.type === 'raw') return l.access('str', q(from), i.to, 16);
  const [t, u] = l.temporaries(i) as [number, number];
  if (i.type === 'bf16') {
    if (l.features.bf16) asm.emit('bfcvtn', v(t, '4h'), lanes(from));
    else roundToBf16(l, from, t, u);
    return l.access('str', d(t), i.to, 8);
  }
  asm.emit('xtn', v(t, '4h'), lanes(from));
  if (i.type === 'low16') return l.access('str', d(t), i.to, 8);
  asm.emit('xtn', v(t, '8b'), halves(t));
  l.access('str', s(t), i.to, 4);
}

/** To nearest even: adds 0x7fff, and one more where the kept part is odd, then cuts. */
function roundToBf16({ asm }: Arm64Lowering, from: number, t: number, u: number): void {
  asm.emit('shl', lanes(t), lanes(from), 15);
  asm.emit('ushr', lanes(t), lanes(t), 31); // the lowest bit that is kept
  asm.emit('add', lanes(t), lanes(t), lanes(from));
  asm.emit('movi', lanes(u), 0x7f, 8); // 0x7fff: ones are shifted in
  asm.emit('add', lanes(t), lanes(t), lanes(u));
  // The addition may have carried a NaN into infinity or zero; all ones are a NaN.
  asm.emit('fcmeq', lanes(u), lanes(from), lanes(from));
  asm.emit('orn', all(t), all(t), all(u));
  asm.emit('shrn', v(t, '4h'), lanes(t), 16);
}

export function lowerVecStoreLow(l: Arm64Lowering, i: Of<'vecStoreLow'>): void {
  const from = l.vecNumber(i.a);
  if (i.lanes === 1) l.access('str', s(from), i.to, 4);
  else l.access('str', q(from), i.to, 16);
}

export function lowerVecInterleave(l: Arm64Lowering, i: Of<'vecInterleave'>): void {
  const mnemonic = i.part === 'low' ? 'zip1' : 'zip2';
  const arrangement: Arrangement = i.elementBits === 32 ? '4s' : '2d';
  const [to, a, b] = [i.d, i.a, i.b].map((register) => v(l.vecNumber(register), arrangement)) as [
    Vector,
    Vector,
    Vector,
  ];
  l.asm.emit(mnemonic, to, a, b);
}

export function lowerVecBroadcast(l: Arm64Lowering, i: Of<'vecBroadcast' | 'vecBroadcastPair'>): void {
  const arrangement: Arrangement = i.op === 'vecBroadcast' ? '4s' : '2d';
  l.asm.emit('ld1r', v(l.vecNumber(i.d), arrangement), mem(l.wholeAddress(i.from)));
}

export function lowerVecBroadcastInt(l: Arm64Lowering, i: Of<'vecBroadcastInt'>): void {
  l.asm.emit('dup', l.lanes(i.d), low(l.int(i.a)));
}

const BINARY = {
  add: ['fadd', '4s'],
  sub: ['fsub', '4s'],
  mul: ['fmul', '4s'],
  div: ['fdiv', '4s'],
  and: ['and', '16b'],
  or: ['orr', '16b'],
  xor: ['eor', '16b'],
  addI32: ['add', '4s'],
  subI32: ['sub', '4s'],
} as const satisfies Record<Exclude<VecBinaryKind, 'min' | 'max'>, readonly [string, Arrangement]>;

export function lowerVecBinary(l: Arm64Lowering, i: Of<'vecBinary'>): void {
  const [mask, temporary] =
    i.kind === 'min' || i.kind === 'max' ? l.temporaries(i) : [0, l.temporaries(i)[0]];
  const [to, a, b] = [l.vecNumber(i.d), l.vecNumber(i.a), l.source(i.b, temporary)];
  if (i.kind === 'min' || i.kind === 'max') {
    // The processor's own give a NaN when one operand is; these give the second one, as the comparison is false.
    if (i.kind === 'min') l.asm.emit('fcmgt', lanes(mask!), lanes(b), lanes(a));
    else l.asm.emit('fcmgt', lanes(mask!), lanes(a), lanes(b));
    return select(l, to, mask!, a, b);
  }
  const [mnemonic, arrangement] = BINARY[i.kind];
  l.asm.emit(mnemonic, v(to, arrangement), v(a, arrangement), v(b, arrangement));
}

/** to = mask ? a : b, bit by bit; the mask is overwritten. */
function select(l: Arm64Lowering, to: number, mask: number, a: number, b: number): void {
  l.asm.emit('bsl', all(mask), all(a), all(b));
  moveVector(l, to, mask);
}

export function lowerVecUnary(l: Arm64Lowering, i: Of<'vecUnary'>): void {
  const mnemonic = { sqrt: 'fsqrt', toI32: 'fcvtns', fromI32: 'scvtf' } as const;
  l.asm.emit(mnemonic[i.kind], l.lanes(i.d), l.lanes(i.a));
}

export function lowerVecShift(l: Arm64Lowering, i: Of<'vecShift'>): void {
  if (i.kind === 'rightInBytes' && i.bits > 0) {
    l.asm.emit('ushr', all(l.vecNumber(i.d)), all(l.vecNumber(i.a)), i.bits);
  } else if (i.kind === 'left') l.asm.emit('shl', l.lanes(i.d), l.lanes(i.a), i.bits);
  else if (i.bits > 0) l.asm.emit('ushr', l.lanes(i.d), l.lanes(i.a), i.bits);
  else moveVector(l, l.vecNumber(i.d), l.vecNumber(i.a));
}

export function lowerVecSelect(l: Arm64Lowering, i: Of<'vecSelect'>): void {
  const mnemonic = { gt: 'fcmgt', ge: 'fcmge', eq: 'fcmeq' } as const;
  const [mask] = l.temporaries(i);
  l.asm.emit(mnemonic[i.compare], lanes(mask!), l.lanes(i.a), l.lanes(i.b));
  select(l, l.vecNumber(i.d), mask!, l.vecNumber(i.x), l.vecNumber(i.y));
}

/** Twice the sums, or maxima, of pairs. */
export function lowerVecReduce(l: Arm64Lowering, i: Of<'vecReduce'>): void {
  const mnemonic = i.kind === 'add' ? 'faddp' : 'fmaxp';
  l.asm.emit(mnemonic, l.lanes(i.d), l.lanes(i.a), l.lanes(i.a));
  l.asm.emit(mnemonic, l.lanes(i.d), l.lanes(i.d), l.lanes(i.d));
}

export function lowerVecReduce4(l: Arm64Lowering, i: Of<'vecReduce4'>): void {
  const [t, u] = l.temporaries(i) as [number, number];
  const [a, b, c, e] = i.a.map((register) => l.lanes(register)) as [Vector, Vector, Vector, Vector];
  l.asm.emit('faddp', lanes(t), a, b);
  l.asm.emit('faddp', lanes(u), c, e);
  l.asm.emit('faddp', l.lanes(i.d), lanes(t), lanes(u));
}

/** Every other row interleaved by elements, twice. */
export function lowerVecTranspose(l: Arm64Lowering, i: Of<'vecTranspose'>): void {
  const t = l.temporaries(i)[0]!;
  const numbers = i.a.map((register) => l.vecNumber(register)) as [number, number, number, number];
  for (const [x, y] of [
    [0, 2],
    [1, 3],
    [0, 1],
    [2, 3],
  ] as const) {
    const [a, b] = [numbers[x], numbers[y]];
    l.asm.emit('zip1', lanes(t), lanes(a), lanes(b));
    l.asm.emit('zip2', lanes(b), lanes(a), lanes(b));
    moveVector(l, a, t);
  }
}

const PRODUCT = {
  vecFma: ['fmla', '4s'],
  dotPairs: ['bfdot', '8h'],
  dotBytes: ['usdot', '16b'],
  dotSmallBytes: ['sdot', '16b'],
} as const;

/** d += products of a and b that one instruction makes. */
export function lowerProduct(
  l: Arm64Lowering,
  i: Of<'vecFma' | 'dotPairs' | 'dotBytes' | 'dotSmallBytes'>,
): void {
  const [mnemonic, arrangement] = PRODUCT[i.op];
  const b = l.source(i.b, l.temporaries(i)[0]);
  l.asm.emit(mnemonic, l.lanes(i.d), v(l.vecNumber(i.a), arrangement), v(b, arrangement));
}

const ELEMENT_PRODUCT = {
  fma: ['fmla', '4s', 's'],
  dotBytes: ['usdot', '16b', '4b'],
  dotSignedBytes: ['sdot', '16b', '4b'],
} as const;

export function lowerElementProduct(l: Arm64Lowering, i: Of<'elementProduct'>): void {
  const [mnemonic, arrangement, element] = ELEMENT_PRODUCT[i.kind];
  const a = v(l.vecNumber(i.a), arrangement);
  l.asm.emit(mnemonic, l.lanes(i.d), a, v(l.vecNumber(i.b), element, i.element));
}

export function lowerMatrixPairs(l: Arm64Lowering, i: Of<'matrixPairs'>): void {
  l.asm.emit('bfmmla', l.lanes(i.d), halves(l.vecNumber(i.a)), halves(l.vecNumber(i.b)));
}

/** The products of the lower and of the upper halves, and the sums of their pairs. */
export function lowerDotWords(l: Arm64Lowering, i: Of<'dotWords'>): void {
  const [t, u, temporary] = l.temporaries(i) as [number, number, number?];
  const [a, b] = [l.vecNumber(i.a), l.source(i.b, temporary)];
  l.asm.emit('smull', lanes(t), v(a, '4h'), v(b, '4h'));
  l.asm.emit('smull2', lanes(u), halves(a), halves(b));
  l.asm.emit('addp', lanes(t), lanes(t), lanes(u));
  l.asm.emit('add', l.lanes(i.d), l.lanes(i.d), lanes(t));
}
