import koffi from 'koffi';
import { Assembler as Arm64Assembler } from '../../../src/jit/arm64/assembler.js';
import { mem as arm64Mem, XZR, x } from '../../../src/jit/arm64/operands.js';
import { Assembler } from '../../../src/jit/x64/assembler.js';
import { gpr, gpr32, mem, rcx, rdi, rsi } from '../../../src/jit/x64/operands.js';
import { CodePages } from '../../../src/runtime/codePages.js';
import { detectArm64Features } from '../../../src/runtime/processor.js';
import { openNative } from '../../../src/runtime/system/loadNative.js';
import type { Koffi, Native } from '../../../src/runtime/system/native.js';

/** What threads wait by; the functions that there are of each kind, first the one that waits. */
const FUNCTIONS = {
  osSync: ['os_sync_wait_on_address', 'os_sync_wake_by_address_all'],
  ulock: ['__ulock_wait', '__ulock_wake'],
} as const;

type Kind = keyof typeof FUNCTIONS;

/** sys/mman.h of macOS, and what Linux calls the same. */
const [MAC_FIXED, MAC_NO_RESERVE, MAC_ANON] = [0x10, 0x40, 0x1000];
const [LINUX_FIXED, LINUX_NO_RESERVE, LINUX_ANON] = [0x10, 0x4000, 0x20];
const MAC_PAGE_SIZE = 29;
const MAC_DEFAULT_HANDLE = -2;

const [FUTEX_WAIT_PRIVATE, FUTEX_WAKE_PRIVATE, EVERY_THREAD] = [128, 129, 0x7fffffff];

/**
 * koffi on a Linux that takes the constants of macOS, keeps its rules (no page is writable and executable, advice keeps
 * what memory holds), and has its functions for waiting, made of machine code: what calls macOS runs here with real
 * memory and threads.
 */
export async function macOnLinux(kind: Kind): Promise<{ readonly koffi: Koffi; waited(): number }> {
  const native = (await openNative(async () => koffi)) as Native;
  const real = koffi.load(null);
  const counter = native.reserve(4096);
  const [wait, wake] = FUNCTIONS[kind];
  const isArm64 = process.arch === 'arm64';
  const codes = [true, false].map((waits) =>
    isArm64 ? arm64Futex(kind, waits, counter) : x64Futex(kind, waits, counter),
  );
  const [waitCode, wakeCode] = new CodePages(native).install(codes) as [number, number];
  const addresses: Readonly<Record<string, number>> = { [wait]: waitCode, [wake]: wakeCode };
  const functions = macFunctions(native, real, addresses);
  const library = new Proxy(real, {
    get: (target, property) => {
      if (property !== 'func') return Reflect.get(target, property);
      return (name: string, result: string, parameters: string[]) => {
        if (name === wake) return koffi.decode(wakeCode, koffi.proto(result, parameters));
        return functions[name] ?? target.func(name, result, parameters);
      };
    },
  });
  const mac = new Proxy(koffi, {
    get: (target, property) => (property === 'load' ? () => library : Reflect.get(target, property)),
  });
  const words = new Int32Array(native.view(counter, 4096), 0, 1);
  return { koffi: mac, waited: () => words[0]! };
}

type SystemFunction = (...args: never[]) => unknown;

