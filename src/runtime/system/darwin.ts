import type { Arm64Features } from '../../jit/arm64/features.js';
import { type SystemWaits, UL_COMPARE_AND_WAIT, ULF_WAKE_ALL } from '../../jit/systemWaits.js';
import { type Koffi, type Native, OFF_HEAP_WORDS } from './native.js';
import { bindPosix } from './posix.js';

type Library = ReturnType<Koffi['load']>;

/** RTLD_DEFAULT of dlfcn.h. */
const EVERYWHERE = -2;

/** Bytes of a word that threads wait for, and flags of os/os_sync_wait_on_address.h: within the process. */
const [WORD_BYTES, NO_FLAGS] = [4, 0];

/** Names below hw.optional.arm, which macOS has since version 12; older ones leave NEON. */
const FEATURES = {
  lse: 'FEAT_LSE',
  dotprod: 'FEAT_DotProd',
  bf16: 'FEAT_BF16',
  i8mm: 'FEAT_I8MM',
} as const satisfies Record<keyof Arm64Features, string>;

/**
 * macOS from version 11 on, by its published headers (sys/mman.h, dlfcn.h, unistd.h, libkern/OSCacheControl.h) and XNU's
 * sys/ulock.h; nobody has run it yet. Code is made executable by mprotect(2), without MAP_JIT: docs/adr/0016.
 *
 * @throws Error where the system is older
 */
export function openDarwin(koffi: Koffi): Native {
  const libSystem = koffi.load(null); // every symbol the process already has
  const invalidate = libSystem.func('sys_icache_invalidate', 'void', ['uintptr_t', 'size_t']);
  const sysctl = sysctlReader(libSystem);
  const waits = findWaits(libSystem, sysctl('sysctl.proc_translated') === 1);
  const native = bindPosix(koffi, libSystem, {
    isTested: false,
    regionBytes: 2 ** 30, // address space only: pages count when they are touched
    anonymous: 0x1000,
    noReserve: 0x40,
    dontNeed: 4,
    zeroesByAdvice: false,
    hugePages: null,
    defaultHandle: EVERYWHERE,
    pageSizeName: 29,
    waits,
    wakeAll: waker(libSystem, waits.kind),
    flushCode: (address, byteLength) => {
      invalidate(address, byteLength);
    },
  });
  const arm64Features = (): Arm64Features => {
    const entries = Object.entries(FEATURES).map(([feature, name]) => {
      return [feature, sysctl(`hw.optional.arm.${name}`) === 1] as const;
    });
    return Object.fromEntries(entries) as Record<keyof Arm64Features, boolean>;
  };
  return { ...native, arm64Features };
}

/** Integers of sysctlbyname(3), of 4 or 8 bytes; null for a name that this machine does not know. */
function sysctlReader(libSystem: Library): (name: string) => number | null {
  const byName = libSystem.func('sysctlbyname', 'int', ['str', 'void *', 'void *', 'uintptr_t', 'size_t']);
  return (name) => {
    const value = new BigInt64Array(OFF_HEAP_WORDS);
    const byteLength = new BigUint64Array(OFF_HEAP_WORDS).fill(8n);
    return byName(name, value, byteLength, 0, 0) === 0 ? Number(value[0]) : null;
  };
}

/**
 * What the system has for waiting: the documented calls of macOS 14.4, or those that they are made of.
 *
 * @param isTranslated whether Rosetta runs this process; there the documented calls are said to hang
 */
function findWaits(
  libSystem: Library,
  isTranslated: boolean,
): Extract<SystemWaits, { kind: 'osSync' | 'ulock' }> {
  const dlsym = libSystem.func('dlsym', 'uintptr_t', ['intptr_t', 'str']);
  const addressOf = (name: string): number => Number(dlsym(EVERYWHERE, name));
  const wait = addressOf('os_sync_wait_on_address');
  if (wait !== 0 && !isTranslated) {
    return { kind: 'osSync', wait, wakeAll: addressOf('os_sync_wake_by_address_all') };
  }
  const older = addressOf('__ulock_wait');
  if (older === 0) throw new Error('__ulock_wait is missing: macOS 11 or later is needed');
  return { kind: 'ulock', wait: older, wakeAll: addressOf('__ulock_wake') };
}

function waker(libSystem: Library, kind: 'osSync' | 'ulock'): Native['wakeAll'] {
  if (kind === 'osSync') {
    const wake = libSystem.func('os_sync_wake_by_address_all', 'int', ['uintptr_t', 'size_t', 'uint32_t']);
    return (address) => {
      wake(address, WORD_BYTES, NO_FLAGS);
    };
  }
  const wake = libSystem.func('__ulock_wake', 'int', ['uint32_t', 'uintptr_t', 'uint64_t']);
  return (address) => {
    wake(UL_COMPARE_AND_WAIT | ULF_WAKE_ALL, address, 0);
  };
}
