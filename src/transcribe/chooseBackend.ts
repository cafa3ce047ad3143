import { QwenAsrError } from '../error.js';
import type { X64Level } from '../jit/x64/level.js';
import type { OpenFile } from '../model/fileBytes.js';
import { createCompiledBackend } from '../ops/compiled/compiledBackend.js';
import type { Backend, Precision } from '../ops/operators.js';
import { createReferenceBackend } from '../ops/reference/referenceBackend.js';
import { detectX64Levels } from '../runtime/cpuFeatures.js';
import { fileMapper } from '../runtime/mapFile.js';
import { loadNative, type Native } from '../runtime/native.js';
import { NativeMachine } from '../runtime/nativeMachine.js';
import { defaultThreadCount } from '../runtime/threadCount.js';
import type { LoadOptions } from './types.js';

/** Address space taken at once; the system commits it page by page on first use. */
const REGION_BYTES = 2 ** 30;

/** How a model will compute, and how its files are best opened for that. */
export interface ChosenBackend {
  readonly backend: Backend;
  /** undefined: read the files. */
  readonly openFile: OpenFile | undefined;
  /** Why it is not the fastest kind of backend; null when it is, or was asked for. */
  readonly note: string | null;
}

/**
 * The backend that the options ask for: with `auto`, machine code at the CPU's best level, or the reference backend
 * where that cannot run.
 *
 * @throws QwenAsrError `usage` for a thread count below 1; `unsupported` for arithmetic that is not available here
 */
export async function chooseBackend(options: LoadOptions): Promise<ChosenBackend> {
  const { threads, backend = 'auto', isa = 'auto' } = options;
  if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1)) {
    throw new QwenAsrError('usage', `threads: expected a whole number of at least 1, found ${threads}`);
  }
  if (backend === 'reference' || (backend === 'auto' && isa === 'scalar'))
    return chooseReference(options, null);
  if (backend === 'wasm') {
    throw new QwenAsrError('unsupported', 'backend: expected auto, x64 or reference, found "wasm"');
  }
  const native = await nativeLevels();
  if (typeof native !== 'string') return chooseX64(native, options);
  if (backend === 'auto' && isa === 'auto') {
    return chooseReference(options, `no machine code here, which is much slower: ${native}`);
  }
  throw new QwenAsrError('unsupported', `backend x64: ${native}`);
}

/** The system calls and the levels of this CPU, or one line that says why there are none. */
async function nativeLevels(): Promise<{ native: Native; levels: X64Level[] } | string> {
  const native = await loadNative();
  if (typeof native === 'string') return native;
  try {
    const levels = detectX64Levels(native);
    return levels.length === 0 ? 'this CPU has no AVX2 with FMA' : { native, levels };
  } catch (error) {
    if (error instanceof QwenAsrError && error.code === 'unsupported') return error.message;
    throw error;
  }
}

function chooseX64(
  { native, levels }: { native: Native; levels: X64Level[] },
  { threads, precision: wanted = 'auto', isa = 'auto' }: LoadOptions,
): ChosenBackend {
  const level = isa === 'auto' ? levels.at(-1) : levels.find((name) => name === isa);
  if (level === undefined) throw unsupported('isa', levels.join(', '), isa);
  const precision: Precision = wanted === 'auto' ? (level === 'avx512bf16' ? 'bf16' : 'f32') : wanted;
  if (precision === 'bf16' && level !== 'avx512bf16') {
    throw new QwenAsrError('unsupported', `precision bf16: expected isa avx512bf16, found ${level}`);
  }
  const machine = new NativeMachine(native, level, threads ?? defaultThreadCount());
  const backend = createCompiledBackend({ machine, precision, regionBytes: REGION_BYTES });
  return { backend, openFile: fileMapper(native), note: null };
}

function chooseReference(
  { precision = 'auto', isa = 'auto' }: LoadOptions,
  note: string | null,
): ChosenBackend {
  const backend = createReferenceBackend();
  if (precision !== 'auto' && precision !== 'f32') throw unsupported('precision', 'f32', precision);
  if (isa !== 'auto' && isa !== 'scalar') throw unsupported('isa', 'scalar', isa);
  return { backend, openFile: undefined, note };
}

function unsupported(option: string, offered: string, found: string): QwenAsrError {
  return new QwenAsrError(
    'unsupported',
    `${option}: expected auto or one of ${offered}, found ${JSON.stringify(found)}`,
  );
}
