import { KernelBuilder } from '../../../src/jit/builder.js';
import type { Capabilities, IntReg, KernelCode, VecReg } from '../../../src/jit/ir.js';
import { Random } from '../../support/random.js';
import { specialBits, wildBits } from './kernelMemory.js';

/** A kernel of one operation over chosen operands; its one parameter is the address of its memory. */
export interface EdgeKernel {
  readonly code: KernelCode;
  /** The operands, then zeros for the results. */
  readonly memory: Uint8Array<ArrayBuffer>;
  /** Where a NaN may be any NaN: the output is f32 and arithmetic made it. */
  readonly anyNaN: boolean;
}

/** Every lane-wise operation over every pair of special values, widening of all 2^16 bit patterns, narrowing. */
export function edgeKernels(capabilities: Capabilities): EdgeKernel[] {
  const kernels: EdgeKernel[] = [];
  const pairs = specialBits.flatMap((a) => specialBits.map((b) => [a, b] as const));
  const elementwise = (
    name: string,
    anyNaN: boolean,
    write: (k: KernelBuilder, a: VecReg, b: VecReg) => VecReg,
    operands: readonly (readonly [number, number])[] = pairs,
  ): void => {
    kernels.push(elementwiseKernel(new KernelBuilder(name, capabilities), operands, anyNaN, write));
  };

  for (const kind of ['add', 'sub', 'mul', 'div'] as const)
    elementwise(kind, true, (k, a, b) => k.vecOp(kind, a, b));
  for (const kind of ['min', 'max', 'and', 'or', 'xor', 'addI32', 'subI32'] as const)
    elementwise(kind, false, (k, a, b) => k.vecOp(kind, a, b));
  for (const compare of ['gt', 'ge', 'eq'] as const) {
    elementwise(compare, false, (k, a, b) => k.select(compare, a, b, k.vecBits(1), k.vecBits(2)));
    elementwise(`${compare}, d is b`, false, (k, a, b) => k.select(compare, a, b, b, a, b));
  }
  elementwise('dotWords', false, (k, a, b) => {
    const d = k.vecBits(0x7fffffff);
    k.dotWords(d, a, b);
    return d;
  });
  if (capabilities.smallByteDot) {
    elementwise(
      'dotSmallBytes',
      false,
      (k, a, b) => {
        const d = k.vecBits(0x7fffff00); // so that it wraps
        k.dotSmallBytes(d, a, b);
        return d;
      },
      pairsOfSmallBytes(),
    );
  }
  elementwise('pairSums', false, (k, a, b) => k.pairSums(a, b));
  elementwise('pairSums, d is b', false, (k, a, b) => k.pairSums(a, b, b));
  elementwise('sqrt', true, (k, a) => k.unary('sqrt', a));
  elementwise('fromI32', false, (k, a) => k.unary('fromI32', a));
  const inRange = pairs.filter(([a]) => ((a >>> 23) & 255) < 127 + 31);
  elementwise('toI32', false, (k, a) => k.unary('toI32', a), inRange);
  for (const bits of [0, 1, 16, 31]) {
    elementwise(`left ${bits}`, false, (k, a) => k.shift('left', a, bits));
    elementwise(`right ${bits}`, false, (k, a) => k.shift('right', a, bits));
  }
  for (const bits of capabilities.shiftsBytes ? [0, 1, 4, 7] : [])
    elementwise(`right ${bits} in bytes`, false, (k, a) => k.shift('rightInBytes', a, bits));
  for (const type of ['bf16', 'f16'] as const) kernels.push(wideningKernel(type, capabilities));
  kernels.push(pairWideningKernel(capabilities), narrowingKernel(capabilities));
  if (capabilities.tiles) kernels.push(...tileKernels(capabilities));
  return kernels;
}

/** Every byte with every byte below 128: four times the same, so that pairs reach the ends of 16 bits, and beside others. */
function pairsOfSmallBytes(): [number, number][] {
  return Array.from({ length: 2 ** 15 }, (_, i) => {
    const [a, b] = [i >> 7, i & 127];
    const words: readonly [number, number][] = [
      [a * 0x01010101, b * 0x01010101],
      [(a << 24) | 0x7f0180, (b << 24) | 0x017f7f],
      [(a << 8) | 0x80ff007f, (b << 8) | 0x7f00007f],
    ];
    return words;
  }).flat();
}

