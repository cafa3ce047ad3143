import { fileError, QwenAsrError } from '../error.js';
import { checkThreadCount } from '../model/checkArguments.js';
import { describeArgument } from '../model/describe.js';
import { fileReaderInto, type OpenFile, readFileBytes, weightBytes } from '../model/modelDirectory.js';
import type { StagingOptions } from '../model/stagedTensors.js';
import { createCompiledBackend } from '../ops/compiled/compiledBackend.js';
import { type Backend, type OperandType, PRECISIONS } from '../ops/operators.js';
import { createReferenceBackend } from '../ops/reference/referenceBackend.js';
import { MappedFiles } from '../runtime/mapFile.js';
import { NativeMachine } from '../runtime/nativeMachine.js';
import {
  defaultThreadCount,
  enableRelaxedSimd,
  mostWasmThreads,
  spawnNodeParticipant,
} from '../runtime/nodeThreads.js';
import { findProcessor, multipliesPairs, type Processor } from '../runtime/processor.js';
import { selfTestVerdict } from '../runtime/selfTestVerdict.js';
import { loadNative, machineCodeOff } from '../runtime/system/loadNative.js';
import type { Native } from '../runtime/system/native.js';
import { checkWasmPrecision, openWasmBackend, threadNote } from './openWasmBackend.js';
import type { LoadOptions } from './types.js';

const BACKENDS: readonly LoadOptions['backend'][] = ['auto', 'native', 'reference', 'x64', 'arm64', 'wasm'];

/** How a model will compute, and how its files are best opened for that. */
export interface ChosenBackend {
  readonly backend: Backend;
  /** undefined: read the files. */
  readonly openFile: OpenFile | undefined;
  /** Of a backend whose memory never shrinks: room in it. */
  readonly reserve?: StagingOptions['reserve'];
  /** Why it is not the fastest kind of backend; null when it is, or was asked for. */
  readonly note: string | null;
  /** Why it has fewer threads than asked for; null where it has as many. */
  readonly refusal: string | null;
}

/**
 * Looks at a model before machine code is made, and says how much memory its packed weights may be given ahead.
 *
 * @param operand what is multiplied where there are no integers
 */
export type EarlyLook = (openFile: OpenFile, operand: OperandType) => Promise<number>;

/**
 * The backend that the options ask for: with `auto`, machine code at the CPU's best level, or WebAssembly where that
 * cannot run.
 *
 * @param source what will be loaded: a backend may have to make room for it
 * @param openNative where the system calls come from
 * @param off why machine code is used here only by its name, and only after its self-test; null: it need not be named
 * @param look is called where files are mapped
 * @throws QwenAsrError `usage` for a thread count below 1 or beyond reason; `unsupported` for arithmetic that is not
 * available here; `memory`
 */
export async function chooseBackend(
  options: LoadOptions,
  source: string,
  openNative: () => Promise<Native | string> = loadNative,
  off: string | null = machineCodeOff(),
  look: EarlyLook = async () => 0,
): Promise<Omit<ChosenBackend, 'refusal'>> {
  const { note, refusal, ...chosen } = await chooseKind(options, source, openNative, off, look);
  const notes = [note, threadNote(chosen.backend, { asked: options.threads, refusal })];
  return { ...chosen, note: notes.filter((line) => line !== null).join('; ') || null };
}

async function chooseKind(
  options: LoadOptions,
  source: string,
  openNative: () => Promise<Native | string>,
  off: string | null,
  look: EarlyLook,
): Promise<ChosenBackend> {
  const { threads, backend = 'auto', precision = 'auto', isa = 'auto' } = options;
  if (threads !== undefined) checkThreadCount(threads);
  // Callers without a type checker.
  if (!BACKENDS.includes(backend)) throw unsupported('backend', BACKENDS.slice(1).join(', '), backend);
  if (precision !== 'auto' && !PRECISIONS.includes(precision))
    throw unsupported('precision', PRECISIONS.join(', '), precision);
  if (backend === 'reference' || (backend === 'auto' && isa === 'scalar'))
    return chooseReference(options, null);
  if (backend === 'wasm' || (backend === 'auto' && isa === 'wasm')) return chooseWasm(options, source, null);
  const isAsked = backend !== 'auto' || isa !== 'auto';
  const native =
    off !== null && backend === 'auto' ? off : await findNative(openNative, backend, isAsked, off !== null);
  if (typeof native !== 'string') return chooseNative(native, options, look);
  if (isa === 'auto' && (backend === 'auto' || (backend === 'native' && off !== null))) {
    return chooseWasm(options, source, `WebAssembly instead of machine code: ${native}`);
  }
  throw new QwenAsrError(
    'unsupported',
    `${backend === 'auto' || backend === 'native' ? 'machine code' : backend} cannot run here: ${native}`,
    { option: 'backend' },
  );
}

