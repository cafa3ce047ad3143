import { QwenAsrError } from '../error.js';
import { type Arm64Features, arm64Capabilities, arm64Features } from '../jit/arm64/features.js';
import { lowerArm64 } from '../jit/arm64/lower.js';
import type { Capabilities, KernelCode, Tuning } from '../jit/ir.js';
import { type CpuFeatures, isaFeatures, x64Capabilities } from '../jit/x64/features.js';
import { lowerX64 } from '../jit/x64/lower.js';
import { datapathBits, measuredTuning } from '../jit/x64/tuning.js';
import { probeCpu } from './probeCpu.js';
import type { Native } from './system/native.js';

/** What kernels are lowered to. */
export interface CodeTarget {
  readonly architecture: 'x64' | 'arm64';
  readonly capabilities: Capabilities;
  /** As Machine has it. */
  readonly datapathBits: number | null;
  lower(code: KernelCode): Uint8Array;
}

/**
 * @param isa features of x86-64 or of arm64, by their name
 * @param tuning replaces what follows from the CPU
 * @throws QwenAsrError `internal` for another name
 */
export function openCodeTarget(native: Native, isa: string, tuning: Partial<Tuning>): CodeTarget {
  const x64 = isaFeatures(isa);
  if (x64 !== null) return x64Target(native, x64, tuning);
  const arm64 = arm64Features(isa);
  if (arm64 !== null) return arm64Target(native, arm64, tuning);
  throw new QwenAsrError('internal', `expected a level of x86-64 or features of arm64, found ${isa}`);
}

function x64Target(native: Native, features: CpuFeatures, tuning: Partial<Tuning>): CodeTarget {
  const findings = probeCpu(native, features);
  return {
    architecture: 'x64',
    capabilities: x64Capabilities(features, { ...measuredTuning(findings), ...tuning }),
    datapathBits: datapathBits(findings),
    lower: (code) => lowerX64(code, features, native.waits),
  };
}

function arm64Target(native: Native, features: Arm64Features, tuning: Partial<Tuning>): CodeTarget {
  return {
    architecture: 'arm64',
    capabilities: arm64Capabilities(features, tuning),
    datapathBits: null,
    lower: (code) => lowerArm64(code, features, native.waits),
  };
}
