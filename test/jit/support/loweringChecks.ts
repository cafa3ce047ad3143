import assert from 'node:assert/strict';
import { KernelBuilder } from '../../../src/jit/builder.js';
import { interpret } from '../../../src/jit/interpreter.js';
import type { Capabilities, Instruction, IntBinaryKind, KernelCode } from '../../../src/jit/ir.js';
import type { KernelTarget } from './checkRandomKernels.js';

/*
 * What every target that gives physical registers out has to do: kernels beside the random and the edge ones.
 */

/** Every operation of the language; the compiler sees to it that none is left out. */
export const OPERATIONS = Object.keys({
  intConst: true,
  intMove: true,
  intBinary: true,
  intLoad: true,
  intStore: true,
  loop: true,
  while: true,
  if: true,
  call: true,
  vecConst: true,
  vecMove: true,
  vecLoad: true,
  vecLoadPair: true,
  vecStore: true,
  vecStoreLow: true,
  vecLoadLow: true,
  vecInterleave: true,
  vecBroadcast: true,
  vecBroadcastPair: true,
  vecBroadcastInt: true,
  vecBinary: true,
  vecFma: true,
  vecUnary: true,
  vecShift: true,
  vecSelect: true,
  vecReduce: true,
  vecReduce4: true,
  vecPairSums: true,
  vecTranspose: true,
  dotWords: true,
  dotPairs: true,
  dotBytes: true,
  dotSmallBytes: true,
  elementProduct: true,
  matrixPairs: true,
  tileConfigure: true,
  tileRelease: true,
  tileZero: true,
  tileLoad: true,
  tileStore: true,
  tileDotPairs: true,
  prefetch: true,
  atomicAdd: true,
  atomicLoad: true,
  atomicStore: true,
  pause: true,
  clock: true,
  waitWhile: true,
  wakeAll: true,
} satisfies Record<Instruction['op'], true>);

/** That random kernels, by the names that checkRandomKernels counts, had every operation of these capabilities. */
export function assertAllOperations(
  seen: ReadonlyMap<string, number>,
  { pairDot, byteDot, smallByteDot, elementProducts, pairMatrix, tiles }: Capabilities,
): void {
  // Random kernels do not call; see checkCalls.
  const absent = (op: string): boolean =>
    (op === 'dotPairs' && !pairDot) ||
    (op === 'dotBytes' && !byteDot) ||
    (op === 'dotSmallBytes' && !smallByteDot) ||
    (op === 'elementProduct' && !elementProducts) ||
    (op === 'matrixPairs' && !pairMatrix) ||
    (op.startsWith('tile') && !tiles) ||
    op === 'call';
  const generated = new Set([...seen.keys()].map((name) => name.split(' ')[0]));
  assert.deepEqual(
    OPERATIONS.filter((op) => !generated.has(op) && !absent(op)),
    [],
  );
}

/** Runs a kernel of one parameter, a zeroed memory, on the target and on the interpreter. */
export function checkAgainstInterpreter(target: KernelTarget, code: KernelCode, byteLength: number): void {
  const expected = new Uint8Array(byteLength);
  const found = new Uint8Array(byteLength);
  interpret(code, expected.buffer, [0]);
  target(code)(found, []);
  assert.deepEqual(found, expected);
  assert.ok(expected.some((byte) => byte !== 0));
}

/** Every operation with d its first operand, its second, both, and beside a constant, on numbers of both signs. */
export function aliasKernel(capabilities: Capabilities): KernelCode {
  const k = new KernelBuilder('aliases', capabilities);
  const to = k.param();
  const write = (value: ReturnType<KernelBuilder['int']>): void => {
    k.intStore(k.at(to), value, 'i32');
    k.advance(to, 4);
  };
  const kinds: IntBinaryKind[] = ['add', 'sub', 'mul', 'and', 'min', 'max', 'divide', 'remainder'];
  for (const kind of kinds) {
    const signs = kind === 'divide' || kind === 'remainder' ? [1] : [1, -1];
    for (const sign of signs) {
      const [a, b] = [k.intConst(sign * 1234), k.intConst(sign * 77)];
      write(k.intOp(kind, a, b, b));
      k.intConst(sign * 77, b);
      write(k.intOp(kind, b, a, b));
      write(k.intOp(kind, a, a, a));
      k.intConst(sign * 1234, a);
      write(k.intOp(kind, a, 55, a));
      if (sign === -1) write(k.intOp(kind, a, -55, a));
    }
  }
  for (const kind of ['shiftLeft', 'shiftRight'] as const) {
    const a = k.intConst(-12345);
    write(k.intOp(kind, a, 3, a));
    write(k.intOp(kind, a, 3));
  }
  return k.finish();
}

