/** What the generated WebAssembly may use and how its memory is made. */
export interface WasmTarget {
  /** Fused multiply-add and single-instruction rounding (`relaxed-simd` proposal). */
  readonly relaxedSimd: boolean;
  /** 64-bit addresses, for memories above 4 GiB (`memory64` proposal). */
  readonly memory64: boolean;
  /** The memory is shared between threads, so that waiting and waking work. */
  readonly sharedMemory: boolean;
}