function macFunctions(
  native: Native,
  libc: ReturnType<Koffi['load']>,
  addresses: Readonly<Record<string, number>>,
): Readonly<Record<string, SystemFunction>> {
  const mmap = libc.func('mmap', 'intptr_t', ['uintptr_t', 'size_t', 'int', 'int', 'int', 'int64_t']);
  const dlsym = libc.func('dlsym', 'uintptr_t', ['intptr_t', 'str']);
  const features = Object.entries(detectArm64Features()).map(([name, has]) => [name.toUpperCase(), has]);
  const flagsOf = (flags: number): number => {
    const known = 3 | MAC_FIXED | MAC_NO_RESERVE | MAC_ANON;
    if ((flags & ~known) !== 0) throw new Error(`mmap: flags ${flags.toString(16)}`);
    return (
      (flags & 3) |
      (flags & MAC_FIXED ? LINUX_FIXED : 0) |
      (flags & MAC_NO_RESERVE ? LINUX_NO_RESERVE : 0) |
      (flags & MAC_ANON ? LINUX_ANON : 0)
    );
  };
  return {
    mmap: (at: number, byteLength: number, protection: number, flags: number, fd: number, offset: number) =>
      (protection & 6) === 6 ? -1 : mmap(at, byteLength, protection, flagsOf(flags), fd, offset),
    madvise: () => 0,
    sysconf: (name: number) => (name === MAC_PAGE_SIZE ? native.pageBytes : -1),
    sys_icache_invalidate: (address: number, byteLength: number) => native.seal(address, byteLength),
    sysctlbyname: (name: string, value: BigInt64Array) => {
      const feature = features.find(([known]) => name.toUpperCase() === `HW.OPTIONAL.ARM.FEAT_${known}`);
      value[0] = BigInt(feature?.[1] ?? false);
      return feature === undefined ? -1 : 0;
    },
    dlsym: (handle: number, name: string) => {
      if (handle !== MAC_DEFAULT_HANDLE) throw new Error(`dlsym: handle ${handle}`);
      return addresses[name] ?? (/^os_sync|^__ulock/.test(name) ? 0 : dlsym(0, name));
    },
  };
}

/** A function of macOS by Linux' futex; it counts its calls and destroys what it may. */
function x64Futex(kind: Kind, waits: boolean, counter: number): Uint8Array {
  const asm = new Assembler({ name: kind });
  const [rdx, r8, r9, r10] = [gpr(2), gpr(8), gpr(9), gpr(10)];
  // osSync: (at, value, …); ulock: (operation, at, value, …).
  if (kind === 'osSync') asm.emit('mov', rdx, rsi);
  else asm.emit('mov', rdi, rsi);
  if (!waits) asm.emit('mov', gpr32(rdx.index), EVERY_THREAD);
  asm.emit('mov', gpr32(rsi.index), waits ? FUTEX_WAIT_PRIVATE : FUTEX_WAKE_PRIVATE);
  asm.emit('xor', gpr32(r10.index), gpr32(r10.index));
  asm.emit('mov', gpr32(0), 202);
  asm.emit('syscall');
  asm.emit('movabs', r8, BigInt(counter));
  if (waits) asm.emit('add', mem(r8, { bits: 32 }), 1);
  for (const register of [rcx, rdx, rsi, rdi, r8, r9, r10]) asm.emit('mov', gpr32(register.index), 77);
  asm.emit('ret');
  return asm.finish();
}

function arm64Futex(kind: Kind, waits: boolean, counter: number): Uint8Array {
  const asm = new Arm64Assembler(kind);
  const constant = (index: number, value: number): void => {
    asm.emit('movz', x(index), value & 0xffff, 0);
    for (const shift of [16, 32]) asm.emit('movk', x(index), Math.floor(value / 2 ** shift) & 0xffff, shift);
  };
  if (kind === 'osSync') asm.emit('orr', x(2), XZR, x(1));
  else asm.emit('orr', x(0), XZR, x(1));
  if (!waits) constant(2, EVERY_THREAD);
  constant(1, waits ? FUTEX_WAIT_PRIVATE : FUTEX_WAKE_PRIVATE);
  constant(3, 0);
  constant(8, 98);
  asm.emit('svc', 0);
  constant(9, counter);
  asm.emit('ldr', x(10), arm64Mem(x(9)));
  asm.emit('add', x(10), x(10), waits ? 1 : 0);
  asm.emit('str', x(10), arm64Mem(x(9)));
  for (let i = 0; i < 18; i++) constant(i, 77);
  asm.emit('ret');
  return asm.finish();
}
