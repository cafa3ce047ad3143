import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { KernelBuilder } from '../../../src/jit/builder.js';
import type { KernelCode } from '../../../src/jit/ir.js';
import {
  compileKernels,
  createKernelTable,
  instantiateKernels,
  writeKernelModule,
} from '../../../src/jit/wasm/compile.js';
import {
  createWasmMemory,
  type WasmTarget,
  wasmCapabilities,
  wasmFeatures,
  webAssembly,
} from '../../../src/jit/wasm/webAssembly.js';
import { enableWasmFeatures } from '../support/enableWasmFeatures.js';

enableWasmFeatures();
const capabilities = wasmCapabilities();
const plain: WasmTarget = { relaxedSimd: false, memory64: false, sharedMemory: false };

/** [kernels at once]: the first calls the kernel its third argument points to with (memory, 7). */
function callerAndCallees(): KernelCode[] {
  const caller = new KernelBuilder('caller', capabilities);
  const [memory, , target] = [caller.param(), caller.param(), caller.param()];
  caller.call(target, [memory, caller.intConst(7)]);
  const callees = [1, 100].map((factor) => {
    const k = new KernelBuilder('callee', capabilities);
    const [at, value] = [k.param(), k.param()];
    k.intStore(k.at(at), k.intOp('mul', value, factor), 'i32');
    return k.finish();
  });
  return [caller.finish(), ...callees];
}

for (const memory64 of [false, true]) {
  test(`kernels call one another by pointer, across modules too${memory64 ? ', with 64-bit addresses' : ''}`, () => {
    const target = { ...plain, memory64 };
    const [caller, one, hundred] = callerAndCallees();
    const memory = createWasmMemory(100, target);
    const table = createKernelTable();
    const first = instantiateKernels(compileKernels([caller!, one!], target), target, {
      memory,
      table,
      firstPointer: 1,
    });
    const second = instantiateKernels(compileKernels([hundred!], target), target, {
      memory,
      table,
      firstPointer: 3,
    });
    assert.deepEqual(
      [...first, ...second].map(({ pointer }) => pointer),
      [1, 2, 3],
    );
    const result = new Int32Array(memory.buffer, 16, 1);
    for (const [pointer, expected] of [
      [2, 7],
      [3, 700],
    ] as const) {
      first[0]!.run(16, 0, pointer);
      assert.equal(result[0], expected);
    }
  });
}

test('multiply-add rounds twice, or once with relaxed SIMD on a CPU that can', () => {
  assert.ok(wasmFeatures().relaxedSimd);
  for (const relaxedSimd of [false, true]) {
    const k = new KernelBuilder('fma', capabilities);
    const p = k.param();
    const d = k.vecConst(-(1 + 2 ** -11));
    const a = k.vecConst(1 + 2 ** -12);
    k.fma(d, a, a); // a² is 1 + 2^−11 + 2^−24, whose last bit is lost when the product is rounded
    k.store(k.at(p), d);
    const target = { ...plain, relaxedSimd };
    const memory = createWasmMemory(16, target);
    const environment = { memory, table: createKernelTable(), firstPointer: 1 };
    instantiateKernels(compileKernels([k.finish()], target), target, environment)[0]!.run(0);
    const found = new Float32Array(memory.buffer, 0, 1)[0]!;
    assert.ok(found === 0 || (relaxedSimd && found === 2 ** -24), `found ${found}`);
  }
});

test('a kernel for another width or with a dot product is refused by name', () => {
  const wide = new KernelBuilder('wide one', { ...capabilities, lanes: 16 });
  assert.throws(() => writeKernelModule([wide.finish()], plain), /kernel wide one, .*4 lanes, found 16/);
  const dots = new KernelBuilder('dots', capabilities);
  dots.dotBytes(dots.vecConst(0), dots.vecConst(0), dots.vecConst(0));
  assert.throws(
    () => writeKernelModule([dots.finish()], plain),
    /kernel dots, .*dotBytes needs a capability/,
  );
  const element = new KernelBuilder('element', capabilities);
  element.mul(element.vecConst(0), element.element(element.at(element.param())));
  assert.throws(() => writeKernelModule([element.finish()], plain), /kernel element, .*needs a capability/);
  const shift = new KernelBuilder('shift', capabilities);
  shift.intOp('shiftLeft', shift.param(), 32);
  assert.throws(
    () => writeKernelModule([shift.finish()], plain),
    /kernel shift, .*shift of 0 to 31, found 32/,
  );
});

