import { resolve, toNamespacedPath } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import { QwenAsrError } from '../../error.js';
import { callTableCode, MICROSOFT } from './callTable.js';
import { type LastCall, LastCalls } from './lastCalls.js';
import { takeLockPrivilege } from './lockPrivilege.js';
import { checkMapping, checkReservation, functionCaller, type Koffi, type Native } from './native.js';
import { awaitLeftCode, THREAD_SLOT, windowsGateCode } from './windowsGate.js';

/** Constants of memoryapi.h, fileapi.h and synchapi.h. */
const MEM_COMMIT = 0x1000;
const MEM_RESERVE = 0x2000;
const MEM_DECOMMIT = 0x4000;
const MEM_RELEASE = 0x8000;
const MEM_LARGE_PAGES = 0x2000_0000;
const PAGE_READONLY = 0x02;
const PAGE_READWRITE = 0x04;
const PAGE_EXECUTE_READ = 0x20;
const FILE_MAP_READ = 4;
const GENERIC_READ = 0x8000_0000;
const SHARE_ALL = 1 | 2 | 4;
const OPEN_EXISTING = 3;
const INVALID_HANDLE = -1;
const FOREVER = 0xffffffff;
/** FLS_OUT_OF_INDEXES. */
const NO_INDEX = 0xffffffff;

const PAGE_BYTES = 4096;

/** Room for a gate. */
const GATE_BYTES = 1024;
/** Arguments that the gates pass on. */
const SHORT_PARAMETERS = 3;
const LONG_PARAMETERS = 6;

type System = ReturnType<typeof bindSystem>;

/** 64-bit Windows from version 8 on. */
export function openWindows(koffi: Koffi): Native {
  const system = bindSystem(koffi);
  const view = (address: number, byteLength: number): ArrayBuffer => koffi.view(address, byteLength);
  const reserve = (byteLength: number): number => {
    checkReservation(byteLength);
    const address = Number(system.virtualAlloc(0, byteLength, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE));
    if (address !== 0) return address;
    throw new QwenAsrError('memory', `the system refused ${byteLength} bytes of memory`);
  };
  const seal = (address: number, byteLength: number): void => {
    if (system.virtualProtect(address, byteLength, PAGE_EXECUTE_READ, new Uint32Array(256)) === 0) {
      throw new QwenAsrError('unsupported', 'this system does not let a process make memory executable');
    }
    system.flushInstructionCache(-1, address, byteLength); // -1: this process
  };
  let made: ReturnType<typeof makeGates> | undefined;
  const gates = (): ReturnType<typeof makeGates> => {
    made ??= makeGates(system, { reserve, seal, view });
    return made;
  };
  const held = isMainThread ? null : new LastCalls(threadSystem(system, { reserve, seal, view }));
  const call = functionCaller(koffi);
  const { addressOf } = system;
  const freeing = (address: number): LastCall => [addressOf('VirtualFree'), address, 0, MEM_RELEASE];
  /** What each thread was started with, by its handle. */
  const slots = new Map<number, number>();

  return {
    isTested: false,
    pageBytes: PAGE_BYTES,
    // What is committed counts against all memory that there is, touched or not.
    regionBytes: 2 ** 26,
    lookAgainMs: 500,
    waits: {
      kind: 'windows',
      wait: addressOf('WaitOnAddress'),
      wakeAll: addressOf('WakeByAddressAll'),
    },
    wakeAll: (address) => {
      system.wakeByAddressAll(address);
    },
    reserve: (byteLength, largePages = false) => {
      const address = (largePages ? reserveLarge(system, byteLength) : null) ?? reserve(byteLength);
      held?.keep('memory', address, freeing(address));
      return address;
    },
    release: (address) => {
      held?.drop(address);
      system.virtualFree(address, 0, MEM_RELEASE);
    },
    seal,
    discard: (address, byteLength) => {
      system.virtualFree(address, byteLength, MEM_DECOMMIT);
      system.virtualAlloc(address, byteLength, MEM_COMMIT, PAGE_READWRITE);
    },
    forget: (address, byteLength) => {
      system.virtualUnlock(address, byteLength); // pages that are not locked leave the working set
    },
    mapFile: (_, byteLength, path) => {
      checkMapping(byteLength, path);
      const address = mapWhole(system, path, byteLength);
      if (address === null) return null;
      held?.keep('memory', address, [addressOf('UnmapViewOfFile'), address, 0, 0]);
      return {
        buffer: view(address, byteLength),
        unmap: () => {
          held?.drop(address);
          system.unmapViewOfFile(address);
        },
      };
    },
    view,
    addressOf: (bytes) => Number(koffi.address(bytes)),
    functionAt: (address, parameters) => {
      const isShort = parameters <= SHORT_PARAMETERS;
      const gate = isShort ? call(gates().short, parameters + 1) : call(gates().long, LONG_PARAMETERS + 1);
      const rest = new Array(isShort ? 0 : LONG_PARAMETERS - parameters).fill(0);
      return {
        call: (...args) => gate.call(address, ...args, ...rest),
        callAsync: (...args) => gate.callAsync(address, ...args, ...rest),
      };
    },
    startThread: (entry, argument, leave) => {
      const slot = reserve(PAGE_BYTES);
      new BigInt64Array(view(slot, THREAD_SLOT.byteLength)).set([BigInt(entry), BigInt(argument)]);
      const handle = Number(system.createThread(0, 0, gates().start, slot, 0, 0));
      if (handle === 0) {
        system.virtualFree(slot, 0, MEM_RELEASE);
        return 'the system refuses more';
      }
      slots.set(handle, slot);
      held?.keep(
        'thread',
        handle,
        [gates().short, leave, argument, 0],
        [gates().awaitLeft, slot, 0, 0],
        [addressOf('CloseHandle'), handle, 0, 0],
        freeing(slot),
      );
      return handle;
    },
    joinThread: (handle) => {
      held?.drop(handle);
      system.waitForSingleObject(handle, FOREVER);
      system.closeHandle(handle);
      system.virtualFree(slots.get(handle) ?? 0, 0, MEM_RELEASE);
      slots.delete(handle);
    },
  };
}

