import { existsSync, readFileSync } from 'node:fs';
import { interpret } from '../../../src/jit/interpreter.js';
import type { Capabilities } from '../../../src/jit/ir.js';
import { X64_LEVELS, type X64Level, x64Capabilities } from '../../../src/jit/x64/level.js';
import { lowerX64 } from '../../../src/jit/x64/lower.js';
import { CodePages } from '../../../src/runtime/codePages.js';
import { loadNative, type Native } from '../../../src/runtime/native.js';
import type { KernelMemory, KernelTarget } from './kernelHarness.js';

/** Address space for one run on machine code; pages are taken as they are touched. */
const NATIVE_BYTES = 1 << 28;

/**
 * Every place where kernels can run: the interpreter at each width, and all x86-64 levels, those that this machine
 * lacks marked `missing`.
 *
 * @example
 * for (const target of await kernelTargets()) {
 *   test(`softmax on ${target.name}`, { skip: target.missing }, () => runKernel(target, spec, run));
 * }
 */
export async function kernelTargets(): Promise<KernelTarget[]> {
  const native = await loadNative();
  return [...interpreterWidths.map(interpreterTarget), ...nativeTargets(native)];
}

const interpreterWidths: readonly Capabilities[] = [
  { lanes: 4, pairDot: false, byteDot: false, vecRegisters: 16, intRegisters: 13 },
  { lanes: 8, pairDot: false, byteDot: false, vecRegisters: 16, intRegisters: 13 },
  { lanes: 16, pairDot: true, byteDot: true, vecRegisters: 32, intRegisters: 13 },
];

function interpreterTarget(capabilities: Capabilities): KernelTarget {
  return {
    name: `interpreter of ${capabilities.lanes} lanes`,
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

function nativeTargets(native: Native | string): KernelTarget[] {
  let memory: NativeMemory | undefined;
  return X64_LEVELS.map((level) => ({
    name: level,
    capabilities: x64Capabilities(level),
    missing: typeof native === 'string' ? native : missingFeatures(level),
    isSlow: false,
    memory: (byteLength) => {
      if (typeof native === 'string') throw new Error(native);
      memory ??= new NativeMemory(native);
      return memory.use(level, byteLength);
    },
  }));
}

/** One block of memory for all runs, and code pages that stay: no address is ever viewed twice. */
class NativeMemory {
  private readonly native: Native;
  private readonly address: number;
  private readonly buffer: ArrayBuffer;
  private readonly code: CodePages;

  constructor(native: Native) {
    this.native = native;
    this.address = native.reserve(NATIVE_BYTES);
    this.buffer = native.view(this.address, NATIVE_BYTES);
    this.code = new CodePages(native);
  }

  use(level: X64Level, byteLength: number): KernelMemory {
    if (byteLength > NATIVE_BYTES)
      throw new RangeError(`a run of ${byteLength} bytes, at most ${NATIVE_BYTES}`);
    return {
      address: this.address,
      bytes: new Uint8Array(this.buffer, 0, byteLength),
      load: (kernel) => {
        const [entry] = this.code.install([lowerX64(kernel, level)]);
        return this.native.functionAt(entry!, 3).call;
      },
    };
  }
}

/** CPU features of a level, as Linux names them. */
const FEATURES: Readonly<Record<X64Level, readonly string[]>> = {
  avx2: ['avx2', 'fma', 'f16c'],
  avx512f: ['avx512f', 'avx512bw', 'avx512vl'],
  avx512bf16: ['avx512f', 'avx512bw', 'avx512vl', 'avx512_bf16', 'avx512_vnni'],
};

function missingFeatures(level: X64Level): string | false {
  const cpuInfo = existsSync('/proc/cpuinfo') ? readFileSync('/proc/cpuinfo', 'utf8') : '';
  const flags = new Set(/^flags\s*:(.*)$/m.exec(cpuInfo)?.[1]?.split(' '));
  const missing = FEATURES[level].filter((feature) => !flags.has(feature));
  return missing.length > 0 && `this CPU has no ${missing.join(', ')}`;
}
