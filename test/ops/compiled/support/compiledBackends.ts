import { X64_LEVELS, type X64Level } from '../../../../src/jit/x64/features.js';
import { createCompiledBackend } from '../../../../src/ops/compiled/compiledBackend.js';
import type { Backend, OperandType } from '../../../../src/ops/operators.js';
import { detectX64Levels } from '../../../../src/runtime/cpuFeatures.js';
import { NativeMachine } from '../../../../src/runtime/nativeMachine.js';
import { loadNative } from '../../../../src/runtime/system/loadNative.js';

const REGION_BYTES = 2 ** 28;

/** A level and precision that operators can be compiled for. */
export interface CompiledTarget {
  readonly name: string;
  readonly level: X64Level;
  readonly precision: OperandType;
  /** Why it cannot run here, or false. Give it to `test` as `skip`. */
  readonly missing: string | false;
  create(threadCount: number): Backend;
}

/** Every pair of instruction set level and precision; `bf16` only where the level has a dot product for it. */
export async function compiledTargets(): Promise<CompiledTarget[]> {
  const native = await loadNative();
  const levels = typeof native === 'string' ? [] : detectX64Levels(native);
  const pairs = X64_LEVELS.map((level): [X64Level, OperandType] => [level, 'f32']);
  return [...pairs, ['avx512bf16', 'bf16'] as const, ['amx', 'bf16'] as const].map(([level, precision]) => ({
    name: `${level} ${precision}`,
    level,
    precision,
    missing: typeof native === 'string' ? native : !levels.includes(level) && `this CPU has no ${level}`,
    create: (threadCount) => {
      if (typeof native === 'string') throw new Error(native);
      const machine = new NativeMachine(native, level, threadCount);
      return createCompiledBackend({ machine, precision, regionBytes: REGION_BYTES });
    },
  }));
}
