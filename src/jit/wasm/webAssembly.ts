import { QwenAsrError } from '../../error.js';
import type { Capabilities, Tuning } from '../ir.js';
import { type MemoryImport, writeModule } from './binaryFormat.js';
import { TypedCode } from './typedCode.js';

/** A compiled module; may be posted to workers. */
export interface WasmModule {
  readonly [moduleBrand]?: never;
}
declare const moduleBrand: unique symbol;

/** A linear memory; posting a shared one to a worker shares it. */
export interface WasmMemory {
  /** Another object after every `grow`; of a shared memory the earlier ones keep showing what they did. */
  readonly buffer: ArrayBufferLike;
  /** By so many pages of 64 KiB; a bigint where the memory was described with bigints. */
  grow(pages: number | bigint): unknown;
}

/** Functions that can be called by index; not shareable between threads. */
export interface WasmTable {
  readonly length: number;
  get(index: number): unknown;
  set(index: number, value: unknown): void;
  grow(by: number): number;
}

/** i64 parameters are bigints, i32 numbers. */
export type WasmFunction = (...args: (number | bigint)[]) => void;

/** The part of the JavaScript API this project uses; the types would otherwise come with all of the DOM's. */
export interface WebAssemblyApi {
  validate(bytes: Uint8Array<ArrayBuffer>): boolean;
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => WasmModule;
  readonly Instance: new (
    module: WasmModule,
    imports: { readonly env: Readonly<Record<string, WasmMemory | WasmTable | WasmFunction>> },
  ) => { readonly exports: Readonly<Record<string, WasmFunction>> };
  readonly Memory: new (descriptor: Readonly<Record<string, unknown>>) => WasmMemory;
  readonly Table: new (descriptor: { element: 'anyfunc'; initial: number }) => WasmTable;
}

/** The runtime's WebAssembly, or an `unsupported` error where there is none (a few hardened browsers). */
export function webAssembly(): WebAssemblyApi {
  const { WebAssembly: api } = globalThis as unknown as { WebAssembly?: WebAssemblyApi };
  if (api === undefined)
    throw new QwenAsrError('unsupported', 'WebAssembly: this runtime has none or has it switched off');
  return api;
}

/** What the generated WebAssembly may use and how its memory is made. */
export interface WasmTarget {
  /** Fused multiply-add and single-instruction rounding (`relaxed-simd` proposal). */
  readonly relaxedSimd: boolean;
  /** The engine has one instruction of the CPU for the relaxed dot product of bytes with its sum; else two take less. */
  readonly fusesByteDot?: boolean;
  /** 64-bit addresses, for memories above 4 GiB (`memory64` proposal). */
  readonly memory64: boolean;
  /** The memory is shared between threads, so that waiting and waking work. */
  readonly sharedMemory: boolean;
}

/** What the runtime's WebAssembly can do, beyond its first version. */
export interface WasmFeatures {
  /** 128-bit vectors: nothing here works without. */
  readonly simd: boolean;
  /** `relaxed-simd`: fused multiply-add. Node 21 and later, Chrome 114. */
  readonly relaxedSimd: boolean;
  /** Shared memories and atomics; in a browser only for pages that are cross-origin isolated. */
  readonly threads: boolean;
  /** `memory64`: memories above 4 GiB. Node 22 and later, Chrome 133. */
  readonly memory64: boolean;
}

const PLAIN: MemoryImport = { isShared: false, addressType: 'i32' };

/** Asks the runtime to validate a tiny module for each feature; runs none. */
export function wasmFeatures(): WasmFeatures {
  return {
    simd: validates(PLAIN, (code) => {
      code.v128([0, 0, 0, 0]);
      code.drop('v128');
    }),
    relaxedSimd: validates(PLAIN, (code) => {
      for (let i = 0; i < 3; i++) code.v128([0, 0, 0, 0]);
      code.op('f32x4.relaxed_madd');
      code.drop('v128');
    }),
    threads:
      typeof SharedArrayBuffer !== 'undefined' &&
      validates({ isShared: true, addressType: 'i32' }, (code) => {
        code.i32(0);
        code.memory('i32.atomic.load', 0);
        code.drop('i32');
      }),
    memory64: validates({ isShared: false, addressType: 'i64' }, (code) => {
      code.i64(0);
      code.memory('i32.load', 0);
      code.drop('i32');
    }),
  };
}

/**
 * Whether the engine multiplies bytes and adds the sums in one instruction of the CPU: a tiny module is run on bytes for
 * which the standard leaves the choice. An instruction that does it at once gives the exact sum for bytes with a sign or
 * without; others give twice the largest number of 16 bits, which pairs of products are cut off at, or (the baseline
 * compiler of V8 11.3, which keeps two values in one register) what is wrong for any bytes.
 *
 * @example
 * const fusesByteDot = wasmFeatures().relaxedSimd && fusesByteDots();
 */
