import { QwenAsrError } from '../error.js';
import { wasmFeatures } from '../jit/wasm/webAssembly.js';
import { describeArgument } from '../model/describe.js';
import type { ReservedPlace } from '../model/stagedTensors.js';
import { createCompiledBackend } from '../ops/compiled/compiledBackend.js';
import type { Backend } from '../ops/operators.js';
import { WasmMachine } from '../runtime/wasmMachine.js';
import {
  type ParticipantThread,
  type StartedParticipants,
  startParticipants,
} from '../runtime/wasmParticipant.js';
import type { LoadOptions } from './types.js';

/** A WebAssembly memory is small: take what is needed. */
const REGION_BYTES = 64 * 2 ** 20;

/** What WebAssembly multiplies: it has no products of bf16. */
const WASM_PRECISIONS: readonly LoadOptions['precision'][] = ['auto', 'f32', 'int8', 'int4'];

export interface WasmBackendOptions {
  /** Threads to compute on; fewer where that many do not start. */
  readonly threadCount: number;
  /** Bytes of weights that will be read into the memory. */
  readonly weightBytes: number;
  /** Makes a participant's thread; null: everything runs on the calling thread. */
  readonly spawn: (() => ParticipantThread) | null;
}

/** A backend of WebAssembly, and the way to bring weights into its memory. */
export interface WasmBackend {
  readonly backend: Backend;
  /** Why it has fewer threads than asked for; null where it has as many. */
  readonly refusal: string | null;
  /**
   * Room in the machine's memory, where kernels use a file in place.
   *
   * @throws QwenAsrError `memory`
   */
  readonly provide: (byteLength: number) => ReservedPlace;
}

/**
 * The compiled operators on WebAssembly, in Node and in browsers.
 *
 * @throws QwenAsrError `unsupported` without SIMD, or for weights that need addresses which the runtime lacks; `memory`
 */
export async function openWasmBackend(options: WasmBackendOptions): Promise<WasmBackend> {
  const machine = await openMachine(await startThreads(options), options.weightBytes);
  try {
    const backend = createCompiledBackend({ machine, precision: 'f32', regionBytes: REGION_BYTES });
    const provide = (byteLength: number) => {
      const region = machine.reserve(byteLength);
      const release = () => machine.release(region);
      return { buffer: region.buffer, byteOffset: region.bufferOffset, release };
    };
    return { backend, refusal: machine.refusal, provide };
  } catch (error) {
    await machine.close();
    throw error;
  }
}

/** @throws QwenAsrError `unsupported` for what WebAssembly does not multiply, or nothing does */
export function checkWasmPrecision(wanted: LoadOptions['precision']): void {
  if (wanted === undefined || WASM_PRECISIONS.includes(wanted)) return;
  const offered = WASM_PRECISIONS.slice(1).join(', ');
  const line = `expected auto or one of ${offered}, found ${describeArgument(wanted)}`;
  throw new QwenAsrError('unsupported', line, { option: 'precision' });
}

async function startThreads({ threadCount, spawn }: WasmBackendOptions): Promise<StartedParticipants> {
  if (spawn === null || !wasmFeatures().threads) return { threads: [], refusal: null };
  return startParticipants(threadCount, spawn);
}

async function openMachine(started: StartedParticipants, weightBytes: number): Promise<WasmMachine> {
  try {
    return new WasmMachine({ started, weightBytes });
  } catch (error) {
    await Promise.all(started.threads.map((thread) => thread.terminate()));
    throw error;
  }
}

/** What was asked of a backend, and why it is not so. */
interface ThreadRequest {
  /** undefined: as many as suit the machine. */
  readonly asked: number | undefined;
  /** Why the system gave fewer; null where it did not. */
  readonly refusal: string | null;
}

/** One line on a backend that computes on fewer threads than it should; null where there are enough. */
export function threadNote(
  { name, threadCount }: Pick<Backend, 'name' | 'threadCount'>,
  { asked, refusal }: ThreadRequest,
): string | null {
  const wanted = asked !== undefined && asked > threadCount;
  if (!wanted && refusal === null) return null;
  const threads = `${threadCount} thread${threadCount === 1 ? '' : 's'}`;
  const fact = `the ${name} backend runs on ${threads}${wanted ? `, not ${asked}` : ''}`;
  return refusal === null ? fact : `${fact}: ${refusal}`;
}
