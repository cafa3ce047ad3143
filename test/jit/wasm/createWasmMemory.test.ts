import assert from 'node:assert/strict';
import { test } from 'node:test';
import { QwenAsrError } from '../../../src/error.js';
import { createWasmMemory, growWasmMemory } from '../../../src/jit/wasm/webAssembly.js';
import { enableWasmFeatures } from '../support/enableWasmFeatures.js';

enableWasmFeatures();
const target = { relaxedSimd: false, memory64: false, sharedMemory: false };

test('a memory is zeroed, shared if asked, and rounded up to pages of 64 KiB', () => {
  for (const memory64 of [false, true]) {
    const { buffer } = createWasmMemory(65537, { ...target, memory64 });
    assert.equal(buffer.byteLength, 2 * 65536);
    assert.ok(buffer instanceof ArrayBuffer);
    assert.ok(new Uint8Array(buffer).every((byte) => byte === 0));
    const shared = createWasmMemory(1, { ...target, memory64, sharedMemory: true });
    assert.ok(shared.buffer instanceof SharedArrayBuffer);
  }
});

test('a shared memory grows as far as it was made for, under arrays that go on showing it', () => {
  for (const memory64 of [false, true]) {
    const memory = createWasmMemory(65536, { ...target, memory64, sharedMemory: true }, 5 * 65536);
    const before = new Uint8Array(memory.buffer);
    assert.ok(growWasmMemory(memory, 100_000));
    assert.equal(memory.buffer.byteLength, 3 * 65536);
    before[7] = 9;
    assert.equal(new Uint8Array(memory.buffer)[7], 9);
    assert.ok(!growWasmMemory(memory, 3 * 65536));
    assert.equal(memory.buffer.byteLength, 3 * 65536);
  }
});

test('above 4 GiB takes 64-bit addresses', () => {
  const bytes = 2 ** 32 + 1;
  assert.throws(
    () => createWasmMemory(bytes, target),
    (error) =>
      error instanceof QwenAsrError && error.code === 'unsupported' && /memory64/.test(error.message),
  );
  const wide = { ...target, memory64: true };
  if (Number(process.versions.node.split('.')[0]) >= 22)
    // Untouched pages cost address space only.
    assert.equal(createWasmMemory(bytes, wide).buffer.byteLength, 2 ** 32 + 65536);
  // V8 11.3 takes 64-bit addresses (behind a flag), but no more bytes for them.
  else assert.throws(() => createWasmMemory(bytes, wide), /could not allocate 4294967297 bytes/);
});

test('more than there can be is a memory error that says how much', () => {
  assert.throws(
    () => createWasmMemory(2 ** 50, { ...target, memory64: true }),
    (error) =>
      error instanceof QwenAsrError &&
      error.code === 'memory' &&
      /1125899906842624 bytes/.test(error.message),
  );
});
