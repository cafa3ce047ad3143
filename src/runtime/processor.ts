import { readFileSync } from 'node:fs';
import { QwenAsrError } from '../error.js';
import { type Arm64Features, arm64Features, arm64Names, containsFeatures } from '../jit/arm64/features.js';
import { contains, isaFeatures, isaNames } from '../jit/x64/features.js';
import { detectCpuFeatures } from './cpuFeatures.js';
import type { Native } from './system/native.js';

/** What this machine's processor offers to kernels. */
export interface Processor {
  readonly architecture: 'x64' | 'arm64';
  /** Names of features that it has all of, weakest first; the last one has most. */
  readonly isas: readonly string[];
  /** Whether it has all that a name stands for. */
  has(isa: string): boolean;
}

/** This processor, or one line that says why kernels cannot run on it. */
export function findProcessor(native: Native): Processor | string {
  if (process.arch === 'arm64') {
    return arm64Processor(native.arm64Features?.() ?? detectArm64Features());
  }
  try {
    const features = detectCpuFeatures(native);
    if (!features.avx2) return 'this CPU has no AVX2 with FMA';
    const has = (isa: string): boolean => {
      const needed = isaFeatures(isa);
      return needed !== null && contains(features, needed);
    };
    return { architecture: 'x64', isas: isaNames(features), has };
  } catch (error) {
    if (error instanceof QwenAsrError && error.code === 'unsupported') return error.message;
    throw error;
  }
}

function arm64Processor(features: Arm64Features): Processor {
  const has = (isa: string): boolean => {
    const needed = arm64Features(isa);
    return needed !== null && containsFeatures(features, needed);
  };
  return { architecture: 'arm64', isas: arm64Names(features), has };
}

/** Linux's auxiliary vector (linux/auxvec.h) and its bits on arm64 (asm/hwcap.h). */
const AT_HWCAP = 16n;
const AT_HWCAP2 = 26n;
const HWCAP = { atomics: 8n, dotprod: 20n };
const HWCAP2 = { i8mm: 13n, bf16: 14n };

/**
 * What the system says that the processor has.
 *
 * @param auxiliaryVector pairs of a type and a value, 8 bytes each
 */
export function detectArm64Features(auxiliaryVector: Uint8Array = readAuxiliaryVector()): Arm64Features {
  const words = new BigUint64Array(new Uint8Array(auxiliaryVector).buffer, 0, auxiliaryVector.length >> 3);
  const valueAt = (type: bigint): bigint => {
    const at = words.findIndex((word, i) => i % 2 === 0 && word === type);
    return at < 0 ? 0n : words[at + 1]!;
  };
  const has = (value: bigint, bit: bigint): boolean => ((value >> bit) & 1n) === 1n;
  const [first, second] = [valueAt(AT_HWCAP), valueAt(AT_HWCAP2)];
  return {
    lse: has(first, HWCAP.atomics),
    dotprod: has(first, HWCAP.dotprod),
    bf16: has(second, HWCAP2.bf16),
    i8mm: has(second, HWCAP2.i8mm),
  };
}

/** Empty where it cannot be read: every arm64 processor has NEON. */
function readAuxiliaryVector(): Uint8Array {
  try {
    return readFileSync('/proc/self/auxv');
  } catch {
    return new Uint8Array();
  }
}

/** Whether kernels for these features multiply pairs of bf16, so that activations may have that type. */
export function multipliesPairs(isa: string): boolean {
  return (isaFeatures(isa) ?? arm64Features(isa))?.bf16 ?? false;
}
