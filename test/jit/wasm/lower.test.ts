import assert from 'node:assert/strict';
import { test } from 'node:test';

import { wasmCapabilities, wasmFeatures } from '../../../src/jit/wasm/webAssembly.js';
import { checkEdgeKernels } from '../support/checkEdgeKernels.js';
import { checkRandomKernels } from '../support/checkRandomKernels.js';
import { enableWasmFeatures, withOptimisingCompiler } from '../support/enableWasmFeatures.js';
import { OPERATIONS } from '../support/loweringChecks.js';
import { wasmKernelTarget } from '../support/wasmKernelTarget.js';

enableWasmFeatures();
const features = wasmFeatures();
const plain = { relaxedSimd: false, memory64: false, sharedMemory: false };

/** What random kernels for WebAssembly need not contain, of all operations. */
const elsewhere = new Set([
  'call', // tested in compile.test.ts
  'dotPairs',
  'dotBytes',
  'dotSmallBytes', // see below
  'elementProduct',
  'matrixPairs',
  ...OPERATIONS.filter((op) => op.startsWith('tile')),
]);

test('every operation does with special values what the interpreter does', () => {
  for (const relaxedSimd of [false, features.relaxedSimd]) {
    const compared = checkEdgeKernels(wasmKernelTarget({ ...plain, relaxedSimd }), wasmCapabilities());
    assert.ok(compared > 500_000);
  }
});

test('600 random kernels do in WebAssembly what the interpreter does', () => {
  const seen = checkRandomKernels(wasmKernelTarget(plain), wasmCapabilities(), { seed: 1, count: 600 });
  const missing = OPERATIONS.filter(
    (op) => !elsewhere.has(op) && ![...seen.keys()].some((name) => name.split(' ')[0] === op),
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

for (const fusesByteDot of [false, true]) {
  const how = fusesByteDot ? 'in one instruction' : 'in two';
  test(`products of small bytes are exact, ${how}`, () => {
    const check = (): void => {
      const target = wasmKernelTarget({ ...plain, relaxedSimd: true, fusesByteDot });
      assert.ok(checkEdgeKernels(target, wasmCapabilities(true)) > 500_000);
      const seen = checkRandomKernels(target, wasmCapabilities(true), { seed: 20_000, count: 150 });
      assert.ok(seen.has('dotSmallBytes'));
    };
    if (fusesByteDot) withOptimisingCompiler(check);
    else check();
  });
}
