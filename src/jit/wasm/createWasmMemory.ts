import { QwenAsrError } from '../../error.js';
import type { WasmTarget } from './wasmTarget.js';
import { type WasmMemory, webAssembly } from './webAssembly.js';

const PAGE_BYTES = 65536;

/** The largest memory with 32-bit addresses, in bytes. */
const MAX_BYTES_32 = 2 ** 32;

/**
 * A zeroed memory, rounded up to 64 KiB, that modules for `target` accept.
 *
 * @param mostBytes what growWasmMemory may make of it, where the runtime agrees
 * @throws QwenAsrError `memory` when there is not as much; `unsupported` when it takes more than 4 GiB and the target
 * has 32-bit addresses.
 */
export function createWasmMemory(bytes: number, target: WasmTarget, mostBytes = bytes): WasmMemory {
  const pages = Math.ceil(bytes / PAGE_BYTES);
  const mostPages = Math.max(pages, Math.floor(mostBytes / PAGE_BYTES));
  if (!target.memory64 && pages * PAGE_BYTES > MAX_BYTES_32)
    throw new QwenAsrError(
      'unsupported',
      `WebAssembly memory: ${bytes} bytes need 64-bit addresses (memory64), found a runtime or a setting without them`,
    );
  const create = target.memory64 ? createMemory64 : createMemory32;
  try {
    return create(pages, mostPages, target);
  } catch (cause) {
    // The addresses that it may grow into are taken at once: a system with a limit on them has room for less.
    if (mostPages > pages) return createWasmMemory(bytes, target);
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new QwenAsrError('memory', `WebAssembly memory: could not allocate ${bytes} bytes: ${reason}`, {
      cause,
    });
  }
}

/** Makes a memory larger by at least so many bytes. @returns whether the runtime did */
export function growWasmMemory(memory: WasmMemory, bytes: number): boolean {
  const pages = Math.ceil(bytes / PAGE_BYTES);
  for (const by of [pages, BigInt(pages)]) {
    try {
      memory.grow(by);
      return true;
    } catch (error) {
      if (!(error instanceof TypeError)) return false; // RangeError: too large
    }
  }
  return false;
}

function createMemory32(pages: number, mostPages: number, target: WasmTarget): WasmMemory {
  const api = webAssembly();
  return new api.Memory({ initial: pages, maximum: mostPages, shared: target.sharedMemory });
}

/** The descriptor changed while memory64 was a proposal: Node 22 has `index` and numbers, later ones `address` and bigints. */
function createMemory64(pages: number, mostPages: number, target: WasmTarget): WasmMemory {
  const api = webAssembly();
  const shared = target.sharedMemory;
  try {
    return new api.Memory({ address: 'i64', initial: BigInt(pages), maximum: BigInt(mostPages), shared });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // RangeError: too large
    return new api.Memory({ index: 'i64', initial: pages, maximum: mostPages, shared });
  }
}
