import { constants } from 'node:buffer';
import { getSystemErrorName } from 'node:util';
import { isMainThread } from 'node:worker_threads';
import { QwenAsrError } from '../error.js';
import { type LastCall, LastCalls } from './lastCalls.js';

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
interface MappedFile {
  readonly buffer: ArrayBuffer;
  unmap(): void;
}

export interface Native {
  /**
   * Zeroed, readable and writable, committed by the system page by page on first touch.
   *
   * @param largePages asks for pages of 2 MiB; the system may decline
   */
  reserve(byteLength: number, largePages?: boolean): number;
  release(address: number, byteLength: number): void;
  /** Makes pages readable and executable, and no longer writable. */
  seal(address: number, byteLength: number): void;
  /** Gives the pages back to the system; they read as zero afterwards. */
  discard(address: number, byteLength: number): void;
  /**
   * Maps the first `byteLength` bytes of an open file, which may be closed afterwards. The file must keep that length:
   * reading a page past its end kills the process.
   *
   * @returns null where the file system has no mappings, or the system no room for one
   * @throws QwenAsrError `unsupported` that names `path`, for a file longer than an array
   */
  mapFile(descriptor: number, byteLength: number, path: string): MappedFile | null;
  /** An ArrayBuffer over native memory; at most one view may exist for an address at a time. */
  view(address: number, byteLength: number): ArrayBuffer;
  /** Address of the memory behind an off-heap (≥ 1 KiB) typed array; valid while the array lives. */
  addressOf(bytes: Uint8Array): number;
  functionAt(address: number, parameters: number): NativeFunction;
  /**
   * Starts a thread at `entry(argument)`, unknown to Node; `leave(argument)` must make it return, and is called when a
   * worker thread of Node ends that did not join it.
   *
   * @returns its handle for joinThread, or why there is none.
   */
  startThread(entry: number, argument: number, leave: number): number | string;
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

/** Arrays of this length live outside of the moving heap, however few of their 8-byte words are used. */
const OFF_HEAP_WORDS = 128;

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
    const native = bind(await importer());
    return refusesViews(native) ?? native;
  } catch (cause) {
    return `the optional package koffi cannot be loaded (${cause instanceof Error ? cause.message.split('\n')[0] : cause})`;
  }
}

