import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import type { Instruction } from '../../../src/jit/ir.js';
import { wasmCapabilities, wasmFeatures } from '../../../src/jit/wasm/features.js';
import { checkRandomKernels } from '../support/checkRandomKernels.js';
import { wasmKernelTarget } from '../support/wasmKernelTarget.js';

enableOnNode20();
const features = wasmFeatures();
const plain = { relaxedSimd: false, memory64: false, sharedMemory: false };

/** Every operation, and whether a random kernel for WebAssembly has to contain it. */
const operations: Readonly<Record<Instruction['op'], boolean>> = {
  intConst: true,
  intMove: true,
  intBinary: true,
  intLoad: true,
  intStore: true,
  loop: true,
  while: true,
  if: true,
  call: false, // tested in compile.test.ts
  vecConst: true,
  vecMove: true,
  vecLoad: true,
  vecStore: true,
  vecStoreLow: true,
  vecBroadcast: true,
  vecBroadcastInt: true,
  vecBinary: true,
  vecFma: true,
  vecUnary: true,
  vecShift: true,
  vecSelect: true,
  vecReduce: true,
  vecReduce4: true,
  dotPairs: false,
  dotBytes: false,
  prefetch: true,
  atomicAdd: true,
  atomicLoad: true,
  atomicStore: true,
  pause: true,
  yieldCpu: true,
  waitWhile: true,
  wakeAll: true,
};

test('600 random kernels do in WebAssembly what the interpreter does', () => {
  const seen = checkRandomKernels(wasmKernelTarget(plain), wasmCapabilities(), { seed: 1, count: 600 });
  const missing = Object.entries(operations).filter(
    ([op, isNeeded]) => isNeeded && ![...seen.keys()].some((name) => name.split(' ')[0] === op),
  );
  assert.deepEqual(missing, []);
});

for (const [name, target, isAvailable] of [
  ['relaxed SIMD', { ...plain, relaxedSimd: true }, features.relaxedSimd],
  ['a shared memory', { ...plain, sharedMemory: true }, features.threads],
  ['64-bit addresses', { ...plain, memory64: true }, features.memory64],
  [
    'all of these',
    { relaxedSimd: true, memory64: true, sharedMemory: true },
    features.relaxedSimd && features.threads && features.memory64,
  ],
] as const) {
  test(`random kernels with ${name}`, { skip: isAvailable ? false : 'not in this version of Node' }, () => {
    checkRandomKernels(wasmKernelTarget(target), wasmCapabilities(), { seed: 10_000, count: 150 });
  });
}

/** V8 11.3 has both features complete but behind flags; later versions need and know no flag. */
function enableOnNode20(): void {
  const { relaxedSimd, memory64 } = wasmFeatures();
  if (!relaxedSimd) setFlagsFromString('--experimental-wasm-relaxed-simd');
  if (!memory64) setFlagsFromString('--experimental-wasm-memory64');
}
