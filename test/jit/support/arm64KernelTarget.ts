import type { Arm64Features } from '../../../src/jit/arm64/features.js';
import { lowerArm64 } from '../../../src/jit/arm64/lower.js';
import type { EmulatedArm64 } from '../../support/emulatedArm64.js';
import type { KernelTarget } from './checkRandomKernels.js';

/** Emulated machine code as a target of the same kernels the interpreter runs. */
export function arm64KernelTarget(cpu: EmulatedArm64, features: Arm64Features): KernelTarget {
  return (code) => {
    const kernel = cpu.install(lowerArm64(code, features));
    return (bytes, integers) => {
      cpu.bytes.set(bytes);
      kernel(cpu.address, ...integers);
      bytes.set(cpu.bytes.subarray(0, bytes.length));
    };
  };
}
