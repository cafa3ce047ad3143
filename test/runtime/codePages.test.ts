import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CodePages } from '../../src/runtime/codePages.js';
import { loadNative } from '../../src/runtime/system/loadNative.js';
import type { Native } from '../../src/runtime/system/native.js';
import { protectionAt } from './support/memoryMap.js';

const native = await loadNative();
const skip = typeof native === 'string' && native;

/** f(at, value) and f(at) that store 32 bits, a value or 1, and instructions that do nothing. */
const { store: STORE, storeOne: STORE_ONE, nothing: NOTHING } = process.arch === 'arm64' ? arm64() : x64();

/** Intel manual, volume 2: mov [rdi], esi is 89 /r; mov dword [rdi], 1 is C7 /0 id; ret C3; nop 90. */
function x64() {
  return {
    store: Uint8Array.of(0x89, 0x37, 0xc3),
    storeOne: Uint8Array.of(0xc7, 0x07, 1, 0, 0, 0, 0xc3),
    nothing: new Uint8Array(10_000).fill(0x90),
  };
}

/** Arm ARM, C6.2: str w1, [x0] is b9000001; mov w1, 1 52800021; ret d65f03c0; nop d503201f. */
function arm64() {
  const words = (...values: number[]): Uint8Array => new Uint8Array(Uint32Array.from(values).buffer);
  return {
    store: words(0xb9000001, 0xd65f03c0),
    storeOne: words(0x52800021, 0xb9000001, 0xd65f03c0),
    nothing: words(...new Array<number>(2500).fill(0xd503201f)),
  };
}

test('code is writable or executable, never both, and gone after release', { skip }, () => {
  const system = native as Native;
  const seen: (string | null)[] = [];
  const watched: Native = {
    ...system,
    reserve: (byteLength) => {
      const address = system.reserve(byteLength);
      seen.push(protectionAt(address));
      return address;
    },
    seal: (address, byteLength) => {
      seen.push(protectionAt(address));
      system.seal(address, byteLength);
    },
  };
  const pages = new CodePages(watched);
  const first = pages.install([STORE, STORE_ONE]);
  const second = pages.install([STORE]);
  assert.deepEqual(seen, ['rw-p', 'rw-p', 'rw-p', 'rw-p']);
  for (const address of [...first, ...second]) {
    assert.equal(address % 64, 0);
    assert.equal(protectionAt(address), 'r-xp');
  }
  const word = system.reserve(4096);
  const words = new Int32Array(system.view(word, 4096));
  system.functionAt(first[0]!, 2).call(word, 42);
  assert.equal(words[0], 42);
  system.functionAt(first[1]!, 1).call(word);
  assert.equal(words[0], 1);
  system.functionAt(second[0]!, 2).call(word + 4, 7);
  assert.deepEqual([...words.subarray(0, 3)], [1, 7, 0]);
  pages.release();
  pages.release();
  assert.equal(protectionAt(first[0]!), null);
  assert.equal(protectionAt(second[0]!), null);
  system.release(word, 4096);
});

test('functions larger than a page get as many as they need', { skip }, () => {
  const system = native as Native;
  const pages = new CodePages(system);
  const long = NOTHING.slice();
  long.set(STORE, 10_000 - STORE.length);
  const [nops, store] = pages.install([long, STORE]) as [number, number];
  assert.ok(store >= nops + 10_000);
  const word = system.reserve(4096);
  const words = new Int32Array(system.view(word, 4096));
  system.functionAt(nops, 2).call(word, 5);
  system.functionAt(store, 2).call(word + 4, 6);
  assert.deepEqual([...words.subarray(0, 2)], [5, 6]);
  pages.release();
  system.release(word, 4096);
});

test('a system that refuses executable memory is an error that keeps nothing', { skip }, () => {
  const system = native as Native;
  const mapped = new Set<number>();
  const hardened: Native = {
    ...system,
    reserve: (byteLength) => {
      const address = system.reserve(byteLength);
      mapped.add(address);
      return address;
    },
    release: (address, byteLength) => {
      mapped.delete(address);
      system.release(address, byteLength);
    },
    seal: () => {
      throw new Error('refused');
    },
  };
  const pages = new CodePages(hardened);
  assert.throws(() => pages.install([STORE]), /refused/);
  pages.release();
  assert.equal(mapped.size, 0);
});
