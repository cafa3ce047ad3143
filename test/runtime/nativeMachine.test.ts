import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NativeMachine } from '../../src/runtime/nativeMachine.js';
import { loadNative } from '../../src/runtime/system/loadNative.js';
import type { Native } from '../../src/runtime/system/native.js';
import { protectionAt } from './support/memoryMap.js';
import { processorIsas } from './support/processorIsas.js';

const native = await loadNative();
const { isas, skip } = processorIsas(native);

function makeMachine(): NativeMachine {
  return new NativeMachine(native as Native, isas.at(-1)!, 1);
}

test('regions are zeroed, seen from both sides, and gone after close', { skip }, async () => {
  const machine = makeMachine();
  const [first, second] = [machine.reserve(10_000), machine.reserve(10)];
  assert.ok(new Uint8Array(first.buffer, first.bufferOffset, 10_000).every((byte) => byte === 0));
  for (const { address } of [first, second]) {
    assert.equal(address % 64, 0);
    assert.equal(protectionAt(address), 'rw-p');
  }
  machine.release(first);
  machine.release(first);
  assert.equal(protectionAt(first.address), null);
  await machine.close();
  assert.equal(protectionAt(second.address), null);
});

test('discard empties whole pages and leaves neighbours alone', { skip }, async () => {
  const machine = makeMachine();
  const pages = machine.reserve(5 * 4096);
  const bytes = new Uint8Array(pages.buffer).fill(1);
  machine.discard(pages, 100, 2 * 4096);
  const emptied = (page: number) =>
    bytes.subarray(page * 4096, (page + 1) * 4096).every((byte) => byte === 0);
  assert.deepEqual([0, 1, 2, 3, 4].map(emptied), [false, true, false, false, false]);
  assert.ok(bytes.subarray(0, 4096).every((byte) => byte === 1));
  assert.ok(bytes.subarray(2 * 4096).every((byte) => byte === 1));
  machine.discard(pages, 3 * 4096, 2 * 4096);
  assert.deepEqual([0, 1, 2, 3, 4].map(emptied), [false, true, false, true, true]);
  machine.discard(pages, 10, 20);
  assert.ok(bytes.subarray(0, 4096).every((byte) => byte === 1));
  await machine.close();
  machine.discard(pages, 0, 4096); // nothing lies there any more: must not be asked of the system
});

test('constant bytes are used in place, unless V8 may move them', { skip }, async () => {
  const machine = makeMachine();
  const large = new Uint8Array(4096).fill(7);
  const inPlace = machine.place(large.subarray(64));
  assert.equal(inPlace.copiedBytes, 0);
  assert.deepEqual(machine.place(large), { address: inPlace.address - 64, copiedBytes: 0 });
  const small = machine.place(Uint8Array.of(1, 2, 3));
  assert.equal(small.copiedBytes, 3);
  assert.equal(protectionAt(small.address), 'rw-p');
  await machine.close();
});

test('memory touched ahead is the next large region, and keeps what is written meanwhile', {
  skip,
}, async () => {
  const machine = makeMachine();
  const byteLength = 96 * 2 ** 20;
  machine.touchAhead(byteLength);
  const small = machine.reserveLarge(4096); // the first to ask gets all of it
  assert.equal(small.byteLength, byteLength);
  const bytes = new Uint8Array((native as Native).view(small.address, byteLength));
  for (let at = 0; at < byteLength; at += 4096) bytes[at] = 1 + ((at / 4096) % 255);
  for (let at = 0; at < byteLength; at += 4096) assert.equal(bytes[at], 1 + ((at / 4096) % 255));
  const other = machine.reserveLarge(4096);
  assert.ok(other.address + 4096 <= small.address || other.address >= small.address + byteLength);
  await machine.close(); // waits for the thread that touches: what it finds unmapped would end the process
  assert.equal(protectionAt(small.address), null);
});

/** Kept: what is collected meanwhile would be resident no more. */
const written: Uint8Array[] = [];

/** Whether memory that is written counts as resident. */
function tellsResidentMemory(): boolean {
  const before = process.memoryUsage.rss();
  const bytes = new Uint8Array(64 * 2 ** 20).fill(1);
  written.push(bytes);
  return process.memoryUsage.rss() - before > bytes.length / 2;
}

test('memory touched ahead is there before anybody uses it', { skip }, async (t) => {
  if (!tellsResidentMemory()) return t.skip('this system, an emulator, does not tell what is resident');
  const machine = makeMachine();
  const byteLength = 64 * 2 ** 20;
  const residentBefore = process.memoryUsage.rss();
  machine.touchAhead(byteLength);
  const bytes = (native as Native).view(machine.reserveLarge(byteLength).address, byteLength);
  for (let wait = 0; process.memoryUsage.rss() < residentBefore + 0.9 * byteLength; wait++) {
    assert.ok(wait < 1000, 'not touched within 10 s');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.ok(new Uint8Array(bytes).every((byte) => byte === 0));
  await machine.close();
});
