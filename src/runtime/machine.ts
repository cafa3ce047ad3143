import type { Capabilities, KernelCode } from '../jit/ir.js';

/** Memory that kernels can address. */
export interface MemoryRange {
  /** Address of the first byte, as kernels see it; a multiple of 64. */
  readonly address: number;
  readonly byteLength: number;
}

/** Memory that is seen from JavaScript as well, through `buffer`. */
export interface Region extends MemoryRange {
  /** Position of the region's first byte in `buffer`. */
  readonly bufferOffset: number;
  readonly buffer: ArrayBufferLike;
}

/** Bytes that kernels can read. */
export interface Placed {
  readonly address: number;
  /** Bytes of extra memory this took: 0 where the data is used in place. */
  readonly copiedBytes: number;
}

/** What participants other than the first run, by the names of Machine.install; each takes their `self`. */
export interface WorkerKernels {
  /** Sleeps until a pass starts, joins it, and so on until told to leave: for threads that run nothing else. */
  readonly loop: number;
  /** Joins the current pass once: for threads that the machine wakes itself. */
  readonly join: number;
  /** Ends every `loop`: for a machine whose owner is gone. */
  readonly leave: number;
}

/**
 * Something that runs kernels: machine code on threads of its own, or WebAssembly on workers. Everything above it
 * (operators, tapes, arena) is the same for both.
 */
export interface Machine {
  readonly name: 'x64' | 'arm64' | 'wasm';
  /** Instruction set level or features, for example `avx2` or `neon+lse+dotprod`. */
  readonly isa: string;
  readonly capabilities: Capabilities;
  /** Bits of a 512-bit vector that the units multiply at a time; null where vectors are shorter, or nothing tells. */
  readonly datapathBits: number | null;
  /** Participants in a pass, the caller's own included: fewer than asked for where the system refuses threads. */
  readonly threadCount: number;
  /** Why there are fewer participants than asked for; null where there are as many. */
  readonly refusal: string | null;
  /**
   * Memory that is zero, or, where a region was released before, what that held.
   *
   * @throws QwenAsrError `memory`
   */
  reserve(byteLength: number): Region;
  /**
   * At least so much in large pages, as files are mapped, where the system has them. For kernels alone: of every array over so
   * much memory V8 collects its garbage, which took a fifth of the time that a model is loaded in.
   */
  reserveLarge?(byteLength: number): MemoryRange;
  release(region: MemoryRange): void;
  /** Gives memory back to the system as far as it can; it reads as zero or stays as it is. Nothing after close(). */
  discard(region: Region, offset: number, byteLength: number): void;
  /** Makes constant bytes addressable, in place where possible. They must stay alive and unchanged. */
  place(bytes: Uint8Array): Placed;
  /** Compiles kernels. @returns what `call` instructions and tapes name them by. */
  install(kernels: readonly KernelCode[]): number[];
  /** Resolves when all participants have what was installed: a pass must not start before. Null: they do. */
  readonly installing?: Promise<void> | null;
  /** Runs kernel(...args) off the event loop, as the first participant of a pass. */
  enter(kernel: number, ...args: number[]): Promise<void>;
  /** Wakes sleeping participants, the first `wanted` at least; called after the word at `epoch` changed. */
  wake(epoch: number, wanted: number): void;
  /** Tells the machine how its other participants take part: one `self` each, once. Settles `threadCount`. */
  startWorkers(kernels: WorkerKernels, selves: readonly number[]): void;
  close(): Promise<void>;
}
