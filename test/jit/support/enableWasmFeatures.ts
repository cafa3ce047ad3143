import { setFlagsFromString } from 'node:v8';
import { wasmFeatures } from '../../../src/jit/wasm/webAssembly.js';

/** Node 20 (V8 11.3) has relaxed SIMD and memory64, but behind flags; later versions need and know no flag. */
export function enableWasmFeatures(): void {
  const { relaxedSimd, memory64 } = wasmFeatures();
  if (!relaxedSimd) setFlagsFromString('--experimental-wasm-relaxed-simd');
  if (!memory64) setFlagsFromString('--experimental-wasm-memory64');
}

/**
 * Makes something with V8's optimising compiler alone. The baseline compiler of V8 11.3 (Node 20) may give the temporary of
 * `i32x4.relaxed_dot_i8x16_i7x16_add_s` the register of its result; where engines are asked (`fusesByteDots`), it is not used.
 */
export function withOptimisingCompiler<T>(make: () => T): T {
  setFlagsFromString('--no-liftoff');
  try {
    return make();
  } finally {
    setFlagsFromString('--liftoff');
  }
}
