import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Assembler as Arm64Assembler } from '../../src/jit/arm64/assembler.js';
import { arm64Capabilities, arm64Features } from '../../src/jit/arm64/features.js';
import { lowerArm64 } from '../../src/jit/arm64/lower.js';
import { mem as arm64Mem, SP, w, x } from '../../src/jit/arm64/operands.js';
import { KernelBuilder } from '../../src/jit/builder.js';
import type { Capabilities, KernelCode } from '../../src/jit/ir.js';
import type { SystemWaits } from '../../src/jit/systemWaits.js';
import { Assembler } from '../../src/jit/x64/assembler.js';
import { x64Capabilities } from '../../src/jit/x64/features.js';
import { lowerX64 } from '../../src/jit/x64/lower.js';
import { gpr, gpr32, mem } from '../../src/jit/x64/operands.js';
import { CodePages } from '../../src/runtime/codePages.js';
import { detectX64Levels } from '../../src/runtime/cpuFeatures.js';
import { loadNative } from '../../src/runtime/system/loadNative.js';
import { ARM64_CPUS, EmulatedArm64, emulatorMissing } from '../support/emulatedArm64.js';

/*
 * Kernels that sleep by functions of macOS call functions here that write down what they were given, as those would be
 * called, and destroy all that a function may destroy.
 */

type MacWaits = Extract<SystemWaits, { kind: 'osSync' | 'ulock' }>;

/** Offsets in the memory of a test: the word, what live registers held, and calls of wait and wakeAll. */
const AT = { word: 128, live: 512, wait: 1024, wakeAll: 2048 } as const;
const CALL_BYTES = 64;
/** The expected value, a negative one: only its 32 bits are compared. */
const EXPECTED = -5;

/** os/os_sync_wait_on_address.h of macOS 14.4 and bsd/sys/ulock.h of XNU: arguments of wait and of wakeAll. */
const CALLS = {
  osSync: { wait: ['word', 0xffff_fffb, 4, 0], wakeAll: ['word', 4, 0] },
  ulock: { wait: [1, 'word', 0xffff_fffb, 0], wakeAll: [0x101, 'word', 0] },
} as const;

interface Target {
  readonly name: string;
  readonly skip: string | false;
  readonly capabilities: Capabilities;
  /** A place for the test's memory and for code, and how both are used. */
  open(): {
    readonly address: number;
    readonly bytes: Uint8Array<ArrayBuffer>;
    place(codes: readonly Uint8Array[]): number[];
    run(entry: number, argument: number): void;
  };
  /** A function that writes down its arguments and its stack pointer, and changes the word when it is called again. */
  recorder(log: number, word: number): Uint8Array;
  lower(code: KernelCode, waits: SystemWaits): Uint8Array;
}

const native = await loadNative();
const hasX64 = typeof native !== 'string' && process.arch === 'x64';
const level = hasX64 ? detectX64Levels(native)[0] : undefined;

const TARGETS: readonly Target[] = [
  {
    name: 'x64',
    skip: typeof native === 'string' ? native : level === undefined && 'this is no x86-64 with AVX2',
    capabilities: x64Capabilities('avx2'),
    open: () => {
      if (typeof native === 'string') throw new Error(native);
      const address = native.reserve(4096);
      return {
        address,
        bytes: new Uint8Array(native.view(address, 4096)),
        place: (codes) => new CodePages(native).install(codes),
        run: (entry, argument) => native.functionAt(entry, 1).call(argument),
      };
    },
    recorder: x64Recorder,
    lower: (code, waits) => lowerX64(code, 'avx2', waits),
  },
  {
    name: 'arm64',
    skip: emulatorMissing,
    capabilities: arm64Capabilities(arm64Features('neon')!),
    open: () => {
      const cpu = new EmulatedArm64(ARM64_CPUS.neon.model);
      return {
        address: cpu.address,
        bytes: cpu.bytes,
        place: (codes) => cpu.place(codes),
        run: (entry, argument) => cpu.call(entry, [argument]),
      };
    },
    recorder: arm64Recorder,
    lower: (code, waits) => lowerArm64(code, arm64Features('neon')!, waits),
  },
];

