import type { Capabilities, Tuning } from '../ir.js';
import { type MemoryImport, writeModule } from './moduleWriter.js';
import { TypedCode } from './typedCode.js';
import { webAssembly } from './webAssembly.js';

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

/** What kernel bodies may ask for when they are written for WebAssembly; `tuning` replaces what was measured. */
export function wasmCapabilities(tuning: Partial<Tuning> = {}): Capabilities {
  return {
    lanes: 4,
    pairDot: false,
    byteDot: false,
    // Locals are unlimited, but the engine keeps them in 16 (x86-64) or 32 (arm64) registers and spills the rest:
    // guidance for the size of matmul tiles.
    vecRegisters: 16,
    intRegisters: 64,
    registersAreVirtual: true,
    widensInPairs: true,
    // Engines spill in a full house, and are fastest with 8 accumulators. Arithmetic is the limit of a stream from 3
    // rows on, and the tiled product is 5 to 8 % faster at 4.
    tuning: { tileRows: 2, kSegmentBytes: 0, streamGroups: 1, unroll: 4, prefetchBytes: 4096, ...tuning },
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
