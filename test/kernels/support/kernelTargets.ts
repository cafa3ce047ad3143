import { arm64Capabilities, arm64Features } from '../../../src/jit/arm64/features.js';
import { lowerArm64 } from '../../../src/jit/arm64/lower.js';
import { interpret } from '../../../src/jit/interpreter.js';
import type { Capabilities } from '../../../src/jit/ir.js';
import { compileKernels, createKernelTable, instantiateKernels } from '../../../src/jit/wasm/compile.js';
import {
  createWasmMemory,
  type WasmMemory,
  type WasmTarget,
  wasmCapabilities,
  wasmFeatures,
} from '../../../src/jit/wasm/webAssembly.js';
import {
  type CpuFeatures,
  contains,
  isaFeatures,
  X64_LEVELS,
  x64Capabilities,
} from '../../../src/jit/x64/features.js';
import { lowerX64 } from '../../../src/jit/x64/lower.js';
import { CodePages } from '../../../src/runtime/codePages.js';
import { detectCpuFeatures } from '../../../src/runtime/cpuFeatures.js';
import { loadNative } from '../../../src/runtime/system/loadNative.js';
import type { Native } from '../../../src/runtime/system/native.js';
import { enableWasmFeatures, withOptimisingCompiler } from '../../jit/support/enableWasmFeatures.js';
import { ARM64_CPUS, type Arm64Cpu, EmulatedArm64, emulatorMissing } from '../../support/emulatedArm64.js';
import type { KernelMemory, KernelTarget } from './kernelHarness.js';

/** Address space for one run on machine code or WebAssembly; pages are taken as they are touched. */
const MEMORY_BYTES = 1 << 28;

/**
 * Every place where kernels can run: the interpreter at each width, WebAssembly, all x86-64 levels and arm64 features,
 * those that this machine lacks, or has no emulator for, marked `missing`.
 *
 * @example
 * for (const target of await kernelTargets()) {
 *   test(`softmax on ${target.name}`, { skip: target.missing }, () => runKernel(target, spec, run));
 * }
 */
export async function kernelTargets(): Promise<KernelTarget[]> {
  const native = await loadNative();
  const interpreters = [
    ['4 lanes', wasmCapabilities()],
    ['8 lanes', x64Capabilities('avx2')],
    ['16 lanes', x64Capabilities('avx512bf16')],
  ] as const;
  return [
    ...interpreters.map(([name, capabilities]) => interpreterTarget(name, capabilities)),
    wasmTarget(wasmFeatures()),
    ...nativeTargets(native, X64_LEVELS),
    ...emulatedTargets([ARM64_CPUS.neon, ARM64_CPUS.all]),
  ];
}

/** Those of 16 lanes that multiply pairs, and no tiles, as if pairs took longer than f32. */
export async function slowPairTargets(): Promise<KernelTarget[]> {
  return (await kernelTargets()).flatMap((target) => {
    const { capabilities } = target;
    if (!capabilities.pairDot || capabilities.tiles || capabilities.lanes !== 16) return [];
    const tuning = { ...capabilities.tuning, pairsAsF32: 1 };
    return [{ ...target, name: `${target.name}, pairs as f32`, capabilities: { ...capabilities, tuning } }];
  });
}

/** All of kernelTargets, and an interpreter that has tiles. */
export async function tileTargets(): Promise<KernelTarget[]> {
  return [interpreterTarget('16 lanes and tiles', x64Capabilities('amx')), ...(await kernelTargets())];
}

/**
 * The same for products of integers, of which CPUs have other instructions at the same level, and WebAssembly three ways,
 * whichever of them this engine would choose.
 */
export async function integerTargets(): Promise<KernelTarget[]> {
  enableWasmFeatures();
  const native = await loadNative();
  const vnni = ['avx2+avxvnni', 'avx512f+vnni'];
  const interpreters = [
    ['4 lanes', wasmCapabilities()],
    ['4 lanes with products of small bytes', wasmCapabilities(true)],
    ['8 lanes', x64Capabilities('avx2')],
    ['8 lanes with products of bytes', x64Capabilities(isaFeatures('avx2+avxvnni')!)],
    ['16 lanes', x64Capabilities('avx512f')],
    ['16 lanes with products of bytes', x64Capabilities('avx512bf16')],
  ] as const;
  return [
    ...interpreters.map(([name, capabilities]) => interpreterTarget(name, capabilities)),
    wasmTarget({ relaxedSimd: false }),
    wasmTarget({ relaxedSimd: true, fusesByteDot: false }),
    wasmTarget({ relaxedSimd: true, fusesByteDot: true }),
    ...nativeTargets(native, [...X64_LEVELS, ...vnni]),
    ...emulatedTargets(Object.values(ARM64_CPUS)),
  ];
}

