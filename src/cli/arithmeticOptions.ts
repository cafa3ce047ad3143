import type { LoadOptions } from '../transcribe/types.js';
import type { OptionValues } from './options.js';
import { singleOptions } from './settingOptions.js';

/** Options of every command that computes: they choose the arithmetic. */
export function arithmeticOptions(section: string) {
  return singleOptions(['backend', 'precision', 'isa'], section);
}

type ArithmeticValues = OptionValues<ReturnType<typeof arithmeticOptions>> & { readonly threads?: number };

/** The part of LoadOptions that the command line decides. */
export function loadOptionsOf({ threads, backend, precision, isa }: ArithmeticValues): LoadOptions {
  return {
    ...(threads !== undefined && { threads }),
    ...(backend !== undefined && { backend }),
    ...(precision !== undefined && { precision }),
    ...(isa !== undefined && { isa }),
  };
}
