import { X64_LEVELS, type X64Level } from '../../../src/jit/x64/features.js';
import type { Precision } from '../../../src/ops/operators.js';
import { detectX64Levels } from '../../../src/runtime/cpuFeatures.js';
import { loadNative } from '../../../src/runtime/system/loadNative.js';

/** A supported pair of level and precision, and why it cannot run on this machine, or false. */
export interface NativeConfiguration {
  readonly isa: X64Level;
  readonly precision: Precision;
  /** Give it to `test` as `skip`. */
  readonly missing: string | false;
}

/** Every pair that machine code offers. */
export async function nativeConfigurations(): Promise<NativeConfiguration[]> {
  const native = await loadNative();
  const levels = typeof native === 'string' ? [] : detectX64Levels(native);
  const pairs = X64_LEVELS.flatMap((isa) =>
    (isa === 'avx512bf16' ? (['f32', 'bf16'] as const) : (['f32'] as const)).map(
      (precision) => ({ isa, precision }) as const,
    ),
  );
  return pairs.map(({ isa, precision }) => ({
    isa,
    precision,
    missing: typeof native === 'string' ? native : !levels.includes(isa) && `this CPU has no ${isa}`,
  }));
}

/** Why this machine runs no machine code at all, or false. */
export async function noMachineCode(): Promise<string | false> {
  const [weakest] = await nativeConfigurations();
  return weakest!.missing;
}
