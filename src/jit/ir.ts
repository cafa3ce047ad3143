import { QwenAsrError } from '../error.js';

/*
 * The kernel language: about 35 operations on address-sized integers and f32 vectors, with structured control flow.
 *
 * Registers are mutable variables (no SSA); a kernel that needs more of them than a target has fails when it is built.
 * There is no optimiser: what a kernel author writes is what runs. `src/jit/builder.ts` is the way to write kernels,
 * `src/jit/interpreter.ts` is the meaning of every operation, `src/jit/x64` and `src/jit/wasm` lower it.
 *
 * Kernels take up to six integer arguments (pointers or numbers) and return nothing. Structures in memory use 8-byte
 * slots on every target: a pointer is stored as 64 bits, of which 32-bit targets read the low half.
 */

/** An address-sized signed integer (64 bits on x86-64, 32 in WebAssembly): keep values below 2^31 except addresses. */
export interface IntReg {
  readonly kind: 'int';
  readonly id: number;
}

/** A vector of `lanes` 32-bit elements: f32 unless an operation says otherwise. */
export interface VecReg {
  readonly kind: 'vec';
  readonly id: number;
}

export type IntOperand = IntReg | number;

/** One of the eight tile registers, each 16 rows of 64 bytes; a kernel names them itself. */
export type TileNumber = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7;

/** base + index + offset, in bytes. Loads and stores need no alignment, atomics 4 bytes. */
export interface Address {
  readonly kind: 'address';
  readonly base: IntReg;
  readonly index: IntReg | null;
  readonly offset: number;
}

/** A vector register, or a full vector read from memory by the operation itself. */
export type VecSource = VecReg | Address;

/** 32 bits that the operation reads from memory itself, the same ones for every lane; capability `elementSources`. */
export interface MemoryElement {
  readonly kind: 'element';
  readonly at: Address;
}

export type ArithmeticSource = VecSource | MemoryElement;

export type IntBinaryKind =
  | 'add'
  | 'sub'
  | 'mul'
  | 'and'
  | 'min'
  | 'max'
  | 'shiftLeft' // by a constant 0–31
  | 'shiftRight' // arithmetic, by a constant 0–31
  | 'divide' // both operands ≥ 0, divisor > 0
  | 'remainder'; // likewise

export type CompareKind = 'lt' | 'le' | 'gt' | 'ge' | 'eq' | 'ne';

/** The comparison that holds where another does not. */
export const OPPOSITE: Readonly<Record<CompareKind, CompareKind>> = {
  lt: 'ge',
  le: 'gt',
  gt: 'le',
  ge: 'lt',
  eq: 'ne',
  ne: 'eq',
};

/** Signed integer comparison. */
export interface Condition {
  readonly compare: CompareKind;
  readonly a: IntReg;
  readonly b: IntOperand;
}

/** f32 unless named otherwise; min and max return the second operand when either is NaN (as x86 does). */
export type VecBinaryKind =
  | 'add'
  | 'sub'
  | 'mul'
  | 'div'
  | 'min'
  | 'max'
  | 'and'
  | 'or'
  | 'xor'
  | 'addI32'
  | 'subI32';

export type VecUnaryKind =
  | 'sqrt'
  | 'toI32' // nearest, ties to even; |x| < 2^31
  | 'fromI32';

/** `fma` of f32; `dotBytes`, u8 of a and i8 of the element; `dotSignedBytes`, i8 of both: four products, in i32. */
export type ElementProductKind = 'fma' | 'dotBytes' | 'dotSignedBytes';

