import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { test } from 'node:test';
import { CodePages } from '../../src/runtime/codePages.js';
import { openDarwin } from '../../src/runtime/system/darwin.js';
import { machineCodeOff } from '../../src/runtime/system/loadNative.js';
import { oneLineError } from '../model/support/oneLineError.js';
import { FakeKoffi, type SystemCall } from './support/fakeKoffi.js';

/** sys/mman.h of macOS. */
const PROT = { read: 1, write: 2, exec: 4 };
const MAP = { shared: 1, private: 2, fixed: 0x10, noReserve: 0x40, jit: 0x800, anon: 0x1000 };
const MADV_DONTNEED = 4;
/** unistd.h and dlfcn.h. */
const _SC_PAGESIZE = 29;
const RTLD_DEFAULT = -2;

const PAGE_BYTES = 16384;

interface MacOptions {
  /** Functions that dlsym finds, by their addresses. */
  readonly symbols?: Readonly<Record<string, number>>;
  /** Integers that sysctlbyname knows. */
  readonly machine?: Readonly<Record<string, number>>;
  readonly refusesCode?: boolean;
}

const SYMBOLS = {
  os_sync_wait_on_address: 0x1_8000_0010,
  os_sync_wake_by_address_all: 0x1_8000_0020,
  __ulock_wait: 0x1_8000_0030,
  __ulock_wake: 0x1_8000_0040,
};

/** An Apple silicon machine, as far as this project calls it. */
function mac({ symbols = SYMBOLS, machine = {}, refusesCode = false }: MacOptions = {}) {
  let next = 0x1_0000_0000;
  const fake = new FakeKoffi({
    mmap: (at: number, byteLength: number, _: number, flags: number) => {
      if ((flags & MAP.fixed) !== 0) return at;
      const address = next;
      next += Math.ceil(byteLength / PAGE_BYTES) * PAGE_BYTES;
      return address;
    },
    munmap: () => 0,
    mprotect: () => (refusesCode ? -1 : 0),
    madvise: () => 0,
    sysconf: (name: number) => (name === _SC_PAGESIZE ? PAGE_BYTES : -1),
    pthread_create: (handle: BigUint64Array) => {
      handle[0] = 0x1_7000_0000n;
      return 0;
    },
    pthread_join: () => 0,
    dlsym: (handle: number, name: string) =>
      handle === RTLD_DEFAULT ? ((symbols as Record<string, number>)[name] ?? 0) : 0,
    sys_icache_invalidate: () => undefined,
    sysctlbyname: (name: string, value: BigInt64Array, byteLength: BigUint64Array) => {
      const found = machine[name];
      if (found === undefined || byteLength[0]! < 4n) return -1;
      new Int32Array(value.buffer)[0] = found; // all of these are 4 bytes
      byteLength[0] = 4n;
      return 0;
    },
    os_sync_wake_by_address_all: () => -1, // nobody sleeps there
    __ulock_wake: () => -1,
  });
  const native = openDarwin(fake.koffi);
  fake.takeCalls();
  return { native, fake };
}

test('memory is taken, given back and let go of by the constants of macOS', () => {
  const { native, fake } = mac();
  assert.equal(native.pageBytes, PAGE_BYTES);
  assert.equal(native.isTested, false);
  const address = native.reserve(100_000, true);
  native.discard(address, PAGE_BYTES);
  native.forget(address, PAGE_BYTES);
  native.release(address, 100_000);
  const flags = MAP.private | MAP.anon | MAP.noReserve;
  assert.deepEqual(fake.takeCalls(), [
    ['mmap', 0, 100_000, PROT.read | PROT.write, flags, -1, 0],
    // MADV_DONTNEED keeps what the pages hold here.
    ['mmap', address, PAGE_BYTES, PROT.read | PROT.write, flags | MAP.fixed, -1, 0],
    ['madvise', address, PAGE_BYTES, MADV_DONTNEED],
    ['munmap', address, 100_000],
  ]);
  const mapped = native.mapFile(7, 5000, 'weights.safetensors')!;
  assert.equal(mapped.buffer.byteLength, 5000);
  mapped.unmap();
  assert.deepEqual(
    fake.takeCalls().map((call) => call.slice(0, 6)),
    [
      ['mmap', 0, 5000, PROT.read, MAP.shared, 7],
      ['munmap', address + 7 * PAGE_BYTES, 5000],
    ],
  );
});

