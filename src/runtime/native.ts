import { constants } from 'node:buffer';
import { getSystemErrorName } from 'node:util';
import { QwenAsrError } from '../error.js';

/*
 * The one importer of koffi: the few operating-system calls the machine-code backend needs, with addresses as plain
 * numbers (user-space addresses stay below 2^53). Everything here is POSIX on 64-bit little-endian systems.
 */

/** A function in generated code; integer arguments, no result. */
export interface NativeFunction {
  /** Runs on the calling thread. */
  call(...args: number[]): void;
  /** Runs on a thread of libuv's pool; resolves when it returns. */
  callAsync(...args: number[]): Promise<void>;
}

/** A memory-mapped file. */
export interface MappedFile {
  readonly buffer: ArrayBuffer;
  unmap(): void;
}

export interface Native {
  /** Zeroed, readable and writable, committed by the system page by page on first touch. */
  reserve(byteLength: number): number;
  release(address: number, byteLength: number): void;
  /** Makes pages readable and executable, and no longer writable. */
  seal(address: number, byteLength: number): void;
  /** Gives the pages back to the system; they read as zero afterwards. */
  discard(address: number, byteLength: number): void;
  /**
   * Maps the first `byteLength` bytes of an open file, which may be closed afterwards. The file must keep that length:
   * reading a page past its end kills the process.
   *
   * @throws QwenAsrError `file` that names `path`
   */
  mapFile(descriptor: number, byteLength: number, path: string): MappedFile;
  /** An ArrayBuffer over native memory; at most one view may exist for an address at a time. */
  view(address: number, byteLength: number): ArrayBuffer;
  /** Address of the memory behind an off-heap (≥ 1 KiB) typed array; valid while the array lives. */
  addressOf(bytes: Uint8Array): number;
  functionAt(address: number, parameters: number): NativeFunction;
  /** Starts a thread at `entry(argument)`, unknown to Node. @returns its handle for joinThread, or why there is none. */
  startThread(entry: number, argument: number): number | string;
  /** Waits for a thread to end. */
  joinThread(handle: number): void;
  /** Wakes every thread that sleeps in a futex at this address. */
  wakeAll(address: number): void;
}

/** Longest array of this version of Node.js: 4 GiB on 20. A longer view ends the process. */
const MAX_VIEW_BYTES = constants.MAX_LENGTH;

const PROT_READ = 1;
const PROT_WRITE = 2;
const PROT_EXEC = 4;
const MAP_SHARED = 1;
const MAP_PRIVATE = 2;
const MAP_ANONYMOUS = process.platform === 'darwin' ? 0x1000 : 0x20;
const MAP_NORESERVE = process.platform === 'darwin' ? 0x40 : 0x4000;
const MADV_DONTNEED = 4;
const MADV_HUGEPAGE = 14; // Linux only
const SYS_FUTEX = 202; // x86-64 Linux
const FUTEX_WAKE_PRIVATE = 129;
const EVERY_THREAD = 0x7fffffff;

let cached: Promise<Native | string> | undefined;

/**
 * Loads the operating-system calls.
 *
 * @returns the calls, or one line that says why there are none here (another platform, koffi not installed).
 */
export function loadNative(): Promise<Native | string> {
  cached ??= openNative(importKoffi);
  return cached;
}

/** {@link loadNative} with the import that may fail. */
export async function openNative(importer: () => Promise<Koffi>): Promise<Native | string> {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    return `machine code runs on Linux x86-64, this is ${process.platform} ${process.arch}`;
  }
  try {
    return bind(await importer());
  } catch (cause) {
    return `the optional package koffi cannot be loaded (${cause instanceof Error ? cause.message.split('\n')[0] : cause})`;
  }
}

type Koffi = typeof import('koffi')['default'];

async function importKoffi(): Promise<Koffi> {
  return (await import('koffi')).default;
}

