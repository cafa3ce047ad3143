import { findProcessor } from '../../../src/runtime/processor.js';
import type { Native } from '../../../src/runtime/system/native.js';

/** Features of this machine's processor that kernels may be lowered to, weakest first, or why there are none. */
export function processorIsas(native: Native | string): {
  readonly isas: readonly string[];
  readonly skip: string | false;
} {
  const processor = typeof native === 'string' ? native : findProcessor(native);
  return typeof processor === 'string'
    ? { isas: [], skip: processor }
    : { isas: processor.isas, skip: false };
}
