import assert from 'node:assert/strict';
import { test } from 'node:test';
import { selfTest } from '../../../src/ops/compiled/selfTest.js';
import { findProcessor } from '../../../src/runtime/processor.js';
import { loadNative } from '../../../src/runtime/system/loadNative.js';
import type { Native } from '../../../src/runtime/system/native.js';

const native = await loadNative();
const processor = typeof native === 'string' ? native : findProcessor(native);
const skip = typeof processor === 'string' && processor;

test('where all tests pass the self-test does', { skip }, async () => {
  assert.equal(await selfTest(native as Native), null);
});

test('kernels that do not what they should are named', { skip }, async () => {
  const system = native as Native;
  const functionAt: Native['functionAt'] = (address, parameters) => {
    const real = system.functionAt(address, parameters);
    // Kernels alone have three: (args, tile, scratch).
    return parameters === 3 ? { ...real, call: () => {} } : real;
  };
  assert.match(String(await selfTest({ ...system, functionAt })), /^\w+\S* \(.*\) computes something else$/);
});
