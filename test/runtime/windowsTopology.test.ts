import assert from 'node:assert/strict';
import { availableParallelism, cpus } from 'node:os';
import { test } from 'node:test';
import { captureEnvironment, captureMachine } from '../../src/bench/environment/captureMachine.js';
import { defaultThreadCount } from '../../src/runtime/nodeThreads.js';
import { loadNative } from '../../src/runtime/system/loadNative.js';
import { takeLockPrivilege } from '../../src/runtime/system/lockPrivilege.js';
import { parseTopology, windowsTopology } from '../../src/runtime/system/windowsTopology.js';
import { FakeKoffi } from './support/fakeKoffi.js';

const KIB = 1024;

/** SYSTEM_LOGICAL_PROCESSOR_INFORMATION_EX as winnt.h lays it out, with one GROUP_AFFINITY at its end. */
function recordOf(
  kind: number,
  byteLength: number,
  mask: bigint,
  group: number,
  fill: (view: DataView) => void,
) {
  const view = new DataView(new ArrayBuffer(byteLength));
  view.setUint32(0, kind, true);
  view.setUint32(4, byteLength, true);
  view.setUint16(byteLength - 18, 1, true); // GroupCount
  view.setBigUint64(byteLength - 16, mask, true);
  view.setUint16(byteLength - 8, group, true);
  fill(view);
  return new Uint8Array(view.buffer);
}

const core = (mask: bigint, group = 0) =>
  recordOf(0, 48, mask, group, (view) => view.setUint8(8, mask & (mask - 1n) ? 1 : 0));
const numaNode = (number: number) => recordOf(1, 48, 1n, 0, (view) => view.setUint32(8, number, true));
const cache = (level: number, bytes: number, type: number, mask: bigint) =>
  recordOf(2, 56, mask, 0, (view) => {
    view.setUint8(8, level);
    view.setUint32(12, bytes, true);
    view.setUint32(16, type, true);
  });
const joined = (...records: Uint8Array[]) => new Uint8Array(Buffer.concat(records));

test('cores, their threads, caches of the first and NUMA nodes are read from the records of Windows', () => {
  const records = joined(
    core(0b11n),
    cache(1, 48 * KIB, 2, 0b11n),
    cache(1, 32 * KIB, 1, 0b11n), // of instructions
    cache(2, 1280 * KIB, 0, 0b11n),
    core(0b1100n),
    cache(1, 96 * KIB, 2, 0b1100n), // of another core
    core(0b10000n),
    cache(3, 12288 * KIB, 0, 0b11111n),
    numaNode(0),
    core(0b11n, 1), // of another group
    numaNode(1),
  );
  const expected = {
    cores: 4,
    allowedCores: 4,
    simultaneousMultithreading: true,
    numaNodes: 2,
    caches: { l1dBytes: 48 * KIB, l2Bytes: 1280 * KIB, l3Bytes: 12288 * KIB },
  };
  assert.deepEqual(parseTopology(records, 0n), expected);
  assert.equal(parseTopology(records, 0b00011n).allowedCores, 1);
  assert.equal(parseTopology(records, 0b10110n).allowedCores, 3);
  const machine = captureMachine(() => null, expected);
  assert.deepEqual([machine.physicalCores, machine.caches], [4, expected.caches]);
  const environment = captureEnvironment(() => null, {}, expected);
  assert.deepEqual([environment.simultaneousMultithreading, environment.numaNodes], [true, 2]);
});

test('a single core without caches is told as such', () => {
  const { allowedCores, simultaneousMultithreading, caches } = parseTopology(core(1n), 1n);
  assert.deepEqual([allowedCores, simultaneousMultithreading], [1, false]);
  assert.deepEqual(caches, { l1dBytes: null, l2Bytes: null, l3Bytes: null });
});

test('Windows itself tells its cores, which are the default number of threads', {
  skip: process.platform !== 'win32' && 'Windows only',
}, () => {
  const { cores, caches } = windowsTopology()!;
  assert.ok(cores >= 1 && cores <= cpus().length, `${cores} cores`);
  assert.ok((caches.l1dBytes ?? 0) >= 16 * KIB, JSON.stringify(caches));
  assert.equal(defaultThreadCount(), Math.min(cores, availableParallelism()));
  const { physicalCores, osName, memoryBytes } = captureMachine();
  assert.equal(physicalCores, cores);
  assert.match(osName ?? '', /Windows/);
  assert.ok(memoryBytes > 2 ** 30);
  const environment = captureEnvironment();
  assert.deepEqual([environment.load1, environment.cgroupCpus, environment.cpuGovernor], [null, null, null]);
});

test('the right to lock memory counts only when the system says that it is on', () => {
  for (const isOn of [0, 1]) {
    const fake = new FakeKoffi({
      OpenProcessToken: (_process: number, _access: number, token: BigInt64Array) => {
        token[0] = 77n;
        return 1;
      },
      LookupPrivilegeValueW: (_system: null, _name: string, luid: Uint32Array) => {
        luid.set([4, 0]);
        return 1;
      },
      AdjustTokenPrivileges: () => 1, // succeeds either way
      PrivilegeCheck: (_token: bigint, _wanted: Uint32Array, result: Uint32Array) => {
        result[0] = isOn;
        return 1;
      },
      CloseHandle: () => 1,
    });
    assert.equal(takeLockPrivilege(fake.koffi), isOn === 1);
    const calls = fake.takeCalls();
    assert.deepEqual(calls.at(-1), ['CloseHandle', 77n]);
    assert.deepEqual(calls.find(([name]) => name === 'AdjustTokenPrivileges')?.slice(1, 4), [
      77n,
      0,
      Uint32Array.of(1, 4, 0, 2),
    ]);
  }
});

test('large pages that are not to be had are plain ones', async (t) => {
  const native = await loadNative();
  if (typeof native === 'string') return t.skip(native);
  const byteLength = 2 ** 22;
  const address = native.reserve(byteLength, true);
  const words = new Float64Array(native.view(address, byteLength));
  words.fill(1);
  assert.equal(words.at(-1), 1);
  native.release(address, byteLength);
});