export function fusesByteDots(): boolean {
  const api = webAssembly();
  const code = new TypedCode('probe', ['i32'], 'i32');
  code.get(code.params[0]!);
  for (const bits of [0x7f7f7f7f, 0xffffffff, 0]) code.v128([bits, bits, bits, bits]);
  code.op('i32x4.relaxed_dot_i8x16_i7x16_add_s');
  code.memory('v128.store', 0);
  const functions = [{ name: 'probe', typeIndex: 1, body: code.finish() }];
  const types = [['i32', 'i32'] as const, ['i32'] as const];
  const bytes = writeModule({ memory: PLAIN, importsTable: false, waitTypeIndex: 0, types, functions });
  const memory = new api.Memory({ initial: 1 });
  const { exports } = new api.Instance(new api.Module(bytes), {
    env: { memory, wait: () => {}, clock: () => {} },
  });
  exports['0']!(0);
  const [sum] = new Int32Array(memory.buffer, 0, 1);
  return sum === 4 * 127 * 255 || sum === 4 * 127 * -1;
}

/**
 * What kernel bodies may ask for when they are written for WebAssembly, with or without relaxed SIMD; `tuning` replaces
 * what was measured.
 */
export function wasmCapabilities(relaxedSimd = false, tuning: Partial<Tuning> = {}): Capabilities {
  return {
    lanes: 4,
    pairDot: false,
    byteDot: false,
    smallByteDot: relaxedSimd,
    pairMatrix: false,
    tiles: false,
    elementProducts: false,
    elementSources: false,
    shiftsBytes: false,
    // Locals are unlimited, but the engine keeps them in 16 (x86-64) or 32 (arm64) registers and spills the rest:
    // guidance for the size of matmul tiles.
    vecRegisters: 16,
    intRegisters: 64,
    registersAreVirtual: true,
    widensInPairs: true,
    // Engines spill in a full house, and are fastest with 8 accumulators. Arithmetic is the limit of a stream from 3
    // rows on, and the tiled product is 5 to 8 % faster at 4.
    tuning: {
      tileRows: 2,
      l1Bytes: 32 * 1024, // nothing tells
      l2Bytes: 512 * 1024,
      kSegmentBytes: 0,
      streamGroups: 1,
      loadsAhead: 0,
      sideBySideRows: 0,
      streams: 1,
      unroll: 4,
      prefetchBytes: 4096,
      prefetchLevel: 0,
      widenOnce: 0,
      pairsAsF32: 0,
      transposes: 0,
      ...tuning,
    },
  };
}

function validates(memory: MemoryImport, write: (code: TypedCode) => void): boolean {
  const code = new TypedCode('probe', [], memory.addressType);
  write(code);
  const functions = [{ name: 'probe', typeIndex: 1, body: code.finish() }];
  const types = [[memory.addressType, 'i32'] as const, []];
  return webAssembly().validate(
    writeModule({ memory, importsTable: false, waitTypeIndex: 0, types, functions }),
  );
}

const PAGE_BYTES = 65536;

/** The largest memory with 32-bit addresses, in bytes. */
const MAX_BYTES_32 = 2 ** 32;

/**
 * A zeroed memory, rounded up to 64 KiB, that modules for `target` accept.
 *
 * @param mostBytes what growWasmMemory may make of it, where the runtime agrees
 * @throws QwenAsrError `memory` when there is not as much; `unsupported` when it takes more than 4 GiB and the target
 * has 32-bit addresses.
 */
export function createWasmMemory(bytes: number, target: WasmTarget, mostBytes = bytes): WasmMemory {
  const pages = Math.ceil(bytes / PAGE_BYTES);
  const mostPages = Math.max(pages, Math.floor(mostBytes / PAGE_BYTES));
  if (!target.memory64 && pages * PAGE_BYTES > MAX_BYTES_32)
    throw new QwenAsrError(
      'unsupported',
      `WebAssembly memory: ${bytes} bytes need 64-bit addresses (memory64), found a runtime or a setting without them`,
    );
  const create = target.memory64 ? createMemory64 : createMemory32;
  try {
    return create(pages, mostPages, target);
  } catch (cause) {
    // The addresses that it may grow into are taken at once: a system with a limit on them has room for less.
    if (mostPages > pages) return createWasmMemory(bytes, target);
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new QwenAsrError('memory', `WebAssembly memory: could not allocate ${bytes} bytes: ${reason}`, {
      cause,
    });
  }
}

/** Makes a memory larger by at least so many bytes. @returns whether the runtime did */
export function growWasmMemory(memory: WasmMemory, bytes: number): boolean {
  const pages = Math.ceil(bytes / PAGE_BYTES);
  for (const by of [pages, BigInt(pages)]) {
    try {
      memory.grow(by);
      return true;
    } catch (error) {
      if (!(error instanceof TypeError)) return false; // RangeError: too large
    }
  }
  return false;
}

function createMemory32(pages: number, mostPages: number, target: WasmTarget): WasmMemory {
  const api = webAssembly();
  return new api.Memory({ initial: pages, maximum: mostPages, shared: target.sharedMemory });
}

/** The descriptor changed while memory64 was a proposal: Node 22 has `index` and numbers, later ones `address` and bigints. */
function createMemory64(pages: number, mostPages: number, target: WasmTarget): WasmMemory {
  const api = webAssembly();
  const shared = target.sharedMemory;
  try {
    return new api.Memory({ address: 'i64', initial: BigInt(pages), maximum: BigInt(mostPages), shared });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // RangeError: too large
    return new api.Memory({ index: 'i64', initial: pages, maximum: mostPages, shared });
  }
}