/** As many integers and vectors as the capabilities promise, all changed in a loop and written at its end. */
export function fullKernel(capabilities: Capabilities): KernelCode {
  const k = new KernelBuilder('full', capabilities);
  const to = k.param();
  const ints = Array.from({ length: capabilities.intRegisters - 2 }, (_, i) => k.intConst(i - 4));
  const vecs = Array.from({ length: capabilities.vecRegisters }, (_, i) => k.vecConst(i + 0.5));
  k.loop(3, () => {
    // The counter of the loop is the one register that is missing above.
    ints.forEach((register, i) => {
      k.intOp('sub', ints[(i + 1) % ints.length]!, register, register);
    });
    vecs.forEach((register, i) => {
      k.add(register, vecs[(i + 1) % vecs.length]!, register);
    });
  });
  ints.forEach((register, i) => {
    k.intStore(k.at(to, 4 * i), register, 'i32');
  });
  vecs.forEach((register, i) => {
    k.store(k.at(to, 128 + 4 * k.lanes * i), register);
  });
  return k.finish();
}

/** Kernels in executable memory beside 4096 zeros. */
export type PlaceKernels = (codes: readonly KernelCode[]) => {
  readonly addresses: readonly number[];
  readonly memory: { readonly address: number; readonly bytes: Uint8Array };
  run(index: number, args: readonly number[]): void;
};

/** callee(to, a … e) writes its arguments; the caller passes them in another order than it holds them. */
export function checkCalls(place: PlaceKernels, capabilities: Capabilities): void {
  const callee = new KernelBuilder('callee', capabilities);
  const parameters = Array.from({ length: 6 }, () => callee.param());
  // More registers than the arguments need, so that the callee has to save some.
  const sums = parameters.slice(1).map((parameter) => callee.intOp('add', parameter, 1));
  sums.forEach((sum, i) => {
    callee.intStore(callee.at(parameters[0]!, 4 * i), sum, 'i32');
  });
  const caller = new KernelBuilder('caller', capabilities);
  const [to, target] = [caller.param(), caller.param()];
  const live = Array.from({ length: 11 }, (_, i) => caller.intConst(100 + i));
  const order = [4, 3, 10, 0, 4];
  caller.call(target, [to, ...order.map((i) => live[i]!)]);
  live.forEach((register, i) => {
    caller.intStore(caller.at(to, 64 + 4 * i), register, 'i32');
  });
  const placed = place([callee.finish(), caller.finish()]);
  placed.run(1, [placed.memory.address, placed.addresses[0]!]);
  const words = new Int32Array(placed.memory.bytes.buffer, placed.memory.bytes.byteOffset, 1024);
  assert.deepEqual(
    [...words.subarray(0, 5)],
    order.map((i) => 101 + i),
  );
  assert.deepEqual(
    [...words.subarray(16, 27)],
    live.map((_, i) => 100 + i),
  );
}

/** Quiet and signalling, of both signs, with the payloads that rounding would carry out of. */
export function checkNarrowedNaNs(target: KernelTarget, capabilities: Capabilities): void {
  const k = new KernelBuilder('narrow NaN', capabilities);
  const memory = k.param();
  k.store(k.at(memory, 64), k.load(k.at(memory)), 'bf16');
  const bytes = new Uint8Array(128);
  const patterns = [
    0x7fffffff, 0xffffffff, 0x7f800001, 0xff800001, 0x7fc00000, 0xffc00000, 0x7fff8000, 0x7f80ffff,
  ];
  new Uint32Array(bytes.buffer, 0, 16).set([...patterns, ...patterns]);
  target(k.finish())(bytes, []);
  const narrowed = new Uint16Array(bytes.buffer, 64, k.lanes);
  for (const value of narrowed) assert.ok((value & 0x7fff) > 0x7f80, `found ${value.toString(16)}`);
}
