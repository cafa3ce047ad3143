import { FUTEX } from '../../jit/systemWaits.js';
import type { Koffi, Native } from './native.js';
import { bindPosix } from './posix.js';

/** asm-generic/unistd.h of arm64, asm/unistd_64.h of x86-64. */
const SYS_FUTEX = process.arch === 'arm64' ? 98 : 202;
const FUTEX_WAKE_PRIVATE = 129;
const EVERY_THREAD = 0x7fffffff;
/** asm/unistd_64.h, asm/prctl.h; the component of the processor's state that holds tiles, by the Intel manual, volume 1, 13.1. */
const SYS_ARCH_PRCTL = 158;
const ARCH_REQ_XCOMP_PERM = 0x1023;
const XFEATURE_XTILEDATA = 18;

/** Linux with any C library: sys/mman.h, linux/futex.h, bits/confname.h of glibc and musl's unistd.h. */
export function openLinux(koffi: Koffi): Native {
  const libc = koffi.load(null); // every symbol the process already has: libc, whichever it is
  const syscall = libc.func('syscall', 'long', [
    'long',
    'uintptr_t',
    'int',
    'int',
    'uintptr_t',
    'uintptr_t',
    'int',
  ]);
  return bindPosix(koffi, libc, {
    isTested: process.arch === 'x64',
    regionBytes: 2 ** 30, // address space only, with MAP_NORESERVE
    anonymous: 0x20,
    noReserve: 0x4000,
    dontNeed: 4,
    zeroesByAdvice: true,
    hugePages: 14,
    defaultHandle: 0,
    pageSizeName: 30,
    ...(process.arch === 'x64' && {
      // Old systems and sandboxes refuse. What is given holds for all threads of the process and its forks, not beyond exec.
      requestTiles: () =>
        Number(syscall(SYS_ARCH_PRCTL, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA, 0, 0, 0, 0)) === 0,
    }),
    waits: FUTEX,
    wakeAll: (address) => {
      syscall(SYS_FUTEX, address, FUTEX_WAKE_PRIVATE, EVERY_THREAD, 0, 0, 0);
    },
  });
}
