import { QwenAsrError } from '../error.js';

/** A compiled module, from which instances with a memory of their own are made. */
export interface WasmModule {
  readonly [moduleBrand]?: never;
}
declare const moduleBrand: unique symbol;

export type WasmImports = Record<string, Record<string, (...args: number[]) => unknown>>;

export interface WasmInstance {
  readonly exports: object;
}

/** The part of the JavaScript API that is used; the types would otherwise come with all of the DOM's. */
interface WebAssemblyApi {
  compile(bytes: Uint8Array<ArrayBuffer>): Promise<WasmModule>;
  instantiate(module: WasmModule, imports: WasmImports): Promise<WasmInstance>;
}

const compiled = new Map<string, Promise<WasmModule>>();

/**
 * Compiles a WebAssembly file that a package ships, once in the life of the process.
 *
 * @param specifier such as `minimp3-wasm/dist/decoder.opt.wasm`; resolved as an import would be.
 * @throws what the resolution throws when the package is not installed.
 */
export function compilePackageWasm(specifier: string): Promise<WasmModule> {
  let module = compiled.get(specifier);
  if (module === undefined) {
    module = packageFile(specifier).then((bytes) => webAssembly().compile(bytes));
    module.catch(() => compiled.delete(specifier));
    compiled.set(specifier, module);
  }
  return module;
}

export function instantiateWasm(module: WasmModule, imports: WasmImports): Promise<WasmInstance> {
  return webAssembly().instantiate(module, imports);
}

function webAssembly(): WebAssemblyApi {
  const { WebAssembly: api } = globalThis as { WebAssembly?: WebAssemblyApi };
  if (api !== undefined) return api;
  throw new QwenAsrError('unsupported', 'WebAssembly: this runtime has none or has it switched off');
}

/** Node cannot fetch files, and a browser has no file system: each reads the address its own way. */
async function packageFile(specifier: string): Promise<Uint8Array<ArrayBuffer>> {
  const address = import.meta.resolve(specifier);
  if (!address.startsWith('file:')) return new Uint8Array(await (await fetch(address)).arrayBuffer());
  // The name is not written into the import, so that bundlers for browsers do not look for the module.
  const name = 'node:fs/promises';
  const { readFile } = (await import(name)) as typeof import('node:fs/promises');
  return new Uint8Array(await readFile(new URL(address)));
}
