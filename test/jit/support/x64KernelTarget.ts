import type { CpuFeatures, X64Level } from '../../../src/jit/x64/features.js';
import { lowerX64 } from '../../../src/jit/x64/lower.js';
import { CodePages } from '../../../src/runtime/codePages.js';
import type { Native } from '../../../src/runtime/system/native.js';
import type { KernelTarget } from './checkRandomKernels.js';

const MEMORY_BYTES = 1 << 22;

/** Machine code of a level as a target of the same kernels the interpreter runs; all kernels share 4 MiB of memory. */
export function x64KernelTarget(native: Native, target: X64Level | CpuFeatures): KernelTarget {
  const pages = new CodePages(native);
  const address = native.reserve(MEMORY_BYTES);
  const memory = new Uint8Array(native.view(address, MEMORY_BYTES));
  return (code) => {
    const [entry] = pages.install([lowerX64(code, target)]) as [number];
    const kernel = native.functionAt(entry, code.params.length);
    return (bytes, integers) => {
      memory.set(bytes);
      kernel.call(address, ...integers);
      bytes.set(memory.subarray(0, bytes.length));
    };
  };
}
