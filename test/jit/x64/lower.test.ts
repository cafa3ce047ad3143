import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KernelBuilder } from '../../../src/jit/builder.js';
import { interpret } from '../../../src/jit/interpreter.js';
import type { Instruction, IntBinaryKind, KernelCode } from '../../../src/jit/ir.js';
import {
  contains,
  isaFeatures,
  X64_LEVELS,
  type X64Level,
  x64Capabilities,
} from '../../../src/jit/x64/features.js';
import { lowerX64 } from '../../../src/jit/x64/lower.js';
import { CodePages } from '../../../src/runtime/codePages.js';
import { detectCpuFeatures, detectX64Levels } from '../../../src/runtime/cpuFeatures.js';
import { loadNative, type Native } from '../../../src/runtime/native.js';
import { checkEdgeKernels } from '../support/checkEdgeKernels.js';
import { checkRandomKernels } from '../support/checkRandomKernels.js';
import { x64KernelTarget } from '../support/x64KernelTarget.js';

const native = await loadNative();
const levels = typeof native === 'string' ? [] : detectX64Levels(native);

/** Every operation of the language; the compiler sees to it that none is left out. */
const operations = Object.keys({
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
  dotWords: true,
  dotPairs: true,
  dotBytes: true,
  prefetch: true,
  atomicAdd: true,
  atomicLoad: true,
  atomicStore: true,
  pause: true,
  clock: true,
  waitWhile: true,
  wakeAll: true,
} satisfies Record<Instruction['op'], true>);

for (const level of X64_LEVELS) {
  const capabilities = x64Capabilities(level);
  const missing = typeof native === 'string' ? native : !levels.includes(level) && `this CPU has no ${level}`;

  test(`every operation does on ${level} with special values what the interpreter does`, {
    skip: missing,
  }, () => {
    if (typeof native === 'string') return;
    assert.ok(checkEdgeKernels(x64KernelTarget(native, level), capabilities) > 500_000);
  });

  test(`400 random kernels do on ${level} what the interpreter does`, { skip: missing }, () => {
    if (typeof native === 'string') return;
    const seen = checkRandomKernels(x64KernelTarget(native, level), capabilities, { seed: 1, count: 400 });
    const { pairDot, byteDot } = capabilities;
    // Random kernels do not call; see below.
    const absent = (op: string): boolean =>
      (op === 'dotPairs' && !pairDot) || (op === 'dotBytes' && !byteDot) || op === 'call';
    const generated = new Set([...seen.keys()].map((name) => name.split(' ')[0]));
    assert.deepEqual(
      operations.filter((op) => !generated.has(op) && !absent(op)),
      [],
    );
  });
  test(`integer operations on ${level} may write an operand`, { skip: missing }, () => {
    if (typeof native === 'string') return;
    checkAgainstInterpreter(native, level, aliasKernel(level), 4096);
  });

  test(`every integer register holds its value across a call on ${level}`, { skip: missing }, () => {
    if (typeof native === 'string') return;
    checkCalls(native, level);
  });

  test(`every register of ${level} can be alive at once`, { skip: missing }, () => {
    if (typeof native === 'string') return;
    checkAgainstInterpreter(native, level, fullKernel(level), 4096);
  });

  test(`a NaN stays a NaN when ${level} narrows it to bf16`, { skip: missing }, () => {
    if (typeof native === 'string') return;
    checkNarrowedNaNs(native, level);
  });
}

for (const isa of ['avx2+avxvnni', 'avx512f+vnni']) {
  const features = isaFeatures(isa)!;
  const found = typeof native === 'string' ? null : detectCpuFeatures(native);
  const missing = found === null ? String(native) : !contains(found, features) && `this CPU has no ${isa}`;

  test(`dot products of bytes do on ${isa} what the interpreter does`, { skip: missing }, () => {
    if (typeof native === 'string') return;
    const capabilities = x64Capabilities(features);
    const seen = checkRandomKernels(x64KernelTarget(native, features), capabilities, { seed: 2, count: 100 });
    assert.ok(seen.has('dotBytes') && !seen.has('dotPairs'));
  });
}

/** Runs a kernel of one parameter, a zeroed memory, on the level and on the interpreter. */
function checkAgainstInterpreter(
  native: Native,
  level: X64Level,
  code: KernelCode,
  byteLength: number,
): void {
  const expected = new Uint8Array(byteLength);
  const found = new Uint8Array(byteLength);
  interpret(code, expected.buffer, [0]);
  x64KernelTarget(native, level)(code)(found, []);
  assert.deepEqual(found, expected);
  assert.ok(expected.some((byte) => byte !== 0));
}

/** Every operation with d its first operand, its second, both, and beside a constant, on numbers of both signs. */
function aliasKernel(level: X64Level): KernelCode {
  const k = new KernelBuilder('aliases', x64Capabilities(level));
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

/** As many integers and vectors as the level promises, all changed in a loop and written at its end. */
function fullKernel(level: X64Level): KernelCode {
  const capabilities = x64Capabilities(level);
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
    k.store(k.at(to, 64 + 4 * k.lanes * i), register);
  });
  return k.finish();
}

/** callee(to, a … e) writes its arguments; the caller passes them in another order than it holds them. */
function checkCalls(native: Native, level: X64Level): void {
  const capabilities = x64Capabilities(level);
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
  const pages = new CodePages(native);
  const codes = [callee.finish(), caller.finish()].map((code) => lowerX64(code, level));
  const [calleeEntry, callerEntry] = pages.install(codes) as [number, number];
  const address = native.reserve(4096);
  native.functionAt(callerEntry, 2).call(address, calleeEntry);
  const words = new Int32Array(native.view(address, 4096));
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
function checkNarrowedNaNs(native: Native, level: X64Level): void {
  const k = new KernelBuilder('narrow NaN', x64Capabilities(level));
  const memory = k.param();
  k.store(k.at(memory, 64), k.load(k.at(memory)), 'bf16');
  const bytes = new Uint8Array(128);
  const patterns = [
    0x7fffffff, 0xffffffff, 0x7f800001, 0xff800001, 0x7fc00000, 0xffc00000, 0x7fff8000, 0x7f80ffff,
  ];
  new Uint32Array(bytes.buffer, 0, 16).set([...patterns, ...patterns]);
  x64KernelTarget(native, level)(k.finish())(bytes, []);
  const narrowed = new Uint16Array(bytes.buffer, 64, k.lanes);
  for (const value of narrowed) assert.ok((value & 0x7fff) > 0x7f80, `found ${value.toString(16)}`);
}