function interpreterTarget(name: string, capabilities: Capabilities): KernelTarget {
  return {
    name: `interpreter of ${name}`,
    capabilities,
    missing: false,
    isSlow: true,
    memory: (byteLength) => {
      const address = 4096; // not 0, so that a forgotten base address is found out
      const memory = new ArrayBuffer(address + byteLength);
      return {
        address,
        bytes: new Uint8Array(memory, address),
        load: (code) => (args, tile, scratch) => interpret(code, memory, [args, tile, scratch]),
      };
    },
  };
}

/** @param choice whether relaxed SIMD is used, and which of its products of bytes */
function wasmTarget({
  relaxedSimd,
  fusesByteDot,
}: Pick<WasmTarget, 'relaxedSimd' | 'fusesByteDot'>): KernelTarget {
  const target = { relaxedSimd, fusesByteDot: fusesByteDot === true, memory64: false, sharedMemory: false };
  const address = 64; // not 0, as above
  let memory: WasmMemory | undefined;
  return {
    name: `WebAssembly${relaxedSimd ? ' with relaxed SIMD' : ''}${fusesByteDot === true ? ', fused sums' : ''}`,
    capabilities: wasmCapabilities(fusesByteDot !== undefined),
    missing: false,
    isSlow: false,
    memory: (byteLength) => {
      memory ??= createWasmMemory(MEMORY_BYTES, target);
      const linear = memory;
      return {
        address,
        bytes: new Uint8Array(linear.buffer, address, byteLength),
        load: (code) => {
          const environment = { memory: linear, table: createKernelTable(), firstPointer: 1 };
          const [kernel] = instantiateKernels(compileKernels([code], target), target, environment);
          const { run } = kernel!; // compiled when it is first called
          return fusesByteDot === true ? (...args) => withOptimisingCompiler(() => run(...args)) : run;
        },
      };
    },
  };
}

function nativeTargets(native: Native | string, names: readonly string[]): KernelTarget[] {
  const found = typeof native === 'string' ? null : detectCpuFeatures(native);
  let memory: NativeMemory | undefined;
  return names.map((name) => {
    const features = isaFeatures(name)!;
    return {
      name,
      capabilities: x64Capabilities(features),
      missing: found === null ? String(native) : !contains(found, features) && `this CPU has no ${name}`,
      isSlow: false,
      memory: (byteLength) => {
        if (typeof native === 'string') throw new Error(native);
        memory ??= new NativeMemory(native);
        return memory.use(features, byteLength);
      },
    };
  });
}

function emulatedTargets(cpus: readonly Arm64Cpu[]): KernelTarget[] {
  return cpus.map(({ name, model }) => {
    const features = arm64Features(name)!;
    let cpu: EmulatedArm64 | undefined;
    return {
      name,
      capabilities: arm64Capabilities(features),
      missing: emulatorMissing,
      isSlow: false,
      memory: (byteLength) => {
        cpu ??= new EmulatedArm64(model);
        const { address, bytes } = cpu;
        return {
          address,
          bytes: bytes.subarray(0, byteLength),
          load: (kernel) => cpu!.install(lowerArm64(kernel, features)),
        };
      },
    };
  });
}

/** One block of memory for all runs, and code pages that stay: no address is ever viewed twice. */
class NativeMemory {
  private readonly native: Native;
  private readonly address: number;
  private readonly buffer: ArrayBuffer;
  private readonly code: CodePages;

  constructor(native: Native) {
    this.native = native;
    this.address = native.reserve(MEMORY_BYTES);
    this.buffer = native.view(this.address, MEMORY_BYTES);
    this.code = new CodePages(native);
  }

  use(features: CpuFeatures, byteLength: number): KernelMemory {
    if (byteLength > MEMORY_BYTES)
      throw new RangeError(`a run of ${byteLength} bytes, at most ${MEMORY_BYTES}`);
    return {
      address: this.address,
      bytes: new Uint8Array(this.buffer, 0, byteLength),
      load: (kernel) => {
        const [entry] = this.code.install([lowerX64(kernel, features)]);
        return this.native.functionAt(entry!, 3).call;
      },
    };
  }
}
