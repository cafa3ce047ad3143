import { AssertionError } from 'node:assert/strict';
import type { Capabilities, KernelCode } from '../../../src/jit/ir.js';
import { bf16Value, f32Bits, narrowToBf16 } from '../../../src/jit/numberFormats.js';
import {
  type ArgumentUses,
  type ArgumentValues,
  type Kernel,
  type KernelCall,
  type Memory,
  SCRATCH_BYTES,
} from '../../../src/kernels/kernel.js';

/** Values in kernel memory; a Uint16Array holds bf16, a Uint8Array whatever it is packed of. */
export type KernelArray = Float32Array | Uint16Array | Int32Array | Uint8Array;

/** An array that a kernel is given, or a place in it (or before it, where only a part of what is meant exists). */
export type KernelOperand = KernelArray | { readonly array: KernelArray; readonly offsetBytes: number };

/** The arguments of a run: arrays in place of memory. */
export type KernelOperands<Uses extends ArgumentUses> = {
  readonly [Name in keyof Uses]: Uses[Name] extends 'number'
    ? number
    : Uses[Name] extends 'reads?'
      ? KernelOperand | null
      : KernelOperand;
};

/** A place where kernels run: the interpreter, a level of the instruction set, WebAssembly. */
export interface KernelTarget {
  readonly name: string;
  readonly capabilities: Capabilities;
  /** Why it cannot run here, or false. Give it to `test` as `skip`. */
  readonly missing: string | false;
  /** About a thousand times slower than machine code: give it small shapes. */
  readonly isSlow: boolean;
  /** Memory of at least `byteLength` bytes, 64-byte aligned, that the previous call's results no longer need. */
  memory(byteLength: number): KernelMemory;
}

export interface KernelMemory {
  /** Address of the first byte, as kernels see it. */
  readonly address: number;
  readonly bytes: Uint8Array;
  /** Makes a kernel callable as kernel(args, tile, scratch). */
  load(code: KernelCode): (args: number, tile: number, scratch: number) => void;
}

export interface KernelRun {
  /** In which order which tiles run; default 0 … tiles − 1. They must not depend on it. */
  readonly order?: readonly number[] | 'backwards';
}

/** Round every array, so that a kernel's stray write hits something that is checked. */
const GUARD_BYTES = 256;
/** Reads as NaN in f32 and bf16, so that a stray read shows. Scratch memory starts with it too. */
const GUARD_BYTE = 0xff;
/** Room for the largest argument structure. */
const MOST_ARGUMENT_BYTES = 256;

/**
 * Runs a kernel over all tiles in memory of its own, and leaves the results in the arrays it was given.
 *
 * @throws AssertionError when it wrote outside the arrays.
 *
 * @example
 * const x = roundToBf16(new Random(1).floats(64));
 * const y = new Float32Array(64);
 * runKernel(target, kernel, { x, y, m: 64 });
 */
export function runKernel<Uses extends ArgumentUses>(
  target: KernelTarget,
  kernel: Kernel<Uses>,
  values: KernelOperands<Uses>,
  run: KernelRun = {},
): void {
  const given = Object.entries<number | KernelOperand | null>(values);
  const operands = given.flatMap(([, value]) => (typeof value === 'number' || value === null ? [] : [value]));
  const makeCall = (memory: readonly Memory[]): KernelCall => {
    let next = 0;
    const placed = given.map(([name, value]) => {
      return [name, typeof value === 'number' || value === null ? value : memory[next++]];
    });
    return kernel.call(Object.fromEntries(placed) as ArgumentValues<Uses>);
  };
  runCall(target, operands, makeCall, run);
}

