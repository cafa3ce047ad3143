import { constants } from 'node:buffer';
import { QwenAsrError } from '../../error.js';
import type { Arm64Features } from '../../jit/arm64/features.js';
import type { SystemWaits } from '../../jit/systemWaits.js';

/** The library that calls the system. */
export type Koffi = typeof import('koffi')['default'];

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

/**
 * What the machine-code backend asks of an operating system, with addresses as plain numbers: those of user space stay
 * below 2^53. Each system has a file beside this one.
 */
export interface Native {
  /** Whether all tests run on this system; otherwise machine code is tried before it is used. */
  readonly isTested: boolean;
  /** Of a page, whose protection is changed as a whole. */
  readonly pageBytes: number;
  /** Address space that is well taken at once: systems differ in what they charge for memory that nobody has touched. */
  readonly regionBytes: number;
  /**
   * How old the last look at mapped files may be when a pass begins: 0 where one that is cut short ends the process. Windows
   * refuses to cut them, and takes its time for a look.
   */
  readonly lookAgainMs: number;
  /** What the system says of an arm64 processor; absent where a file does (`detectArm64Features`). */
  readonly arm64Features?: () => Arm64Features;
  /**
   * Asks for leave to use AMX's tiles in this process, on every thread; absent where nobody gives it. Idempotent.
   *
   * @returns whether it is given
   */
  readonly requestTiles?: () => boolean;
  /** How generated code sleeps and wakes. */
  readonly waits: SystemWaits;
  /**
   * Zeroed, readable and writable, given memory page by page on first touch.
   *
   * @param largePages asks for pages of 2 MiB; the system may decline
   */
  reserve(byteLength: number, largePages?: boolean): number;
  release(address: number, byteLength: number): void;
  /** Makes pages readable and executable, and no longer writable; processors see the new code. */
  seal(address: number, byteLength: number): void;
  /** Gives whole pages of reserved memory back to the system; they read as zero afterwards. */
  discard(address: number, byteLength: number): void;
  /** Lets go of whole pages of a mapped file, which are read again when they are used. */
  forget(address: number, byteLength: number): void;
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
  /** A function of generated code that is called from outside; it takes at most six arguments. */
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
  /** Wakes every thread that sleeps on the word at this address. */
  wakeAll(address: number): void;
}

/** Longest array of this version of Node.js: 4 GiB on 20. A longer view ends the process. */
const MAX_VIEW_BYTES = constants.MAX_LENGTH;

/** Arrays of this length live outside of the moving heap, however few of their 8-byte words are used. */
export const OFF_HEAP_WORDS = 128;

/** @throws QwenAsrError `memory` for more than an array can show */
export function checkReservation(byteLength: number): void {
  if (byteLength <= MAX_VIEW_BYTES) return;
  const found = `${byteLength} bytes of memory at once are more than an array of Node.js can hold`;
  throw new QwenAsrError('memory', found);
}

/** @throws QwenAsrError `unsupported` for a file that is longer than an array can show */
export function checkMapping(byteLength: number, path: string): void {
  if (byteLength <= MAX_VIEW_BYTES) return;
  const room = `${MAX_VIEW_BYTES} bytes, as an array of Node.js ${process.versions.node} holds (22 holds more)`;
  throw new QwenAsrError('unsupported', `${path}: expected at most ${room}, found ${byteLength}`);
}

/** What generated code is called by, where its convention is the platform's own. */
export function functionCaller(koffi: Koffi): Native['functionAt'] {
  /** koffi keeps every type that was ever declared: one for each number of parameters. */
  const types: ReturnType<Koffi['proto']>[] = [];
  return (address, parameters) => {
    types[parameters] ??= koffi.proto('void', new Array(parameters).fill('intptr_t'));
    const native = koffi.decode(address, types[parameters]);
    return {
      call: native,
      callAsync: (...args) =>
        new Promise((resolve, reject) => {
          native.async(...args, (error: Error | null) => (error === null ? resolve() : reject(error)));
        }),
    };
  };
}
