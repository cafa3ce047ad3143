import type { Place } from '../model/modelFolder.js';
import { createCompiledBackend } from '../ops/compiled/compiledBackend.js';
import type { Backend } from '../ops/operators.js';
import { WasmMachine, type WasmMachineOptions } from '../runtime/wasmMachine.js';

/** A WebAssembly memory is small: take what is needed. */
const REGION_BYTES = 64 * 2 ** 20;

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
  readonly provide: (byteLength: number) => Place;
}

/**
 * The compiled operators on WebAssembly, in Node and in browsers.
 *
 * @throws QwenAsrError `unsupported` without SIMD, or for weights that need addresses which the runtime lacks; `memory`
 */
export async function openWasmBackend(options: WasmMachineOptions): Promise<WasmBackend> {
  const machine = new WasmMachine(options);
  try {
    const backend = createCompiledBackend({ machine, precision: 'f32', regionBytes: REGION_BYTES });
    const provide = (byteLength: number) => {
      const { buffer, bufferOffset } = machine.reserve(byteLength);
      return { buffer, byteOffset: bufferOffset };
    };
    return { backend, refusal: machine.refusal, provide };
  } catch (error) {
    await machine.close();
    throw error;
  }
}