/** The same for a call that is made by somebody else, of the memory that the operands lie in. */
export function runCall(
  target: KernelTarget,
  operands: readonly KernelOperand[],
  makeCall: (memory: readonly Memory[]) => KernelCall,
  run: KernelRun = {},
): void {
  const arrays = [...new Set(operands.map(arrayOf))];
  const offsets = new Map<KernelArray, number>();
  const scratch = GUARD_BYTES;
  const args = scratch + SCRATCH_BYTES + GUARD_BYTES;
  let end = args + MOST_ARGUMENT_BYTES + GUARD_BYTES;
  for (const array of arrays) {
    offsets.set(array, end);
    end += align(array.byteLength) + GUARD_BYTES;
  }
  const memory = target.memory(end);
  const bytes = memory.bytes.subarray(0, end);
  bytes.fill(GUARD_BYTE);
  for (const [array, offset] of offsets) bytes.set(bytesOf(array), offset);
  const { kernel, slots, tiles, writes } = makeCall(
    operands.map((operand) => {
      const array = arrayOf(operand);
      const offsetBytes = 'array' in operand ? operand.offsetBytes : 0;
      const address = memory.address + offsets.get(array)! + offsetBytes;
      return { address, byteLength: array.byteLength - offsetBytes };
    }),
  );
  const words = new DataView(bytes.buffer, bytes.byteOffset);
  slots.forEach((slot, i) => {
    words.setBigInt64(args + 8 * i, BigInt(slot), true);
  });
  const call = memory.load(kernel.emit(target.capabilities));
  const forwards = Array.from({ length: tiles }, (_, tile) => tile);
  const order = run.order === 'backwards' ? forwards.reverse() : (run.order ?? forwards);
  for (const tile of order) call(memory.address + args, tile, memory.address + scratch);
  checkGuards(kernel.name, bytes, [
    { start: scratch, byteLength: SCRATCH_BYTES },
    { start: args, byteLength: 8 * slots.length },
    ...arrays.map((array) => ({ start: offsets.get(array)!, byteLength: array.byteLength })),
  ]);
  for (const [array, offset] of offsets) {
    const after = bytes.subarray(offset, offset + array.byteLength);
    checkWrites(kernel.name, writes, { address: memory.address + offset, before: bytesOf(array), after });
    bytesOf(array).set(after);
  }
}

/** That only what a call says it writes has changed: the order of calls follows from that. */
function checkWrites(
  kernel: string,
  writes: readonly Memory[],
  array: { readonly address: number; readonly before: Uint8Array; readonly after: Uint8Array },
): void {
  const { address, before, after } = array;
  const isWithin = (at: number): boolean =>
    writes.some((range) => at >= range.address && at < range.address + range.byteLength);
  if (Buffer.compare(before, after) === 0 || (isWithin(address) && isWithin(address + after.length - 1)))
    return;
  const at = after.findIndex((byte, i) => byte !== before[i] && !isWithin(address + i));
  if (at >= 0) {
    const message = `kernel ${kernel} wrote byte ${at} of an array that its call does not say it writes`;
    throw new AssertionError({ message });
  }
}

/** bf16 bits of f32 values, to the nearest, ties to even. */
function roundToBf16(values: Float32Array): Uint16Array {
  return Uint16Array.from(values, (value) => narrowToBf16(f32Bits(value)));
}

/** The values of an f32 or bf16 array, as f32 (exact). */
export function widen(values: Float32Array | Uint16Array): Float32Array {
  return values instanceof Float32Array ? values : Float32Array.from(values, bf16Value);
}

/** f32 values as an operand of a kernel: rounded to bf16, or a copy. */
export function asOperand(dtype: 'f32' | 'bf16', values: Float32Array): Float32Array | Uint16Array {
  return dtype === 'bf16' ? roundToBf16(values) : values.slice();
}

function arrayOf(operand: KernelOperand): KernelArray {
  return 'array' in operand ? operand.array : operand;
}

function bytesOf(array: KernelArray): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

function align(byteLength: number): number {
  return Math.ceil(byteLength / 64) * 64;
}

function checkGuards(
  kernel: string,
  bytes: Uint8Array,
  parts: readonly { start: number; byteLength: number }[],
): void {
  let gap = 0;
  for (const { start, byteLength } of [...parts, { start: bytes.length, byteLength: 0 }]) {
    const at = bytes.subarray(gap, start).findIndex((byte) => byte !== GUARD_BYTE);
    if (at >= 0) {
      const message = `kernel ${kernel} wrote ${at} bytes past the end of an array of the run (byte ${gap + at})`;
      throw new AssertionError({ message });
    }
    gap = start + byteLength;
  }
}
