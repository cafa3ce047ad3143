import { KernelBuilder } from '../../jit/builder.js';
import { interpret } from '../../jit/interpreter.js';
import type { Capabilities } from '../../jit/ir.js';
import { bf16Value, f32Bits, narrowToBf16 } from '../../jit/numberFormats.js';
import { type KernelCall, type Memory, SCRATCH_BYTES } from '../../kernels/kernel.js';
import type { ExampleArray, ExampleCall } from '../../kernels/registry/exampleCall.js';
import { BYTES } from '../../kernels/registry/exampleCall.js';
import { kernelRegistry } from '../../kernels/registry/kernelRegistry.js';
import { MODEL_SHAPES } from '../../kernels/registry/modelShapes.js';
import { Conductor } from '../../runtime/conductor.js';
import { NativeMachine } from '../../runtime/nativeMachine.js';
import { findProcessor } from '../../runtime/processor.js';
import type { Native } from '../../runtime/system/native.js';
import { ENTRY } from '../../runtime/tapeLayout.js';

/** What the interpreter, which takes a microsecond an operation, does in a tenth of a second. */
const MOST_FLOPS = 200_000;

/** Far above what rounding does to sums of a thousand numbers, far below what wrong code does. Of the largest value. */
const TOLERANCE = 0.02;

/** The interpreter's memory begins here, so that a forgotten address is found out. */
const BASE = 4096;

const THREADS = 2;
const PASSES = 200;

/**
 * Whether machine code computes here what the interpreter of the kernel language does: the small calls of a small model,
 * and passes on two threads. Wrong code may also end the process, so that this runs in one of its own.
 *
 * @returns null, or a line that says what is wrong
 */
export async function selfTest(native: Native): Promise<string | null> {
  const processor = findProcessor(native);
  if (typeof processor === 'string') return processor;
  const machine = new NativeMachine(native, processor.isas.at(-1)!, THREADS);
  try {
    for (const call of smallCalls(machine.capabilities)) {
      const problem = compareCall(machine, native, call);
      if (problem !== null) return problem;
    }
    return await countTiles(machine);
  } finally {
    await machine.close();
  }
}

/** One call of each kernel that has one which is small enough, on every type of activations. */
function smallCalls(capabilities: Capabilities): ExampleCall[] {
  const model = MODEL_SHAPES.find(({ name }) => name === 'demo')!;
  const operands = capabilities.pairDot ? (['f32', 'bf16'] as const) : (['f32'] as const);
  return operands.flatMap((operand) =>
    kernelRegistry.flatMap((kernel) => {
      const calls = kernel.calls({ model, capabilities, operand, threadCount: THREADS });
      const [smallest] = calls.toSorted((a, b) => a.flops + a.bytes - b.flops - b.bytes);
      return smallest !== undefined && smallest.flops + smallest.bytes < MOST_FLOPS ? [smallest] : [];
    }),
  );
}

/** Arrays of a call one after the other, each with a line between. */
class Placement {
  readonly arrays: (Memory & { readonly array: ExampleArray })[] = [];
  end: number;

  constructor(base: number) {
    this.end = base;
  }

  readonly allocate = (array: ExampleArray): Memory => {
    const memory = { address: this.end, byteLength: array.length * BYTES[array.dtype] };
    this.arrays.push({ ...memory, array });
    this.end = Math.ceil((this.end + memory.byteLength) / 64 + 2) * 64;
    return memory;
  };
}