/** One operation. `d` is written; it may equal an operand. */
export type Instruction =
  // integers
  | { readonly op: 'intConst'; readonly d: IntReg; readonly value: number }
  | { readonly op: 'intMove'; readonly d: IntReg; readonly a: IntReg }
  | {
      readonly op: 'intBinary';
      readonly kind: IntBinaryKind;
      readonly d: IntReg;
      readonly a: IntReg;
      readonly b: IntOperand;
    }
  | { readonly op: 'intLoad'; readonly d: IntReg; readonly from: Address; readonly type: IntLoadType }
  | { readonly op: 'intStore'; readonly to: Address; readonly a: IntOperand; readonly type: IntStoreType }
  // control
  | { readonly op: 'loop'; readonly count: IntOperand; readonly body: readonly Instruction[] } // count ≤ 0: not at all
  | { readonly op: 'while'; readonly condition: Condition; readonly body: readonly Instruction[] }
  | {
      readonly op: 'if';
      readonly condition: Condition;
      readonly whenTrue: readonly Instruction[];
      readonly whenFalse: readonly Instruction[];
    }
  | { readonly op: 'call'; readonly target: IntReg; readonly args: readonly IntReg[] } // of another kernel
  // vectors: movement
  | { readonly op: 'vecConst'; readonly d: VecReg; readonly bits: readonly number[] } // 1 value for all, or one a lane
  | { readonly op: 'vecMove'; readonly d: VecReg; readonly a: VecReg }
  | { readonly op: 'vecLoad'; readonly d: VecReg; readonly from: Address; readonly type: VecLoadType }
  // 2·lanes bf16 in a row, widened to f32: the first half and the second; two different registers
  | { readonly op: 'vecLoadPair'; readonly d: readonly [VecReg, VecReg]; readonly from: Address }
  | { readonly op: 'vecLoadLow'; readonly d: VecReg; readonly from: Address } // 16 bytes to the first 4 lanes; the others become 0
  | { readonly op: 'vecStore'; readonly to: Address; readonly a: VecReg; readonly type: VecStoreType }
  | {
      readonly op: 'vecStoreLow'; // the first `lanes` lanes as f32
      readonly to: Address;
      readonly a: VecReg;
      readonly lanes: 1 | 4;
    }
  | { readonly op: 'vecBroadcast'; readonly d: VecReg; readonly from: Address } // of one f32
  | { readonly op: 'vecBroadcastPair'; readonly d: VecReg; readonly from: Address } // of 8 bytes, to every two lanes
  | { readonly op: 'vecBroadcastInt'; readonly d: VecReg; readonly a: IntReg } // low 32 bits to every lane
  | {
      readonly op: 'vecInterleave'; // in every 128 bits: one half of a and the same of b, an element of each in turn
      readonly part: 'low' | 'high';
      readonly elementBits: 32 | 64;
      readonly d: VecReg;
      readonly a: VecReg;
      readonly b: VecReg;
    }
  // vectors: arithmetic
  | {
      readonly op: 'vecBinary';
      readonly kind: VecBinaryKind;
      readonly d: VecReg;
      readonly a: VecReg;
      readonly b: ArithmeticSource;
    }
  | { readonly op: 'vecFma'; readonly d: VecReg; readonly a: VecReg; readonly b: ArithmeticSource } // d += a·b (fused or not)
  | { readonly op: 'vecUnary'; readonly kind: VecUnaryKind; readonly d: VecReg; readonly a: VecReg }
  | {
      readonly op: 'vecShift'; // of 32-bit lanes, or of each of their bytes (`shiftsBytes`); zeros shifted in
      readonly kind: 'left' | 'right' | 'rightInBytes';
      readonly d: VecReg;
      readonly a: VecReg;
      readonly bits: number;
    }
  | {
      readonly op: 'vecSelect'; // d = (a compare b) ? x : y, lane by lane; false for NaN
      readonly compare: 'gt' | 'ge' | 'eq';
      readonly d: VecReg;
      readonly a: VecReg;
      readonly b: VecReg;
      readonly x: VecReg;
      readonly y: VecReg;
    }
  | { readonly op: 'vecReduce'; readonly kind: 'add' | 'max'; readonly d: VecReg; readonly a: VecReg } // to all lanes
  | {
      readonly op: 'vecReduce4'; // lane i of d (i < 4) = sum over the lanes of a[i]; other lanes undefined
      readonly d: VecReg;
      readonly a: readonly [VecReg, VecReg, VecReg, VecReg];
    }
  | { readonly op: 'vecTranspose'; readonly a: readonly VecReg[] } // `lanes` registers: a[i]'s lane j changes places with a[j]'s lane i
  // d[i] += a[2i]·b[2i] + a[2i+1]·b[2i+1] over bf16 pairs; capability `pairDot`
  | { readonly op: 'dotPairs'; readonly d: VecReg; readonly a: VecReg; readonly b: ArithmeticSource }
  // of 2 rows of 4 bf16 in a and in b: d[2i+j] += Σ_k a[i][k]·b[j][k], two products at a time; capability `pairMatrix`
  | { readonly op: 'matrixPairs'; readonly d: VecReg; readonly a: VecReg; readonly b: VecReg }
  // d[i] += Σ_{j<4} u8 a[4i+j] · i8 b[4i+j] in i32; capability `byteDot`
  | { readonly op: 'dotBytes'; readonly d: VecReg; readonly a: VecReg; readonly b: ArithmeticSource }
  // the same with i8 a and b of 0–127 (with others the machine decides); capability `smallByteDot`
  | { readonly op: 'dotSmallBytes'; readonly d: VecReg; readonly a: VecReg; readonly b: VecSource }
  // d[i] += a[i] · 32 bits of b, the same ones for every lane, as a product of that kind; capability `elementProducts`
  | {
      readonly op: 'elementProduct';
      readonly kind: ElementProductKind; // the dots of bytes need `byteDot` and `smallByteDot`
      readonly d: VecReg;
      readonly a: VecReg;
      readonly b: VecReg;
      readonly element: number;
    }
  // d[i] += a[2i]·b[2i] + a[2i+1]·b[2i+1] over pairs of i16, in i32
  | { readonly op: 'dotWords'; readonly d: VecReg; readonly a: VecReg; readonly b: VecSource }
  | { readonly op: 'vecPairSums'; readonly d: VecReg; readonly a: VecReg; readonly b: VecReg } // i32 sums of every two lanes: a's, then b's
  // tiles; capability `tiles`. They exist from tileConfigure on, zeroed, to tileRelease, which ends every way through a kernel.
  | { readonly op: 'tileConfigure' }
  | { readonly op: 'tileRelease' }
  | { readonly op: 'tileZero'; readonly d: TileNumber }
  // 16 rows of 64 bytes, `strideBytes` apart
  | { readonly op: 'tileLoad'; readonly d: TileNumber; readonly from: Address; readonly strideBytes: IntReg }
  | { readonly op: 'tileStore'; readonly to: Address; readonly a: TileNumber; readonly strideBytes: IntReg }
  // f32 d[i][j] += Σ_{k<16} a[i][2k]·b[k][2j] + a[i][2k+1]·b[k][2j+1] over bf16 pairs; three different tiles
  | { readonly op: 'tileDotPairs'; readonly d: TileNumber; readonly a: TileNumber; readonly b: TileNumber }
  // memory hints and threads
  | { readonly op: 'prefetch'; readonly at: Address; readonly hint: PrefetchHint }
  | { readonly op: 'atomicAdd'; readonly d: IntReg; readonly at: Address; readonly value: IntOperand } // i32; d = old
  | { readonly op: 'atomicLoad'; readonly d: IntReg; readonly at: Address } // i32
  | { readonly op: 'atomicStore'; readonly at: Address; readonly value: IntOperand } // i32
  | { readonly op: 'pause' } // a hint inside spin loops
  | { readonly op: 'clock'; readonly d: IntReg } // time in ticks of 0.2 to 0.5 µs, modulo 2^31
  | { readonly op: 'waitWhile'; readonly at: Address; readonly expected: IntReg } // sleeps while i32 at == expected
  | { readonly op: 'wakeAll'; readonly at: Address };