/** The functions of kernel32 and of kernelbase, which has those that wait for a word. */
function bindSystem(koffi: Koffi) {
  const kernel32 = koffi.load('kernel32.dll');
  const kernelBase = koffi.load('kernelbase.dll');
  const getModuleHandle = kernel32.func('GetModuleHandleW', 'intptr_t', ['str16']);
  let mayLock: boolean | undefined;
  const getProcAddress = kernel32.func('GetProcAddress', 'uintptr_t', ['intptr_t', 'str']);
  return {
    virtualAlloc: kernel32.func('VirtualAlloc', 'uintptr_t', ['uintptr_t', 'size_t', 'uint32_t', 'uint32_t']),
    virtualFree: kernel32.func('VirtualFree', 'int', ['uintptr_t', 'size_t', 'uint32_t']),
    virtualProtect: kernel32.func('VirtualProtect', 'int', ['uintptr_t', 'size_t', 'uint32_t', 'void *']),
    virtualUnlock: kernel32.func('VirtualUnlock', 'int', ['uintptr_t', 'size_t']),
    flushInstructionCache: kernel32.func('FlushInstructionCache', 'int', ['intptr_t', 'uintptr_t', 'size_t']),
    /** Asked once, when large pages are first wanted. */
    mayLockMemory: (): boolean => {
      mayLock ??= takeLockPrivilege(koffi);
      return mayLock;
    },
    largePageMinimum: kernel32.func('GetLargePageMinimum', 'size_t', []),
    createFile: kernel32.func('CreateFileW', 'intptr_t', [
      'str16',
      'uint32_t',
      'uint32_t',
      'uintptr_t',
      'uint32_t',
      'uint32_t',
      'intptr_t',
    ]),
    createFileMapping: kernel32.func('CreateFileMappingW', 'intptr_t', [
      'intptr_t',
      'uintptr_t',
      'uint32_t',
      'uint32_t',
      'uint32_t',
      'str16',
    ]),
    mapViewOfFile: kernel32.func('MapViewOfFile', 'uintptr_t', [
      'intptr_t',
      'uint32_t',
      'uint32_t',
      'uint32_t',
      'size_t',
    ]),
    unmapViewOfFile: kernel32.func('UnmapViewOfFile', 'int', ['uintptr_t']),
    closeHandle: kernel32.func('CloseHandle', 'int', ['intptr_t']),
    createThread: kernel32.func('CreateThread', 'intptr_t', [
      'uintptr_t',
      'size_t',
      'uintptr_t',
      'uintptr_t',
      'uint32_t',
      'uintptr_t',
    ]),
    waitForSingleObject: kernel32.func('WaitForSingleObject', 'uint32_t', ['intptr_t', 'uint32_t']),
    flsAlloc: kernel32.func('FlsAlloc', 'uint32_t', ['uintptr_t']),
    flsSetValue: kernel32.func('FlsSetValue', 'int', ['uint32_t', 'uintptr_t']),
    wakeByAddressAll: kernelBase.func('WakeByAddressAll', 'void', ['uintptr_t']),
    /** Of a function of the system. */
    addressOf: (name: string): number => {
      const address = Number(getProcAddress(getModuleHandle('kernelbase.dll'), name));
      if (address === 0) throw new Error(`${name} is missing: Windows 8 or later is needed`);
      return address;
    },
  };
}