test('code is written to pages of 16 KiB, made executable, and instruction caches forget what was there', () => {
  const { native, fake } = mac();
  const pages = new CodePages(native);
  const [first, second] = pages.install([new Uint8Array(100), new Uint8Array(PAGE_BYTES)]) as [
    number,
    number,
  ];
  assert.equal(second - first, 128);
  assert.deepEqual(fake.takeCalls().slice(1), [
    ['mprotect', first, 2 * PAGE_BYTES, PROT.read | PROT.exec],
    ['sys_icache_invalidate', first, 2 * PAGE_BYTES],
  ]);
  pages.install([new Uint8Array(4)]);
  pages.release();
  const calls = fake.takeCalls();
  const protections = (name: string, at: number): number[] =>
    calls.filter(([called]) => called === name).map((call) => call[at] as number);
  // Never writable and executable, and never a page for which a thread would have to choose: V8's code is on those.
  assert.ok([...protections('mmap', 3), ...protections('mprotect', 3)].every((protection) => protection < 6));
  assert.ok(protections('mmap', 4).every((flags) => (flags & MAP.jit) === 0));
  assert.ok(![...fake.declared.keys()].some((name) => name.startsWith('pthread_jit')));
});

test('a system that allows no executable memory says so, with its reason', {
  skip: process.platform === 'win32' && 'Windows numbers errors in another way',
}, () => {
  const { native, fake } = mac({ refusesCode: true });
  fake.errno = constants.errno.EACCES;
  assert.throws(
    () => new CodePages(native).install([new Uint8Array(4)]),
    oneLineError('unsupported', /make memory executable \(EACCES\)$/),
  );
  assert.ok(!fake.takeCalls().some(([name]) => name === 'sys_icache_invalidate'));
});

test('threads are of the system, and sleepers are woken by the calls that they sleep by', () => {
  const word = 0x1_0000_0040;
  const wakes = (options: MacOptions): readonly [unknown, SystemCall[]] => {
    const { native, fake } = mac(options);
    native.wakeAll(word);
    return [native.waits, fake.takeCalls()];
  };
  const { __ulock_wait, __ulock_wake, ...osSync } = SYMBOLS;
  const documented = {
    kind: 'osSync',
    wait: osSync.os_sync_wait_on_address,
    wakeAll: osSync.os_sync_wake_by_address_all,
  };
  const older = { kind: 'ulock', wait: __ulock_wait, wakeAll: __ulock_wake };
  const wakeAllOperation = 0x101; // UL_COMPARE_AND_WAIT | ULF_WAKE_ALL
  assert.deepEqual(wakes({}), [documented, [['os_sync_wake_by_address_all', word, 4, 0]]]);
  assert.deepEqual(wakes({ machine: { 'sysctl.proc_translated': 0 } })[0], documented);
  const byUlock = [older, [['__ulock_wake', wakeAllOperation, word, 0]]];
  assert.deepEqual(wakes({ symbols: { __ulock_wait, __ulock_wake } }), byUlock);
  assert.deepEqual(wakes({ machine: { 'sysctl.proc_translated': 1 } }), byUlock);
  assert.throws(() => mac({ symbols: {} }), /__ulock_wait is missing: macOS 11 or later/);

  const { native, fake } = mac();
  const handle = native.startThread(0x5000, 64, 0x6000);
  assert.equal(handle, 0x1_7000_0000);
  native.joinThread(handle as number);
  assert.deepEqual(
    fake.takeCalls().map(([name, ...args]) => [name, ...args.slice(name === 'pthread_create' ? 1 : 0)]),
    [
      ['pthread_create', null, 0x5000, 64],
      ['pthread_join', 0x1_7000_0000, null],
    ],
  );
});

test('features of the processor are those that macOS names', () => {
  const features = (machine: Readonly<Record<string, number>>) => mac({ machine }).native.arm64Features?.();
  const none = { lse: false, dotprod: false, bf16: false, i8mm: false };
  assert.deepEqual(features({}), none); // macOS 11 has no such names
  const m1 = {
    'hw.optional.arm.FEAT_LSE': 1,
    'hw.optional.arm.FEAT_DotProd': 1,
    'hw.optional.arm.FEAT_BF16': 0,
    'hw.optional.arm.FEAT_I8MM': 0,
  };
  assert.deepEqual(features(m1), { ...none, lse: true, dotprod: true });
  const m2 = { ...m1, 'hw.optional.arm.FEAT_BF16': 1, 'hw.optional.arm.FEAT_I8MM': 1 };
  assert.deepEqual(features(m2), { lse: true, dotprod: true, bf16: true, i8mm: true });
});

test('no function that is called takes a variable number of arguments, which Apple passes otherwise', () => {
  const { fake } = mac();
  assert.ok(fake.declared.size >= 10);
  for (const variadic of ['open', 'fcntl', 'ioctl', 'syscall', 'shm_open', 'printf']) {
    assert.ok(!fake.declared.has(variadic), variadic);
  }
});

test('machine code is off on macOS alone', () => {
  assert.match(machineCodeOff('darwin')!, /^nobody has run it on macOS yet/);
  for (const platform of ['linux', 'win32', 'freebsd'] as const) assert.equal(machineCodeOff(platform), null);
});
