import type { LoadOptions } from '../transcribe/types.js';
import type { OptionTable, OptionValues } from './options.js';
import { anyText, oneOf } from './optionValues.js';

/** Options of every command that computes: they choose the arithmetic. */
export function arithmeticOptions<const Section extends string>(section: Section) {
  return {
    backend: {
      kind: 'value',
      placeholder: 'NAME',
      section,
      help: ['How to compute: auto (default), reference, x64 or wasm'],
      read: oneOf(['auto', 'reference', 'x64', 'wasm']),
    },
    precision: {
      kind: 'value',
      placeholder: 'NAME',
      section,
      help: ['Operands of the dot products: auto (default), f32 or bf16'],
      read: oneOf(['auto', 'f32', 'bf16']),
    },
    isa: {
      kind: 'value',
      placeholder: 'LEVEL',
      section,
      help: [
        'Instruction set (default: the best): avx2, avx512f, avx512bf16,',
        'avx2+avxvnni, avx512f+vnni, wasm, …',
      ],
      read: anyText,
    },
  } as const satisfies OptionTable;
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