function elementwiseKernel(
  k: KernelBuilder,
  operands: readonly (readonly [number, number])[],
  anyNaN: boolean,
  write: (k: KernelBuilder, a: VecReg, b: VecReg) => VecReg,
): EdgeKernel {
  const vectorBytes = 4 * k.lanes;
  const words = new Uint32Array(2 * Math.ceil(operands.length / k.lanes) * k.lanes); // [vectors, (a, b), lanes]
  operands.forEach(([a, b], i) => {
    const lane = i % k.lanes;
    words[2 * (i - lane) + lane] = a;
    words[2 * (i - lane) + k.lanes + lane] = b;
  });
  return streamKernel(k, words, 2 * vectorBytes, vectorBytes, anyNaN, (from, to) => {
    k.store(k.at(to), write(k, k.load(k.at(from)), k.load(k.at(from, vectorBytes))));
  });
}

function wideningKernel(type: 'bf16' | 'f16', capabilities: Capabilities): EdgeKernel {
  const k = new KernelBuilder(`widen ${type}`, capabilities);
  const operands = Uint16Array.from({ length: 65536 }, (_, i) => i);
  return streamKernel(k, operands, 2 * k.lanes, 4 * k.lanes, type === 'f16', (from, to) => {
    k.store(k.at(to), k.load(k.at(from), type));
  });
}

function pairWideningKernel(capabilities: Capabilities): EdgeKernel {
  const k = new KernelBuilder('widen pairs of bf16', capabilities);
  const operands = Uint16Array.from({ length: 65536 }, (_, i) => i);
  const vectorBytes = 4 * k.lanes;
  return streamKernel(k, operands, vectorBytes, 2 * vectorBytes, false, (from, to) => {
    for (const [half, widened] of k.loadPair(k.at(from)).entries()) {
      k.store(k.at(to, half * vectorBytes), widened);
    }
  });
}

/** Around every tie: all upper halves that are no NaN and not subnormal, with lower halves where rounding changes. */
function narrowingKernel(capabilities: Capabilities): EdgeKernel {
  const k = new KernelBuilder('narrow bf16', capabilities);
  const words: number[] = [0, 0x80000000, 0x7f800000, 0xff800000];
  for (let upper = 0; upper < 65536; upper++) {
    const exponent = (upper >>> 7) & 255;
    if (exponent === 255 || exponent === 0) continue;
    for (const lower of [0, 0x7fff, 0x8000, 0x8001]) words.push(upper * 65536 + lower);
  }
  while (words.length % k.lanes !== 0) words.push(0);
  return streamKernel(k, Uint32Array.from(words), 4 * k.lanes, 2 * k.lanes, false, (from, to) => {
    k.store(k.at(to), k.load(k.at(from)), 'bf16');
  });
}

/** Products of tiles: sums of 32 products of everyday size, which rounding would tell the order of, and of any bits. */
function tileKernels(capabilities: Capabilities): EdgeKernel[] {
  const random = new Random(7);
  const everyday = (): number => (2 * random.uniform() - 1) * 2 ** random.integer(-6, 6);
  const words = Float32Array.from({ length: 3 * 256 * 64 }, everyday); // any f32 is a pair of bf16, too
  const wild = Uint32Array.from({ length: 3 * 256 * 64 }, () => wildBits(random));
  return [new Uint32Array(words.buffer), wild].map((operands, i) => {
    const k = new KernelBuilder(i === 0 ? 'tiles' : 'tiles of any bits', capabilities);
    return streamKernel(k, operands, 3 * 1024, 1024, true, (from, to) => {
      const strideBytes = k.intConst(64);
      k.withTiles(() => {
        for (const tile of [0, 1, 2] as const) k.tileLoad(tile, k.at(from, 1024 * tile), strideBytes);
        k.tileDotPairs(0, 1, 2);
        k.tileStore(k.at(to), 0, strideBytes);
      });
    });
  });
}

/** A kernel that steps through operands and results together. */
function streamKernel(
  k: KernelBuilder,
  operands: Uint8Array | Uint16Array | Uint32Array,
  operandStepBytes: number,
  resultStepBytes: number,
  anyNaN: boolean,
  body: (from: IntReg, to: IntReg) => void,
): EdgeKernel {
  const count = operands.byteLength / operandStepBytes;
  const memory = new Uint8Array(operands.byteLength + count * resultStepBytes);
  memory.set(new Uint8Array(operands.buffer));
  const from = k.param();
  const to = k.intOp('add', from, operands.byteLength);
  k.loop(count, () => {
    body(from, to);
    k.advance(from, operandStepBytes);
    k.advance(to, resultStepBytes);
  });
  return { code: k.finish(), memory, anyNaN };
}
