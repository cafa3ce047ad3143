import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Assembler } from '../../../src/jit/arm64/assembler.js';
import { type Arm64Features, arm64Capabilities, arm64Features } from '../../../src/jit/arm64/features.js';
import { lowerArm64 } from '../../../src/jit/arm64/lower.js';
import { d, mem, SP, x } from '../../../src/jit/arm64/operands.js';
import { KernelBuilder } from '../../../src/jit/builder.js';
import type { Capabilities, KernelCode } from '../../../src/jit/ir.js';
import { ARM64_CPUS, EmulatedArm64, emulatorMissing } from '../../support/emulatedArm64.js';
import { arm64KernelTarget } from '../support/arm64KernelTarget.js';
import { checkEdgeKernels } from '../support/checkEdgeKernels.js';
import { checkRandomKernels } from '../support/checkRandomKernels.js';
import {
  aliasKernel,
  assertAllOperations,
  checkAgainstInterpreter,
  checkCalls,
  checkNarrowedNaNs,
  fullKernel,
  type PlaceKernels,
} from '../support/loweringChecks.js';

for (const { name, model } of Object.values(ARM64_CPUS)) {
  const features = arm64Features(name)!;
  const capabilities = arm64Capabilities(features);
  const emulated = (check: (cpu: EmulatedArm64) => void) => () => check(new EmulatedArm64(model));
  const options = { skip: emulatorMissing };

  test(
    `every operation does on ${name} with special values what the interpreter does`,
    options,
    emulated((cpu) => {
      assert.ok(checkEdgeKernels(arm64KernelTarget(cpu, features), capabilities) > 500_000);
    }),
  );

  test(
    `400 random kernels do on ${name} what the interpreter does`,
    options,
    emulated((cpu) => {
      const target = arm64KernelTarget(cpu, features);
      assertAllOperations(checkRandomKernels(target, capabilities, { seed: 1, count: 400 }), capabilities);
    }),
  );

  test(
    `integer operations on ${name} may write an operand`,
    options,
    emulated((cpu) => {
      checkAgainstInterpreter(arm64KernelTarget(cpu, features), aliasKernel(capabilities), 4096);
    }),
  );

  test(
    `every register of ${name} can be alive at once`,
    options,
    emulated((cpu) => {
      checkAgainstInterpreter(arm64KernelTarget(cpu, features), fullKernel(capabilities), 4096);
    }),
  );

  test(
    `every integer register holds its value across a call on ${name}`,
    options,
    emulated((cpu) => {
      checkCalls(placeKernels(cpu, features), capabilities);
    }),
  );

  test(
    `a NaN stays a NaN when ${name} narrows it to bf16`,
    options,
    emulated((cpu) => {
      checkNarrowedNaNs(arm64KernelTarget(cpu, features), capabilities);
    }),
  );

  test(
    `large constants and distances are those of the interpreter on ${name}`,
    options,
    emulated((cpu) => {
      checkAgainstInterpreter(arm64KernelTarget(cpu, features), distanceKernel(capabilities), 2 ** 25);
    }),
  );

  test(
    `a kernel on ${name} keeps what its caller may rely on`,
    options,
    emulated((cpu) => {
      checkKept(cpu, lowerArm64(fullKernel(capabilities), features));
    }),
  );
}

function placeKernels(cpu: EmulatedArm64, features: Arm64Features): PlaceKernels {
  return (codes) => {
    const addresses = cpu.place(codes.map((code) => lowerArm64(code, features)));
    return {
      addresses,
      memory: { address: cpu.address, bytes: cpu.bytes },
      run: (index, args) => cpu.call(addresses[index]!, args),
    };
  };
}

/** Around what instructions hold: 12, 16, 24 and 32 bits, offsets of either sign, with and without an index. */
function distanceKernel(capabilities: Capabilities): KernelCode {
  const k = new KernelBuilder('distances', capabilities);
  const memory = k.param();
  const values = [0, 1, 255, 4095, 4096, 65535, 65536, 2 ** 24 - 1, 2 ** 24, 2 ** 31 - 1].flatMap((n) => [
    n,
    -n,
  ]);
  const to = k.intOp('add', memory, 0);
  for (const value of values) {
    k.intStore(k.at(to), k.intConst(value), 'pointer');
    k.intStore(k.at(to, 8), k.intOp('sub', k.intOp('add', k.intConst(7), value), 5), 'pointer');
    k.if('lt', k.intConst(value), value === 2 ** 31 - 1 ? value : value + 1, () =>
      k.intStore(k.at(to, 16), value, 'i32'),
    );
    k.advance(to, 24);
  }
  const index = k.intConst(64);
  for (const offset of [4096, 65528, 65536, 2 ** 20 + 3, 2 ** 24 + 4096]) {
    const base = k.intOp('add', memory, 2 ** 13);
    k.store(k.at(base, offset), k.vecBits(offset));
    k.store(k.at(base, offset, index), k.load(k.at(base, offset)));
    const beyond = k.intOp('add', base, offset + 4096);
    k.store(k.at(beyond, -offset - 100), k.vecBits(offset));
    k.atomicAdd(k.at(base, 4 * Math.floor(offset / 4) + 256, index), offset);
    k.intStore(k.at(base, 2 * Math.floor(offset / 2) + 512), offset, 'u16');
  }
  return k.finish();
}

/** Registers of the procedure call standard that a function keeps: x19 to x29, d8 to d15, the stack pointer. */
function checkKept(cpu: EmulatedArm64, kernel: Uint8Array): void {
  const [entry] = cpu.place([kernel]) as [number];
  const asm = new Assembler('caller');
  const ints = Array.from({ length: 11 }, (_, i) => x(19 + i));
  const floats = Array.from({ length: 8 }, (_, i) => d(8 + i));
  const frameBytes = 256;
  const eachKept = (mnemonic: 'ldr' | 'str', base: ReturnType<typeof x> | typeof SP): void => {
    [...ints, ...floats].forEach((register, i) => {
      asm.emit(mnemonic, register, mem(base, 16 + 8 * i));
    });
  };
  // caller(to, kernel, values): its own caller's registers, too, are kept.
  asm.emit('sub', SP, SP, frameBytes);
  asm.emit('stp', x(0), x(30), mem(SP, 0));
  eachKept('str', SP);
  eachKept('ldr', x(2));
  asm.emit('add', x(3), SP, 0);
  asm.emit('str', x(3), mem(x(2), 0));
  asm.emit('str', x(2), mem(SP, frameBytes - 8));
  asm.emit('blr', x(1));
  asm.emit('ldr', x(2), mem(SP, frameBytes - 8));
  asm.emit('add', x(3), SP, 0);
  asm.emit('str', x(3), mem(x(2), 8));
  eachKept('str', x(2));
  eachKept('ldr', SP);
  asm.emit('ldp', x(0), x(30), mem(SP, 0));
  asm.emit('add', SP, SP, frameBytes);
  asm.emit('ret');
  const caller = cpu.install(asm.finish());
  const values = new BigUint64Array(cpu.bytes.buffer, 8192, 21);
  values.forEach((_, i) => {
    values[i] = 0x0123_4567_89ab_0000n + BigInt(i);
  });
  const before = [...values];
  caller(cpu.address, entry, cpu.address + 8192);
  assert.deepEqual([...values.subarray(2)], before.slice(2));
  assert.equal(values[0], values[1], 'the stack pointer is where it was');
}
