import assert from 'node:assert/strict';
import { test } from 'node:test';
import { spawnNodeParticipant } from '../../src/runtime/nodeThreads.js';
import { WasmMachine } from '../../src/runtime/wasmMachine.js';
import { startParticipants } from '../../src/runtime/wasmParticipant.js';
import { openWasmBackend } from '../../src/transcribe/openWasmBackend.js';
import { oneLineError } from '../model/support/oneLineError.js';

const GIB = 2 ** 30;

/** The published 0.6B checkpoint: bytes of its weights and shape of its cache (28 layers, 8 heads of 128). */
const WEIGHT_BYTES = 1_876_091_704;
const CACHE = { layers: 28, sequences: 1, kvHeads: 8, headDim: 128 };

/** Audio tokens (13 a second), the default budget of 12 a second, and the words around them. */
function capacityOf(seconds: number): number {
  return 13 * seconds + 12 * seconds + 20;
}

test('released memory is used again, together with what it touches', async () => {
  const machine = new WasmMachine({ started: { threads: [], refusal: null }, weightBytes: 0 });
  const [a, b, c, d] = [1000, 2000, 3000, 4000].map((byteLength) => machine.reserve(byteLength));
  machine.release(a!);
  machine.release(c!);
  assert.equal(machine.reserve(1000).address, a!.address);
  machine.release(b!);
  assert.equal(machine.reserve(5000).address, b!.address); // b and c
  const after = machine.reserve(64);
  assert.ok(after.address >= d!.address + d!.byteLength);
  machine.release(d!);
  machine.release(after);
  assert.equal(machine.reserve(10_000).address, d!.address); // up to the end
  await machine.close();
});

test('beside the 0.6B weights the caches of 180 and 340 s fit, one that no memory of 4 GiB holds is refused', async () => {
  const options = { threadCount: 1, weightBytes: WEIGHT_BYTES, spawn: spawnNodeParticipant };
  const { backend, provide } = await openWasmBackend(options);
  try {
    provide(WEIGHT_BYTES);
    for (const seconds of [180, 340, 180]) {
      const scope = backend.createScope(`${seconds} s`);
      scope.kvCache({ ...CACHE, capacity: capacityOf(seconds) });
      scope.release();
    }
    const scope = backend.createScope('600 s');
    assert.throws(
      () => scope.kvCache({ ...CACHE, capacity: capacityOf(600) }),
      oneLineError('memory', /WebAssembly memory/),
    );
    scope.release();
  } finally {
    await backend.close();
  }
});

test('what was placed before the memory grew is still used in place, and arrays show it', async () => {
  const started = await startParticipants(1, spawnNodeParticipant);
  const machine = new WasmMachine({ started, weightBytes: 0 });
  const region = machine.reserve(64);
  const bytes = new Uint8Array(region.buffer, region.bufferOffset, 64).fill(5);
  const far = machine.reserve(2 * GIB); // 1.5 GiB are there at first
  assert.notEqual(far.buffer, region.buffer);
  assert.deepEqual(machine.place(bytes), { address: region.address, copiedBytes: 0 });
  assert.deepEqual(new Uint8Array(far.buffer, region.bufferOffset, 64), bytes);
  await machine.close();
});