/** Electron allows no arrays over memory that is not V8's. @returns one line that says so, or null */
function refusesViews(native: Native): string | null {
  const page = native.reserve(4096);
  try {
    const words = new Uint8Array(native.view(page, 4096));
    return words.length === 4096 ? null : 'this runtime shows no memory of the system';
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split('\n')[0] : String(cause);
    return `this runtime allows no arrays over the system's memory, as Electron (${reason})`;
  } finally {
    native.release(page, 4096);
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
  const reserve = (byteLength: number): number => {
    if (byteLength > MAX_VIEW_BYTES) {
      const found = `${byteLength} bytes of memory at once are more than an array of Node.js can hold`;
      throw new QwenAsrError('memory', found);
    }
    const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    const address = map(byteLength, PROT_READ | PROT_WRITE, flags, -1);
    if (address !== null) return address;
    throw new QwenAsrError('memory', `the system refused ${byteLength} bytes of memory`);
  };
  const seal = (address: number, byteLength: number): void => {
    if (mprotect(address, byteLength, PROT_READ | PROT_EXEC) === 0) return;
    throw new QwenAsrError('unsupported', 'this system does not let a process make memory executable');
  };
  const held = isMainThread ? null : trackHeld(koffi, libc, { reserve, seal });
  const unmap = (address: number, byteLength: number): void => {
    held?.drop(address);
    munmap(address, byteLength);
  };
  /** koffi keeps every type that was ever declared: one for each number of parameters. */
  const functionTypes: ReturnType<Koffi['proto']>[] = [];

  return {
    reserve: (byteLength, largePages = false) => {
      const address = reserve(byteLength);
      if (largePages) madvise(address, byteLength, MADV_HUGEPAGE);
      held?.keepMemory(address, byteLength);
      return address;
    },
    release: unmap,
    seal,
    discard: (address, byteLength) => {
      madvise(address, byteLength, MADV_DONTNEED);
    },
    mapFile: (descriptor, byteLength, path) => {
      if (byteLength > MAX_VIEW_BYTES) {
        const room = `${MAX_VIEW_BYTES} bytes, as an array of Node.js ${process.versions.node} holds (22 holds more)`;
        const line = `expected at most ${room}, found ${byteLength}`;
        throw new QwenAsrError('unsupported', `${path}: ${line}`);
      }
      // Some file systems, FUSE's with direct_io among them, know private mappings only.
      const address =
        map(byteLength, PROT_READ, MAP_SHARED, descriptor) ??
        map(byteLength, PROT_READ, MAP_PRIVATE, descriptor);
      if (address === null) return null;
      held?.keepMemory(address, byteLength);
      madvise(address, byteLength, MADV_HUGEPAGE);
      return { buffer: koffi.view(address, byteLength), unmap: () => unmap(address, byteLength) };
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
    startThread: (entry, argument, leave) => {
      const handle = new BigUint64Array(OFF_HEAP_WORDS);
      const result = pthreadCreate(handle, null, entry, argument);
      if (result !== 0) return `the system refuses more (${getSystemErrorName(-result)})`;
      held?.keepThread(Number(handle[0]), leave, argument);
      return Number(handle[0]);
    },
    joinThread: (handle) => {
      held?.drop(handle);
      pthreadJoin(handle, null);
    },
    wakeAll: (address) => {
      syscall(SYS_FUTEX, address, FUTEX_WAKE_PRIVATE, EVERY_THREAD, 0, 0, 0);
    },
  };
}

/** What a worker thread of Node holds of the system, so that it is given back when that thread ends. */
interface HeldResources {
  keepMemory(address: number, byteLength: number): void;
  keepThread(handle: number, leave: number, argument: number): void;
  /** Memory by its address, or a thread by its handle; before it is given back. */
  drop(resource: number): void;
}

function trackHeld(
  koffi: Koffi,
  libc: ReturnType<Koffi['load']>,
  pages: Pick<Native, 'reserve' | 'seal'>,
): HeldResources {
  const dlsym = libc.func('dlsym', 'uintptr_t', ['uintptr_t', 'str']);
  const keyCreate = libc.func('pthread_key_create', 'int', ['void *', 'uintptr_t']);
  const setSpecific = libc.func('pthread_setspecific', 'int', ['uint32_t', 'uintptr_t']);
  const addressOf = (name: string): number => Number(dlsym(0, name));
  const [munmap, join] = [addressOf('munmap'), addressOf('pthread_join')];
  const calls = new LastCalls({
    ...pages,
    view: (address, byteLength) => koffi.view(address, byteLength),
    onThreadEnd: (destructor, value) => {
      const key = new Uint32Array(2 * OFF_HEAP_WORDS);
      if (keyCreate(key, destructor) !== 0 || setSpecific(key[0], value) !== 0) return null;
      return key[0]!;
    },
    addressOfMunmap: munmap,
    addressOfKeyDelete: addressOf('pthread_key_delete'),
  });
  const held = new Map<number, readonly LastCall[]>();
  return {
    keepMemory: (address, byteLength) => {
      const call = [munmap, address, byteLength] as const;
      held.set(address, [call]);
      calls.add('memory', call);
    },
    keepThread: (handle, leave, argument) => {
      const pair = [
        [leave, argument, 0],
        [join, handle, 0],
      ] as const;
      held.set(handle, pair);
      for (const call of pair) calls.add('thread', call);
    },
    drop: (resource) => {
      for (const call of held.get(resource) ?? []) calls.remove(call);
      held.delete(resource);
    },
  };
}
