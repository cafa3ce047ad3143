import { setFlagsFromString } from 'node:v8';
import { wasmFeatures } from '../jit/wasm/webAssembly.js';

/**
 * Switches relaxed SIMD on where V8 has it behind a flag (Node 20): fused multiply-add nearly doubles the matrix
 * products there. Must run before the first module and worker are made; does nothing where the flag is gone.
 */
export function enableRelaxedSimd(): void {
  if (!wasmFeatures().relaxedSimd) setFlagsFromString('--experimental-wasm-relaxed-simd');
}
