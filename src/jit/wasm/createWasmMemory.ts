import { QwenAsrError } from '../../error.js';
import type { WasmTarget } from './wasmTarget.js';
import { type WasmMemory, webAssembly } from './webAssembly.js';

const PAGE_BYTES = 65536;

/** The largest memory with 32-bit addresses, in bytes. */
export const MAX_BYTES_32 = 2 ** 32;

/**
 * A zeroed memory of fixed size, rounded up to 64 KiB, that modules for `target` accept.
 *
 * @throws QwenAsrError `memory` when there is not as much; `unsupported` when it takes more than 4 GiB and the target
 * has 32-bit addresses.
 */
export function createWasmMemory(bytes: number, target: WasmTarget): WasmMemory {
  const pages = Math.ceil(bytes / PAGE_BYTES);
  if (!target.memory64 && pages * PAGE_BYTES > MAX_BYTES_32)
    throw new QwenAsrError(
      'unsupported',
      `WebAssembly memory: ${bytes} bytes need 64-bit addresses (memory64), found a runtime or a setting without them`,
    );
  try {
    return target.memory64 ? createMemory64(pages, target) : createMemory32(pages, target);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new QwenAsrError('memory', `WebAssembly memory: could not allocate ${bytes} bytes: ${reason}`, {
      cause,
    });
  }
}

function createMemory32(pages: number, target: WasmTarget): WasmMemory {
  const api = webAssembly();
  return new api.Memory({ initial: pages, maximum: pages, shared: target.sharedMemory });
}

/** The descriptor changed while memory64 was a proposal: Node 22 has `index` and numbers, later ones `address` and bigints. */
function createMemory64(pages: number, target: WasmTarget): WasmMemory {
  const api = webAssembly();
  const size = BigInt(pages);
  try {
    return new api.Memory({ address: 'i64', initial: size, maximum: size, shared: target.sharedMemory });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // RangeError: too large
    return new api.Memory({ index: 'i64', initial: pages, maximum: pages, shared: target.sharedMemory });
  }
}