/** `near`: into the first cache; `second`: into the second; `once`: past the others, for data read a single time. */
export type PrefetchHint = 'near' | 'second' | 'once';

/** `u16`: zero-extended; `i32`: sign-extended; `pointer`: address-sized, from an 8-byte slot. */
export type IntLoadType = 'u16' | 'i32' | 'pointer';
export type IntStoreType = 'u16' | 'i32' | 'pointer';

/**
 * `raw`: lanes·4 bytes as they are; `bf16`/`f16`: lanes·2 bytes widened to f32; `u8`: lanes bytes, each to a lane;
 * `u8Pairs`: 2·lanes bytes, each to 16 bits.
 */
export type VecLoadType = 'raw' | 'bf16' | 'f16' | 'u8' | 'u8Pairs';

/**
 * `raw`: lanes·4 bytes; `bf16`: lanes·2 bytes, rounded to nearest even (subnormals may become zero); `low8`, `low16`: the
 * low bits of each lane, lanes or lanes·2 bytes.
 */
export type VecStoreType = 'raw' | 'bf16' | 'low8' | 'low16';

/** What a target offers a kernel body. Bodies ask for these, never for a target's name. */
export interface Capabilities {
  /** f32 elements in a vector: 16, 8 or 4. */
  readonly lanes: 16 | 8 | 4;
  /** `dotPairs` exists. */
  readonly pairDot: boolean;
  /** `matrixPairs` exists, on 4 lanes. */
  readonly pairMatrix: boolean;
  /** The operations of tiles exist, on 16 lanes. */
  readonly tiles: boolean;
  /** `dotBytes` exists. */
  readonly byteDot: boolean;
  /** `dotSmallBytes` exists. */
  readonly smallByteDot: boolean;
  /** `elementProduct` exists. */
  readonly elementProducts: boolean;
  /** Arithmetic may read a `MemoryElement`, which costs what a register does. */
  readonly elementSources: boolean;
  /** `vecShift rightInBytes` exists. */
  readonly shiftsBytes: boolean;
  /** Vector registers a kernel may hold at once. */
  readonly vecRegisters: number;
  /** Integer registers a kernel may hold at once. */
  readonly intRegisters: number;
  /** An engine gives the registers out and spills what does not fit, instead of failing: counts are guidance. */
  readonly registersAreVirtual: boolean;
  /** `vecLoadPair` takes fewer instructions than two loads with widening. */
  readonly widensInPairs: boolean;
  readonly tuning: Tuning;
}

