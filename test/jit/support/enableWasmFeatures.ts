import { setFlagsFromString } from 'node:v8';
import { wasmFeatures } from '../../../src/jit/wasm/webAssembly.js';

/** Node 20 (V8 11.3) has relaxed SIMD and memory64, but behind flags; later versions need and know no flag. */
export function enableWasmFeatures(): void {
  const { relaxedSimd, memory64 } = wasmFeatures();
  if (!relaxedSimd) setFlagsFromString('--experimental-wasm-relaxed-simd');
  if (!memory64) setFlagsFromString('--experimental-wasm-memory64');
}