/** WebAssembly on worker threads; the model's files are read straight into its memory. */
async function chooseWasm(
  { threads, precision, isa = 'auto' }: LoadOptions,
  source: string,
  note: string | null,
): Promise<ChosenBackend> {
  checkWasmPrecision(precision);
  enableRelaxedSimd();
  const { backend, refusal, provide } = await openWasmBackend({
    threadCount: Math.min(threads ?? defaultThreadCount(), mostWasmThreads()),
    weightBytes: await weightBytes(source),
    spawn: spawnNodeParticipant,
  });
  if (isa !== 'auto' && isa !== 'wasm' && isa !== backend.isa) {
    await backend.close();
    throw unsupported('isa', backend.isa, isa);
  }
  return { backend, openFile: fileReaderInto(provide), reserve: provide, note, refusal };
}

/**
 * What the self-test of machine code says of this machine: null, or one line.
 *
 * @param again whatever it said before
 */
export async function selfTested({ again = false } = {}): Promise<string | null> {
  let program: URL;
  try {
    program = new URL('../ops/compiled/selfTestProcess.js', import.meta.url);
  } catch {
    return 'a bundle has no program for it'; // CommonJS knows no address of its own
  }
  return selfTestVerdict({ program, again });
}

/**
 * The system calls and the processor, or one line that says why there are none.
 *
 * @param isAsked whether machine code was asked for, tested here or not
 * @param isOff whether none of it may run in this process before it was tried in another
 */
async function findNative(
  openNative: () => Promise<Native | string>,
  backend: LoadOptions['backend'],
  isAsked: boolean,
  isOff: boolean,
): Promise<{ native: Native; processor: Processor } | string> {
  const native = await openNative();
  if (typeof native === 'string') return native;
  const problem = isOff ? await selfTested() : null;
  if (problem !== null) return selfTestFailed(problem);
  const processor = findProcessor(native);
  if (typeof processor === 'string') return processor;
  if (backend !== 'auto' && backend !== 'native' && backend !== processor.architecture)
    return `this is ${processor.architecture}`;
  // Where all tests run it needs none.
  const found = native.isTested || isAsked ? null : await selfTested();
  return found === null ? { native, processor } : selfTestFailed(found);
}

function selfTestFailed(problem: string): string {
  return `its self-test failed: ${problem} (qwen_asr doctor)`;
}

async function chooseNative(
  { native, processor }: { native: Native; processor: Processor },
  { threads, precision: wanted = 'auto', isa = 'auto' }: LoadOptions,
  look: EarlyLook,
): Promise<ChosenBackend> {
  const name = isa === 'auto' ? processor.isas.at(-1) : isa;
  if (typeof name !== 'string' || !processor.has(name)) {
    // untyped callers
    throw unsupported('isa', processor.isas.join(', '), isa);
  }
  const hasPairs = multipliesPairs(name);
  const best: OperandType = hasPairs ? 'bf16' : 'f32';
  const precision = wanted === 'f32' || wanted === 'bf16' ? wanted : best;
  if (precision === 'bf16' && !hasPairs) {
    const found = `bf16, which needs a processor that multiplies it, on level ${name}`;
    throw new QwenAsrError('unsupported', `expected auto, f32, int8 or int4, found ${found}`, {
      option: 'precision',
    });
  }
  const files = new MappedFiles(native);
  const openFile = mappingOpener(files);
  const bytesAhead = await look(openFile, precision);
  const machine = new NativeMachine(native, name, threads ?? defaultThreadCount());
  const beforePass = (): void => files.checkUnchanged();
  const forget = (bytes: Uint8Array): void => files.forget(bytes);
  try {
    machine.touchAhead(bytesAhead);
    const options = { machine, precision, regionBytes: native.regionBytes, beforePass, forget };
    const backend = createCompiledBackend(options);
    return { backend, openFile, note: null, refusal: machine.refusal };
  } catch (error) {
    await machine.close();
    throw error;
  }
}

/** Maps files, and reads those that cannot be mapped. */
function mappingOpener(files: MappedFiles): OpenFile {
  return async (path, signal) => {
    const mapped = await files.map(path).catch((cause) => {
      throw fileError(path, cause);
    });
    return mapped ?? readFileBytes(path, signal);
  };
}

function chooseReference(
  { precision = 'auto', isa = 'auto' }: LoadOptions,
  note: string | null,
): ChosenBackend {
  const backend = createReferenceBackend();
  if (precision === 'bf16') throw unsupported('precision', 'f32, int8, int4', precision);
  if (isa !== 'auto' && isa !== 'scalar') throw unsupported('isa', 'scalar', isa);
  return { backend, openFile: undefined, note, refusal: null };
}

function unsupported(option: keyof LoadOptions, offered: string, found: unknown): QwenAsrError {
  const line = `expected auto or one of ${offered}, found ${describeArgument(found)}`;
  return new QwenAsrError('unsupported', line, { option });
}
