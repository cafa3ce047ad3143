import assert, { AssertionError } from 'node:assert/strict';
import { f32Bits } from '../../../src/jit/builder.js';
import type { Capabilities, KernelCode } from '../../../src/jit/ir.js';
import { narrowToBf16, widenBf16 } from '../../../src/jit/numberFormats.js';
import { type KernelSpec, SCRATCH_BYTES } from '../../../src/kernels/kernel.js';

/** Values in kernel memory; a Uint16Array holds bf16. */
export type KernelArray = Float32Array | Uint16Array | Int32Array;

/** What one 8-byte slot of the argument structure holds: the address of an array (or inside it), or a number. */
export type KernelSlot = number | KernelArray | { readonly array: KernelArray; readonly offsetBytes: number };

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
  readonly slots: readonly KernelSlot[];
  readonly tiles: number;
  /** In which order the tiles run; default 0 … tiles − 1. They must not depend on it. */
  readonly order?: readonly number[];
}

/** Round every array, so that a kernel's stray write hits something that is checked. */
const GUARD_BYTES = 256;
/** Reads as NaN in f32 and bf16, so that a stray read shows. Scratch memory starts with it too. */
const GUARD_BYTE = 0xff;

/**
 * Runs a kernel over all tiles in memory of its own, and leaves the results in the arrays of `run.slots`.
 *
 * @throws AssertionError when it wrote outside the arrays.
 *
 * @example
 * const x = roundToBf16(new Random(1).floats(64));
 * const y = new Float32Array(64);
 * runKernel(target, spec, { slots: [x, y, 64], tiles: 1 });
 */
export function runKernel(target: KernelTarget, spec: KernelSpec, run: KernelRun): void {
  const filled = Object.keys(run.slots).map(Number);
  assert.deepEqual(
    filled,
    Object.values(spec.slots).toSorted((a, b) => a - b),
    `${spec.name}: slots`,
  );
  const arrays = [...new Set(run.slots.map(arrayOf).filter((array) => array !== null))];
  const offsets = new Map<KernelArray, number>();
  const scratch = GUARD_BYTES;
  const args = scratch + SCRATCH_BYTES + GUARD_BYTES;
  let end = args + align(8 * run.slots.length) + GUARD_BYTES;
  for (const array of arrays) {
    offsets.set(array, end);
    end += align(array.byteLength) + GUARD_BYTES;
  }
  const memory = target.memory(end);
  const bytes = memory.bytes.subarray(0, end);
  bytes.fill(GUARD_BYTE);
  for (const [array, offset] of offsets) bytes.set(bytesOf(array), offset);
  const words = new DataView(bytes.buffer, bytes.byteOffset);
  run.slots.forEach((slot, i) => {
    words.setBigInt64(args + 8 * i, BigInt(slotValue(slot, memory.address, offsets)), true);
  });
  const call = memory.load(spec.emit(target.capabilities));
  const order = run.order ?? Array.from({ length: run.tiles }, (_, tile) => tile);
  for (const tile of order) call(memory.address + args, tile, memory.address + scratch);
  checkGuards(spec, bytes, [
    { start: scratch, byteLength: SCRATCH_BYTES },
    { start: args, byteLength: 8 * run.slots.length },
    ...arrays.map((array) => ({ start: offsets.get(array)!, byteLength: array.byteLength })),
  ]);
  for (const [array, offset] of offsets)
    bytesOf(array).set(bytes.subarray(offset, offset + array.byteLength));
}

/** bf16 bits of f32 values, to the nearest, ties to even. */
export function roundToBf16(values: Float32Array): Uint16Array {
  return Uint16Array.from(values, (value) => narrowToBf16(f32Bits(value)));
}

/** The values of an f32 or bf16 array, as f32 (exact). */
export function widen(values: Float32Array | Uint16Array): Float32Array {
  return values instanceof Float32Array ? values : Float32Array.from(values, widenBf16);
}

/** f32 values as an operand of a kernel: rounded to bf16, or a copy. */
export function asOperand(dtype: 'f32' | 'bf16', values: Float32Array): Float32Array | Uint16Array {
  return dtype === 'bf16' ? roundToBf16(values) : values.slice();
}

function arrayOf(slot: KernelSlot): KernelArray | null {
  if (typeof slot === 'number') return null;
  return 'array' in slot ? slot.array : slot;
}

function slotValue(slot: KernelSlot, base: number, offsets: ReadonlyMap<KernelArray, number>): number {
  if (typeof slot === 'number') return slot;
  if ('array' in slot) return base + offsets.get(slot.array)! + slot.offsetBytes;
  return base + offsets.get(slot)!;
}

function bytesOf(array: KernelArray): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

function align(byteLength: number): number {
  return Math.ceil(byteLength / 64) * 64;
}

function checkGuards(
  spec: KernelSpec,
  bytes: Uint8Array,
  parts: readonly { start: number; byteLength: number }[],
): void {
  let gap = 0;
  for (const { start, byteLength } of [...parts, { start: bytes.length, byteLength: 0 }]) {
    const at = bytes.subarray(gap, start).findIndex((byte) => byte !== GUARD_BYTE);
    if (at >= 0) {
      const message = `kernel ${spec.name} wrote ${at} bytes past the end of an array of the run (byte ${gap + at})`;
      throw new AssertionError({ message });
    }
    gap = start + byteLength;
  }
}