for (const { name, skip, capabilities, open, recorder, lower } of TARGETS) {
  for (const kind of ['osSync', 'ulock'] as const) {
    test(`${name} sleeps and wakes by ${kind} with its arguments, and every register is kept`, {
      skip,
    }, () => {
      const { address, bytes, place, run } = open();
      const word = address + AT.word;
      const [wait, wakeAll] = place([
        recorder(address + AT.wait, word),
        recorder(address + AT.wakeAll, word),
      ]) as [number, number];
      const waits: MacWaits = { kind, wait, wakeAll };
      const { code, live } = sleepingKernel(capabilities);
      const [kernel] = place([lower(code, waits)]) as [number];
      const words = new BigInt64Array(bytes.buffer, bytes.byteOffset, 512);
      new Int32Array(words.buffer, words.byteOffset)[AT.word / 4] = EXPECTED;
      run(kernel, address);
      const calls = (at: number): bigint[][] =>
        Array.from({ length: Number(words[at / 8]) }, (_, i) => {
          const first = (at + CALL_BYTES * (i + 1)) / 8;
          return [...words.subarray(first, first + 5)];
        });
      const expected = (which: 'wait' | 'wakeAll'): bigint[] =>
        CALLS[kind][which].map((value) => BigInt(value === 'word' ? word : value));
      // The first wake-up is spurious.
      assert.deepEqual(
        calls(AT.wait).map((call) => call.slice(0, 4)),
        [expected('wait'), expected('wait')],
      );
      assert.deepEqual(
        calls(AT.wakeAll).map((call) => call.slice(0, 3)),
        [expected('wakeAll')],
      );
      // The stack of a function that is called: a multiple of 16, on x86-64 below the return address.
      for (const call of [...calls(AT.wait), ...calls(AT.wakeAll)])
        assert.equal(call[4]! % 16n, name === 'x64' ? 8n : 0n);
      assert.deepEqual([...words.subarray(AT.live / 8, AT.live / 8 + live.length)], live.map(BigInt));
    });
  }
}

/** kernel(memory): waits and wakes with a value in every register that there is; they are stored afterwards. */
function sleepingKernel(capabilities: Capabilities): { code: KernelCode; live: number[] } {
  const k = new KernelBuilder('sleeping', capabilities);
  const memory = k.param();
  const index = k.intConst(AT.word - 28);
  const expected = k.intConst(EXPECTED);
  const live = Array.from({ length: capabilities.intRegisters - 3 }, (_, i) => 1000 + i);
  const registers = live.map((value) => k.intConst(value));
  k.waitWhile(k.at(memory, 28, index), expected);
  k.wakeAll(k.at(memory, AT.word));
  registers.forEach((register, i) => {
    k.intStore(k.at(memory, AT.live + 8 * i), register, 'pointer');
  });
  return { code: k.finish(), live };
}

/** System V: arguments in rdi, rsi, rdx and rcx; a function may destroy these, rax and r8 to r11. */
function x64Recorder(log: number, word: number): Uint8Array {
  const asm = new Assembler({ name: 'recorder' });
  const [r10, r11] = [gpr(10), gpr(11)];
  asm.emit('movabs', r10, BigInt(log));
  asm.emit('mov', r11, mem(r10));
  asm.emit('add', r11, 1);
  asm.emit('mov', mem(r10), r11);
  asm.emit('shl', r11, Math.log2(CALL_BYTES));
  asm.emit('add', r10, r11);
  for (const [i, register] of [gpr(7), gpr(6), gpr(2), gpr(1), gpr(4)].entries()) {
    asm.emit('mov', mem(r10, { disp: 8 * i }), register);
  }
  const first = asm.label();
  asm.emit('cmp', r11, CALL_BYTES);
  asm.emit('je', first);
  asm.emit('movabs', r10, BigInt(word));
  asm.emit('mov', mem(r10, { bits: 32 }), 1);
  asm.bind(first);
  for (const i of [0, 1, 2, 6, 7, 8, 9, 10, 11]) asm.emit('mov', gpr32(i), 77);
  asm.emit('ret');
  return asm.finish();
}

/** AAPCS64: arguments in x0 to x3; a function may destroy x0 to x17. */
function arm64Recorder(log: number, word: number): Uint8Array {
  const asm = new Arm64Assembler('recorder');
  const [place, count, one] = [x(9), x(10), x(11)];
  const constant = (register: ReturnType<typeof x>, value: number): void => {
    asm.emit('movz', register, value & 0xffff, 0);
    for (const shift of [16, 32]) {
      asm.emit('movk', register, Math.floor(value / 2 ** shift) & 0xffff, shift);
    }
  };
  constant(place, log);
  asm.emit('ldr', count, arm64Mem(place));
  asm.emit('add', count, count, 1);
  asm.emit('str', count, arm64Mem(place));
  constant(one, Math.log2(CALL_BYTES));
  asm.emit('lslv', one, count, one);
  asm.emit('add', place, place, one);
  for (let i = 0; i < 4; i++) asm.emit('str', x(i), arm64Mem(place, 8 * i));
  asm.emit('add', one, SP, 0);
  asm.emit('str', one, arm64Mem(place, 32));
  const first = asm.label();
  asm.emit('sub', count, count, 1);
  asm.emit('cbz', count, first);
  constant(place, word);
  asm.emit('str', w(10), arm64Mem(place));
  asm.bind(first);
  for (let i = 0; i < 18; i++) constant(x(i), 77);
  asm.emit('ret');
  return asm.finish();
}
