import { getSystemErrorName } from 'node:util';
import { isMainThread } from 'node:worker_threads';
import { QwenAsrError } from '../../error.js';
import { arm64CallTableCode, flushCodeCode } from './arm64Routines.js';
import { callTableCode, SYSTEM_V } from './callTable.js';
import { type LastCall, LastCalls } from './lastCalls.js';
import {
  checkMapping,
  checkReservation,
  functionCaller,
  type Koffi,
  type Native,
  OFF_HEAP_WORDS,
} from './native.js';

/** What POSIX leaves to each system. */
export interface PosixSystem extends Pick<Native, 'isTested' | 'requestTiles' | 'waits' | 'wakeAll'> {
  readonly regionBytes: number;
  /** Flags of mmap(2). */
  readonly anonymous: number;
  readonly noReserve: number;
  /** Of madvise(2): pages are given back; large pages are asked for, where there are any. */
  readonly dontNeed: number;
  /** Whether memory that was given back so reads as zero. */
  readonly zeroesByAdvice: boolean;
  readonly hugePages: number | null;
  /** Of dlsym(3): looks everywhere. */
  readonly defaultHandle: number;
  /** Of sysconf(3): the length of a page. */
  readonly pageSizeName: number;
  /** Makes processors see code that was written, where they do not by themselves. */
  readonly flushCode?: (address: number, byteLength: number) => void;
}

const PROT_READ = 1;
const PROT_WRITE = 2;
const PROT_EXEC = 4;
const MAP_SHARED = 1;
const MAP_PRIVATE = 2;
const MAP_FIXED = 0x10;

type Library = ReturnType<Koffi['load']>;

/** The calls of a 64-bit little-endian POSIX system. */
export function bindPosix(koffi: Koffi, libc: Library, system: PosixSystem): Native {
  const mmap = libc.func('mmap', 'intptr_t', ['uintptr_t', 'size_t', 'int', 'int', 'int', 'int64_t']);
  const munmap = libc.func('munmap', 'int', ['uintptr_t', 'size_t']);
  const mprotect = libc.func('mprotect', 'int', ['uintptr_t', 'size_t', 'int']);
  const madvise = libc.func('madvise', 'int', ['uintptr_t', 'size_t', 'int']);
  const sysconf = libc.func('sysconf', 'long', ['int']);
  const pthreadCreate = libc.func('pthread_create', 'int', ['void *', 'void *', 'uintptr_t', 'uintptr_t']);
  const pthreadJoin = libc.func('pthread_join', 'int', ['uintptr_t', 'void *']);

  const map = (byteLength: number, protection: number, flags: number, fd: number, at = 0): number | null => {
    const address = Number(mmap(at, byteLength, protection, flags, fd, 0));
    return address === -1 ? null : address;
  };
  const newMemory = MAP_PRIVATE | system.anonymous | system.noReserve;
  const reserve = (byteLength: number): number => {
    checkReservation(byteLength);
    const address = map(byteLength, PROT_READ | PROT_WRITE, newMemory, -1);
    if (address !== null) return address;
    throw new QwenAsrError('memory', `the system refused ${byteLength} bytes of memory`);
  };
  const pageBytes = Number(sysconf(system.pageSizeName));
  let { flushCode } = system;
  const seal = (address: number, byteLength: number): void => {
    if (mprotect(address, byteLength, PROT_READ | PROT_EXEC) !== 0) {
      const found = `this system does not let a process make memory executable (${errorName(koffi.errno())})`;
      throw new QwenAsrError('unsupported', found);
    }
    flushCode?.(address, byteLength);
  };
  const askForHugePages = (address: number, byteLength: number): void => {
    if (system.hugePages !== null) madvise(address, byteLength, system.hugePages);
  };
  const dontNeed = (address: number, byteLength: number): void => {
    madvise(address, byteLength, system.dontNeed);
  };
  /** Other memory in the same place. */
  const renew = (address: number, byteLength: number): void => {
    map(byteLength, PROT_READ | PROT_WRITE, newMemory | MAP_FIXED, -1, address);
  };
  const held = isMainThread ? null : new PosixHoldings(koffi, libc, system, { reserve, seal });
  if (flushCode === undefined && process.arch === 'arm64') {
    // The system makes this first page coherent by itself, as it does with every page that becomes executable.
    const page = reserve(pageBytes);
    new Uint8Array(koffi.view(page, pageBytes)).set(flushCodeCode());
    seal(page, pageBytes);
    const flush = koffi.decode(page, koffi.proto('void', ['intptr_t', 'intptr_t']));
    flushCode = (address, byteLength) => flush(address, address + byteLength);
    held?.keepMemory(page, pageBytes);
  }
  const unmap = (address: number, byteLength: number): void => {
    held?.drop(address);
    munmap(address, byteLength);
  };

  return {
    isTested: system.isTested,
    pageBytes,
    regionBytes: system.regionBytes,
    lookAgainMs: 0,
    ...(system.requestTiles && { requestTiles: system.requestTiles }),
    waits: system.waits,
    wakeAll: system.wakeAll,
    reserve: (byteLength, largePages = false) => {
      const address = reserve(byteLength);
      if (largePages) askForHugePages(address, byteLength);
      held?.keepMemory(address, byteLength);
      return address;
    },
    release: unmap,
    seal,
    discard: system.zeroesByAdvice ? dontNeed : renew,
    forget: dontNeed,
    mapFile: (descriptor, byteLength, path) => {
      checkMapping(byteLength, path);
      // Some file systems, FUSE's with direct_io among them, know private mappings only.
      const address =
        map(byteLength, PROT_READ, MAP_SHARED, descriptor) ??
        map(byteLength, PROT_READ, MAP_PRIVATE, descriptor);
      if (address === null) return null;
      held?.keepMemory(address, byteLength);
      askForHugePages(address, byteLength);
      return { buffer: koffi.view(address, byteLength), unmap: () => unmap(address, byteLength) };
    },
    view: (address, byteLength) => koffi.view(address, byteLength),
    addressOf: (bytes) => Number(koffi.address(bytes)),
    functionAt: functionCaller(koffi),
    startThread: (entry, argument, leave) => {
      const handle = new BigUint64Array(OFF_HEAP_WORDS);
      const result = pthreadCreate(handle, null, entry, argument);
      if (result !== 0) return `the system refuses more (${errorName(result)})`;
      held?.keepThread(Number(handle[0]), leave, argument);
      return Number(handle[0]);
    },
    joinThread: (handle) => {
      held?.drop(handle);
      pthreadJoin(handle, null);
    },
  };
}

