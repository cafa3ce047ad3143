import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Allocation, allocateRegisters } from '../../src/jit/allocate.js';
import { KernelBuilder } from '../../src/jit/builder.js';
import type { Instruction, KernelCode } from '../../src/jit/ir.js';
import { registersUsed } from '../../src/jit/registerUse.js';
import { X64_PRESETS, x64Capabilities } from '../../src/jit/x64/features.js';
import { vectorTemporaries } from '../../src/jit/x64/lowerVector.js';
import { Random } from '../support/random.js';
import { randomKernel } from './support/randomKernel.js';

const capabilities = x64Capabilities('avx512bf16');
const pool = (length: number): number[] => Array.from({ length }, (_, i) => i);

function allocate(code: KernelCode, int: number, vec: number): Allocation {
  return allocateRegisters(code, { int: pool(int), vec: pool(vec) }, (instruction) =>
    vectorTemporaries(instruction, X64_PRESETS.avx512bf16),
  );
}

test('values that are never alive together share a register', () => {
  const k = new KernelBuilder('chain', capabilities);
  const to = k.param();
  for (let i = 0; i < 20; i++) k.store(k.at(to), k.vecConst(i));
  const { vec } = allocate(k.finish(), 1, 1);
  assert.deepEqual(new Set(vec), new Set([0]));
});

test('a kernel that needs too many registers is an error that names it and the kind of register', () => {
  const sum = (count: number): KernelCode => {
    const k = new KernelBuilder('hungry', capabilities);
    const to = k.param();
    const values = pool(count).map((i) => k.vecConst(i));
    for (const value of values) k.store(k.at(to), value);
    return k.finish();
  };
  assert.doesNotThrow(() => allocate(sum(5), 1, 5));
  assert.throws(() => allocate(sum(6), 1, 5), {
    code: 'internal',
    message: 'kernel hungry: needs more than 5 vec registers at once',
  });
  const k = new KernelBuilder('counting', capabilities);
  const n = k.param();
  k.loop(n, () => k.loop(n, () => k.pause()));
  assert.doesNotThrow(() => allocate(k.finish(), 3, 0)); // n and two hidden counters
  assert.throws(() => allocate(k.finish(), 2, 0), {
    code: 'internal',
    message: 'kernel counting: needs more than 2 int registers at once',
  });
});

test('reading a register before anything wrote it is an error', () => {
  const k = new KernelBuilder('early', capabilities);
  const to = k.param();
  const code = k.finish();
  const store: Instruction = { op: 'vecStore', to: k.at(to), a: k.vec(), type: 'raw' };
  const early = { ...code, body: [store], vecCount: 1 }; // which the builder would not have finished
  assert.throws(() => allocate(early, 4, 4), {
    code: 'internal',
    message: 'kernel early: vec0 is read before it is written',
  });
});

test('a value from before a loop survives what its later iterations write', () => {
  const k = new KernelBuilder('carried', capabilities);
  const to = k.param();
  const before = k.vecConst(1);
  k.loop(2, () => {
    k.store(k.at(to), before); // its last use in the text, but not in time
    k.store(k.at(to), k.vecConst(2));
    k.loop(2, () => k.store(k.at(to), k.vecConst(3)));
  });
  const code = k.finish();
  const { vec } = allocate(code, 4, 4);
  assert.ok(vec.slice(1).every((physical) => physical !== vec[0]));
  assert.throws(() => allocate(code, 4, 1), { code: 'internal' });
});

test('the condition of a while is alive until its last test', () => {
  const k = new KernelBuilder('tested', capabilities);
  const to = k.param();
  const [i, limit] = [k.intConst(0), k.intConst(8)];
  k.while('lt', i, limit, () => {
    k.advance(i, 1);
    k.intStore(k.at(to), k.intConst(5), 'i32');
  });
  const { int } = allocate(k.finish(), 4, 0);
  assert.equal(new Set(int).size, 4);
});

test('scratch registers of an instruction are none that live across it', () => {
  const k = new KernelBuilder('reducing', capabilities);
  const to = k.param();
  const [a, b, c, d] = [k.vecConst(1), k.vecConst(2), k.vecConst(3), k.vecConst(4)];
  const sum = k.reduce4([a, b, c, d]);
  for (const value of [sum, a, b, c, d]) k.store(k.at(to), value);
  const code = k.finish();
  const { vec, temporaries } = allocate(code, 1, 8);
  const scratch = [...temporaries.values()].flat();
  assert.equal(scratch.length, 3);
  assert.equal(new Set([...scratch, ...vec]).size, 8);
});

/*
 * The allocation of random kernels, executed: every physical register remembers which virtual one was written to it
 * last, and a read must find its own.
 */
class AllocationCheck {
  readonly holder = { int: new Map<number, unknown>(), vec: new Map<number, unknown>() };
  private readonly allocation: Allocation;
  private branch = 0;
  reads = 0;

  constructor(allocation: Allocation) {
    this.allocation = allocation;
  }

  run(body: readonly Instruction[]): void {
    for (const instruction of body) this.step(instruction);
  }

  write(kind: 'int' | 'vec', physical: number | undefined, holder: unknown): void {
    assert.ok(physical !== undefined && physical >= 0);
    this.holder[kind].set(physical, holder);
  }

  private step(i: Instruction): void {
    const { reads, writes } = registersUsed(i);
    for (const register of reads) this.read(register.kind, register.id);
    for (const physical of this.allocation.temporaries.get(i) ?? []) this.write('vec', physical, i);
    for (const register of reads) if (!writes.includes(register)) this.read(register.kind, register.id);
    for (const { kind, id } of writes) this.write(kind, this.allocation[kind][id], id);
    if (i.op === 'if') this.run(this.branch++ % 2 === 0 ? i.whenTrue : i.whenFalse);
    else if (i.op === 'loop') this.loop(i);
    else if (i.op === 'while') for (let n = 0; n < 3; n++) this.iterate(i);
  }

  private loop(i: Extract<Instruction, { op: 'loop' }>): void {
    const counter = this.allocation.loopCounters.get(i);
    this.write('int', counter, i);
    for (let n = 0; n < 3; n++) {
      this.run(i.body);
      assert.equal(this.holder.int.get(counter!), i, 'the counter of a loop was overwritten');
    }
  }

  private iterate(i: Extract<Instruction, { op: 'while' }>): void {
    this.run(i.body);
    for (const { kind, id } of registersUsed(i).reads) this.read(kind, id);
  }

  private read(kind: 'int' | 'vec', id: number): void {
    this.reads++;
    const physical = this.allocation[kind][id]!;
    assert.equal(this.holder[kind].get(physical), id, `${kind}${id} was overwritten in register ${physical}`);
  }
}

test('in 500 random kernels every read finds what was written, with no register to spare', () => {
  let reads = 0;
  for (let seed = 1; seed <= 500; seed++) {
    const code = randomKernel(new Random(seed), capabilities, `random ${seed}`);
    const allocation = leastAllocation(code);
    const check = new AllocationCheck(allocation);
    for (const { id } of code.params) check.write('int', allocation.int[id], id);
    check.run(code.body);
    reads += check.reads;
  }
  assert.ok(reads > 50_000, `${reads} reads`);
});

/** With the fewest registers that suffice, so that each is used as often as can be. */
function leastAllocation(code: KernelCode): Allocation {
  const suffices = (int: number, vec: number): boolean => {
    try {
      allocate(code, int, vec);
      return true;
    } catch {
      return false;
    }
  };
  const int = pool(33).find((count) => suffices(count, 99))!;
  const vec = pool(33).find((count) => suffices(int, count))!;
  return allocate(code, int, vec);
}