test('without threads, waiting for a change that cannot come is an error', () => {
  const k = new KernelBuilder('wait', capabilities);
  const [p, expected] = [k.param(), k.param()];
  k.waitWhile(k.at(p, 4), expected);
  const memory = createWasmMemory(16, plain);
  const environment = { memory, table: createKernelTable(), firstPointer: 1 };
  const [kernel] = instantiateKernels(compileKernels([k.finish()], plain), plain, environment);
  kernel!.run(0, 1);
  assert.throws(() => kernel!.run(0, 0), /would sleep for ever/);
});

/** The worker instantiates the module, says so, and runs the first kernel, which sleeps until memory[0] is not 0. */
const workerScript = (compileUrl: string): string => `
  const { workerData: { module, memory, target }, parentPort } = require('node:worker_threads');
  import(${JSON.stringify(compileUrl)}).then(({ createKernelTable, instantiateKernels }) => {
    const environment = { memory, table: createKernelTable(), firstPointer: 1 };
    const [sleep] = instantiateKernels(module, target, environment);
    parentPort.postMessage('ready');
    sleep.run(0);
    parentPort.postMessage('woken');
  });`;

for (const memory64 of [false, true]) {
  test(`a worker sleeps until it is woken${memory64 ? ', with 64-bit addresses' : ''}`, {
    timeout: 60_000,
  }, async () => {
    const target = { ...plain, sharedMemory: true, memory64 };
    const sleep = new KernelBuilder('sleep', capabilities);
    const memoryStart = sleep.param();
    const at = sleep.at(memoryStart, 64);
    const value = sleep.atomicLoad(at);
    sleep.atomicAdd(sleep.at(memoryStart, 72), 1);
    sleep.while('eq', value, 0, () => {
      sleep.waitWhile(at, value);
      sleep.atomicLoad(at, value);
    });
    sleep.atomicStore(sleep.at(memoryStart, 68), value);
    const wake = new KernelBuilder('wake', capabilities);
    const wakeAt = wake.at(wake.param(), 64);
    wake.atomicStore(wakeAt, 42);
    wake.wakeAll(wakeAt);
    const module = compileKernels([sleep.finish(), wake.finish()], target);
    const memory = createWasmMemory(65536, target);
    const words = new Int32Array(memory.buffer);

    const compileUrl = new URL('../../../src/jit/wasm/compile.js', import.meta.url).href;
    const worker = new Worker(workerScript(compileUrl), {
      eval: true,
      workerData: { module, memory, target },
    });
    const messages: string[] = [];
    const ended = new Promise((resolve, reject) => {
      worker.on('message', (message) => messages.push(message));
      worker.on('error', reject);
      worker.on('exit', resolve);
    });
    while (Atomics.load(words, 18) === 0) await new Promise((resolve) => setTimeout(resolve, 5)); // it runs
    await new Promise((resolve) => setTimeout(resolve, 50)); // and has had time to fall asleep
    assert.equal(Atomics.load(words, 17), 0);
    const environment = { memory, table: createKernelTable(), firstPointer: 1 };
    instantiateKernels(module, target, environment)[1]!.run(0);
    await ended;
    assert.deepEqual(messages, ['ready', 'woken']);
    assert.equal(words[17], 42);
  });
}

test('a module validates whatever it may use', () => {
  const codes = callerAndCallees();
  for (const relaxedSimd of [false, true])
    for (const memory64 of [false, true])
      for (const sharedMemory of [false, true]) {
        const bytes = writeKernelModule(codes, { relaxedSimd, memory64, sharedMemory });
        assert.ok(webAssembly().validate(bytes));
      }
});
