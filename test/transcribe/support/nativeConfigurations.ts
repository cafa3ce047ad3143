import { X64_LEVELS } from '../../../src/jit/x64/features.js';
import type { Precision } from '../../../src/ops/operators.js';
import { findProcessor, multipliesPairs } from '../../../src/runtime/processor.js';
import { loadNative } from '../../../src/runtime/system/loadNative.js';
import { ARM64_CPUS } from '../../support/emulatedArm64.js';

/** A supported pair of level and precision, and why it cannot run on this machine, or false. */
export interface NativeConfiguration {
  readonly backend: 'x64' | 'arm64';
  readonly isa: string;
  readonly precision: Precision;
  /** Give it to `test` as `skip`. */
  readonly missing: string | false;
}

/** Every pair that machine code offers on processors of this machine's kind. */
export async function nativeConfigurations(): Promise<NativeConfiguration[]> {
  const native = await loadNative();
  const processor = typeof native === 'string' ? native : findProcessor(native);
  const backend = process.arch === 'arm64' ? 'arm64' : 'x64';
  const isas = { x64: X64_LEVELS, arm64: Object.values(ARM64_CPUS).map(({ name }) => name) }[backend];
  return isas.flatMap((isa) =>
    (multipliesPairs(isa) ? (['f32', 'bf16'] as const) : (['f32'] as const)).map((precision) => ({
      backend,
      isa,
      precision,
      missing: typeof processor === 'string' ? processor : !processor.has(isa) && `this CPU has no ${isa}`,
    })),
  );
}

/** Why this machine runs no machine code at all, or false. */
export async function noMachineCode(): Promise<string | false> {
  const [weakest] = await nativeConfigurations();
  return weakest!.missing;
}