/** @param number as errno.h of the system has it */
function errorName(number: number): string {
  return number > 0 ? getSystemErrorName(-number) : 'no reason given';
}

/** What gives back the resources of a worker thread of Node when it ends. */
class PosixHoldings {
  readonly #calls: LastCalls;
  readonly #munmap: number;
  readonly #join: number;

  constructor(
    koffi: Koffi,
    libc: Library,
    { defaultHandle }: PosixSystem,
    pages: Pick<Native, 'reserve' | 'seal'>,
  ) {
    const dlsym = libc.func('dlsym', 'uintptr_t', ['intptr_t', 'str']);
    const keyCreate = libc.func('pthread_key_create', 'int', ['void *', 'uintptr_t']);
    const setSpecific = libc.func('pthread_setspecific', 'int', ['uintptr_t', 'uintptr_t']);
    const addressOf = (name: string): number => Number(dlsym(defaultHandle, name));
    const keyDelete = addressOf('pthread_key_delete');
    this.#munmap = addressOf('munmap');
    this.#join = addressOf('pthread_join');
    this.#calls = new LastCalls({
      ...pages,
      view: (address, byteLength) => koffi.view(address, byteLength),
      onThreadEnd: (destructor, value) => {
        const key = new BigUint64Array(OFF_HEAP_WORDS);
        if (keyCreate(key, destructor) !== 0 || setSpecific(Number(key[0]), value) !== 0) return null;
        return Number(key[0]);
      },
      release: (address, byteLength) => this.#unmapping(address, byteLength),
      freeKey: (key) => [keyDelete, key, 0, 0],
      callTable: process.arch === 'arm64' ? arm64CallTableCode() : callTableCode(SYSTEM_V),
    });
  }

  keepMemory(address: number, byteLength: number): void {
    this.#calls.keep('memory', address, this.#unmapping(address, byteLength));
  }

  keepThread(handle: number, leave: number, argument: number): void {
    this.#calls.keep('thread', handle, [leave, argument, 0, 0], [this.#join, handle, 0, 0]);
  }

  drop(resource: number): void {
    this.#calls.drop(resource);
  }

  #unmapping(address: number, byteLength: number): LastCall {
    return [this.#munmap, address, byteLength, 0];
  }
}