/** Sizes that speed depends on and results do not (but for the order of sums); each can be measured with the micro-benchmarks. */
export interface Tuning {
  /** Rows of A in the register tile of a matrix product: a divisor of 12, as many as the registers hold. */
  readonly tileRows: number;
  /** Bytes of a core's first cache for data, and of its second. */
  readonly l1Bytes: number;
  readonly l2Bytes: number;
  /** Most bytes of a row of A that one pass over a tile's columns multiplies, so that they stay in the first cache; 0: all. */
  readonly kSegmentBytes: number;
  /** 1: bf16 weights of many f32 rows are widened once a tile, to the second cache; 0: in registers, at every use. */
  readonly widenOnce: number;
  /** 1: many rows of bf16 pairs are multiplied as f32, both sides widened; 0: by `dotPairs`. */
  readonly pairsAsF32: number;
  /** 1: panels of weights are transposed, in pairs of bf16 or in f32, so that nothing is folded; 0: lanes along K. */
  readonly transposes: number;
  /** Groups of rows of A, each as large as the registers hold, that meet a stream of weights on its way. */
  readonly streamGroups: number;
  /** Linear streams in which a tile's weights are read from memory, one next to another, at most: 1, 2, 4 or 8. */
  readonly streams: number;
  /** Loads of a register tile that are made before their turn, for cores that execute in order. */
  readonly loadsAhead: number;
  /** Least rows that meet four columns of a stream side by side; fewer meet one after another. 0: all do. */
  readonly sideBySideRows: number;
  /** Most accumulators of one sum of a stream, which hide the latency of the products: 8, 4, 2 or 1. */
  readonly unroll: number;
  /** Distance of the prefetch from the weights in use, in bytes of all streams; 0: left to the processor. */
  readonly prefetchBytes: number;
  /** Where it brings those of a single stream: 2, the second cache; 0, past the caches to where data is read a single time. */
  readonly prefetchLevel: number;
}

/** A finished kernel body. */
export interface KernelCode {
  readonly name: string;
  readonly lanes: number;
  readonly params: readonly IntReg[];
  readonly body: readonly Instruction[];
  readonly intCount: number;
  readonly vecCount: number;
}

/** For the default of a switch over a union: does not compile while a case is missing. */
export function unknownCase(value: never): QwenAsrError {
  return new QwenAsrError('internal', `kernel language: no such case: ${JSON.stringify(value)}`);
}