function bind(koffi: Koffi): Native {
  const libc = koffi.load(null); // every symbol the process already has: libc, whichever it is
  const mmap = libc.func('mmap', 'intptr_t', ['uintptr_t', 'size_t', 'int', 'int', 'int', 'int64_t']);
  const munmap = libc.func('munmap', 'int', ['uintptr_t', 'size_t']);
  const mprotect = libc.func('mprotect', 'int', ['uintptr_t', 'size_t', 'int']);
  const madvise = libc.func('madvise', 'int', ['uintptr_t', 'size_t', 'int']);
  const pthreadCreate = libc.func('pthread_create', 'int', ['void *', 'void *', 'uintptr_t', 'uintptr_t']);
  const pthreadJoin = libc.func('pthread_join', 'int', ['uintptr_t', 'void *']);
  const syscall = libc.func('syscall', 'long', [
    'long',
    'uintptr_t',
    'int',
    'int',
    'uintptr_t',
    'uintptr_t',
    'int',
  ]);

  const map = (byteLength: number, protection: number, flags: number, fd: number): number | null => {
    const address = Number(mmap(0, byteLength, protection, flags, fd, 0));
    return address === -1 ? null : address;
  };
  /** koffi keeps every type that was ever declared: one for each number of parameters. */
  const functionTypes: ReturnType<Koffi['proto']>[] = [];

  return {
    reserve: (byteLength) => {
      if (byteLength > MAX_VIEW_BYTES) {
        const found = `${byteLength} bytes of memory at once are more than an array of Node.js can hold`;
        throw new QwenAsrError('memory', found);
      }
      const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
      const address = map(byteLength, PROT_READ | PROT_WRITE, flags, -1);
      if (address !== null) return address;
      throw new QwenAsrError('memory', `the system refused ${byteLength} bytes of memory`);
    },
    release: (address, byteLength) => {
      munmap(address, byteLength);
    },
    seal: (address, byteLength) => {
      if (mprotect(address, byteLength, PROT_READ | PROT_EXEC) !== 0) {
        throw new QwenAsrError('unsupported', 'this system does not let a process make memory executable');
      }
    },
    discard: (address, byteLength) => {
      madvise(address, byteLength, MADV_DONTNEED);
    },
    mapFile: (descriptor, byteLength, path) => {
      if (byteLength > MAX_VIEW_BYTES) {
        const room = `${MAX_VIEW_BYTES} bytes, as an array of Node.js ${process.versions.node} holds (22 holds more)`;
        const line = `expected at most ${room}, found ${byteLength}`;
        throw new QwenAsrError('unsupported', `${path}: ${line}`);
      }
      const address = map(byteLength, PROT_READ, MAP_SHARED, descriptor);
      if (address === null) throw new QwenAsrError('file', `${path}: cannot map ${byteLength} bytes`);
      madvise(address, byteLength, MADV_HUGEPAGE);
      return { buffer: koffi.view(address, byteLength), unmap: () => void munmap(address, byteLength) };
    },
    view: (address, byteLength) => koffi.view(address, byteLength),
    addressOf: (bytes) => Number(koffi.address(bytes)),
    functionAt: (address, parameters) => {
      functionTypes[parameters] ??= koffi.proto('void', new Array(parameters).fill('intptr_t'));
      const type = functionTypes[parameters];
      const native = koffi.decode(address, type);
      return {
        call: native,
        callAsync: (...args) =>
          new Promise((resolve, reject) => {
            native.async(...args, (error: Error | null) => (error === null ? resolve() : reject(error)));
          }),
      };
    },
    startThread: (entry, argument) => {
      const handle = new BigUint64Array(128); // one word is used; this size lives outside the moving heap
      const result = pthreadCreate(handle, null, entry, argument);
      return result === 0 ? Number(handle[0]) : `the system refuses more (${getSystemErrorName(-result)})`;
    },
    joinThread: (handle) => {
      pthreadJoin(handle, null);
    },
    wakeAll: (address) => {
      syscall(SYS_FUTEX, address, FUTEX_WAKE_PRIVATE, EVERY_THREAD, 0, 0, 0);
    },
  };
}