/** Runs all tiles of a call by the interpreter and by the machine. */
function compareCall(machine: NativeMachine, native: Native, example: ExampleCall): string | null {
  const placement = new Placement(BASE);
  const expected = example.call(placement.allocate);
  const args = placement.end;
  const scratch = args + 1024;
  const byteLength = scratch + SCRATCH_BYTES;
  const memory = new ArrayBuffer(byteLength);
  fill(memory, placement);
  const region = machine.reserve(byteLength);
  const bytes = new Uint8Array(region.buffer, region.bufferOffset, byteLength);
  try {
    bytes.set(new Uint8Array(memory));
    const code = expected.kernel.emit(machine.capabilities);
    writeSlots(new DataView(memory), args, expected);
    const found = example.call(new Placement(region.address + BASE).allocate);
    writeSlots(new DataView(region.buffer, region.bufferOffset), args, found);
    const [entry] = machine.install([code]) as [number];
    const run = native.functionAt(entry, 3);
    for (let tile = 0; tile < expected.tiles; tile++) {
      interpret(code, memory, [args, tile, scratch]);
      run.call(region.address + args, tile, region.address + scratch);
    }
    const results = placement.arrays.filter(({ address }) => isWritten(expected, address));
    const isSame = results.every((result) =>
      agree(
        numbersOf(new DataView(memory), result),
        numbersOf(new DataView(bytes.buffer, bytes.byteOffset), result),
      ),
    );
    return isSame ? null : `${expected.kernel.name} (${example.label}) computes something else`;
  } finally {
    machine.release(region);
  }
}

function isWritten({ writes }: KernelCall, address: number): boolean {
  return writes.some((written) => written.address === address);
}

function writeSlots(words: DataView, args: number, { slots }: KernelCall): void {
  for (const [i, slot] of slots.entries()) words.setBigInt64(args + 8 * i, BigInt(slot), true);
}

/** Numbers between −1 and 1 without a pattern that a wrong lane would share. */
function fill(memory: ArrayBuffer, { arrays }: Placement): void {
  const view = new DataView(memory);
  let seed = 1;
  const next = (): number => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return seed / 2 ** 31 - 1;
  };
  for (const { address, array } of arrays) {
    for (let i = 0; i < array.length; i++) {
      const at = address + i * BYTES[array.dtype];
      if (array.dtype === 'f32') view.setFloat32(at, next(), true);
      else if (array.dtype === 'bf16') view.setUint16(at, narrowToBf16(f32Bits(next())), true);
      else if (array.dtype === 'i32') view.setInt32(at, array.values![i]!, true);
      // As exponents of floating-point numbers these are of normal size.
      else view.setUint8(at, 60);
    }
  }
}

/** A result's numbers; of packed bytes none, as their last bit depends on how sums are rounded. */
function numbersOf(view: DataView, { address, array }: Memory & { readonly array: ExampleArray }): number[] {
  return Array.from({ length: array.dtype === 'u8' ? 0 : array.length }, (_, i) => {
    const at = address + i * BYTES[array.dtype];
    if (array.dtype === 'f32') return view.getFloat32(at, true);
    return array.dtype === 'bf16' ? bf16Value(view.getUint16(at, true)) : view.getInt32(at, true);
  });
}

function agree(expected: readonly number[], found: readonly number[]): boolean {
  const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return expected.every(
    (value, i) => Object.is(value, found[i]) || Math.abs(value - found[i]!) <= TOLERANCE * largest,
  );
}

/** Passes over a tape of a kernel that counts its tiles, on threads that fall asleep in between. */
async function countTiles(machine: NativeMachine): Promise<string | null> {
  const conductor = new Conductor(machine, SCRATCH_BYTES);
  const k = new KernelBuilder('count', machine.capabilities);
  const [args] = [k.param(), k.param(), k.param()];
  k.atomicAdd(k.at(args), 1);
  const [kernel] = machine.install([k.finish()]) as [number];
  const region = machine.reserve(4096);
  const counter = new Int32Array(region.buffer, region.bufferOffset, 1);
  const entry = { kernel, args: region.address, tiles: 5 };
  const tape = conductor.writeTape(machine.reserve(2 * ENTRY.byteLength), [[entry], [entry]]);
  for (let pass = 0; pass < PASSES; pass++) await conductor.run(tape);
  const found = counter[0];
  await conductor.close();
  const expected = PASSES * 2 * entry.tiles;
  return found === expected ? null : `${THREADS} threads ran ${found} tiles of ${expected}`;
}
