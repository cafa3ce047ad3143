import { compileKernels, createKernelTable, instantiateKernels } from '../../../src/jit/wasm/compile.js';
import { createWasmMemory, type WasmTarget } from '../../../src/jit/wasm/webAssembly.js';
import type { KernelTarget } from './checkRandomKernels.js';

/** Not 0, so that a kernel that forgets its base address is found out. */
const BASE = 1 << 16;

/** WebAssembly as a target of the same kernels the interpreter runs; all kernels share one memory of 4 MiB. */
export function wasmKernelTarget(target: WasmTarget): KernelTarget {
  const memory = createWasmMemory(4 * 1024 * 1024, target);
  return (code) => {
    const environment = { memory, table: createKernelTable(), firstPointer: 1 };
    const [kernel] = instantiateKernels(compileKernels([code], target), target, environment);
    return (bytes, integers) => {
      const view = new Uint8Array(memory.buffer, BASE, bytes.length);
      view.set(bytes);
      kernel!.run(BASE, ...integers);
      bytes.set(view);
    };
  };
}