/** The gates that calls from outside and new threads go through; they stay as long as the process. */
function makeGates(
  { addressOf }: System,
  { reserve, seal, view }: Pick<Native, 'reserve' | 'seal' | 'view'>,
) {
  const [short, long, start, awaitLeft] = [0, 1, 2, 3].map((i) => i * GATE_BYTES) as [
    number,
    number,
    number,
    number,
  ];
  const page = reserve(PAGE_BYTES);
  const bytes = new Uint8Array(view(page, PAGE_BYTES));
  bytes.set(windowsGateCode('short'), short);
  bytes.set(windowsGateCode('long'), long);
  bytes.set(windowsGateCode('slot'), start);
  bytes.set(awaitLeftCode(addressOf('Sleep')), awaitLeft);
  seal(page, PAGE_BYTES);
  return { short: page + short, long: page + long, start: page + start, awaitLeft: page + awaitLeft };
}

/** Large pages need the right to lock memory, which hardly anybody has: null is the rule, and nothing is tried then. */
function reserveLarge(system: System, byteLength: number): number | null {
  if (!system.mayLockMemory()) return null;
  const largeBytes = Number(system.largePageMinimum());
  if (largeBytes === 0) return null;
  const rounded = Math.ceil(byteLength / largeBytes) * largeBytes;
  checkReservation(rounded);
  const kind = MEM_RESERVE | MEM_COMMIT | MEM_LARGE_PAGES;
  const address = Number(system.virtualAlloc(0, rounded, kind, PAGE_READWRITE));
  return address === 0 ? null : address;
}

/** @returns null where the file cannot be mapped, and may be read */
function mapWhole(system: System, path: string, byteLength: number): number | null {
  const name = toNamespacedPath(resolve(path));
  const file = Number(system.createFile(name, GENERIC_READ, SHARE_ALL, 0, OPEN_EXISTING, 0, 0));
  if (file === INVALID_HANDLE) return null;
  const mapping = Number(system.createFileMapping(file, 0, PAGE_READONLY, 0, 0, null));
  const address = mapping === 0 ? 0 : Number(system.mapViewOfFile(mapping, FILE_MAP_READ, 0, 0, byteLength));
  // The view keeps what it needs of both.
  if (mapping !== 0) system.closeHandle(mapping);
  system.closeHandle(file);
  return address === 0 ? null : address;
}

/** What gives back the resources of a worker thread of Node when it ends: a callback of fiber-local storage. */
function threadSystem(system: System, pages: Pick<Native, 'reserve' | 'seal' | 'view'>) {
  return {
    ...pages,
    onThreadEnd: (callback: number, value: number): number | null => {
      const index = system.flsAlloc(callback);
      return index === NO_INDEX || system.flsSetValue(index, value) === 0 ? null : index;
    },
    release: (address: number): LastCall => [system.addressOf('VirtualFree'), address, 0, MEM_RELEASE],
    // The system may hold its table of indexes while it calls back; it has thousands of them.
    freeKey: () => null,
    callTable: callTableCode(MICROSOFT),
  };
}
