import { QwenAsrError } from '../error.js';

/** A package that is installed only where npm could and should. */
export interface OptionalPackage {
  readonly name: string;
  /** What it is needed for, for the error. */
  readonly purpose: string;
}

/**
 * Runs `load`, which imports from an optional package.
 *
 * @throws QwenAsrError `unsupported` naming the package when it is not installed or does not load.
 */
export async function fromOptionalPackage<T>(
  { name, purpose }: OptionalPackage,
  label: string,
  load: () => Promise<T>,
): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    const missing = cause instanceof Error && 'code' in cause && String(cause.code).includes('NOT_FOUND');
    const reason = missing ? 'is not installed' : `cannot be loaded (${String(cause)})`;
    const hint = `${purpose} needs the package ${name}, which ${reason}; npm install ${name} adds it`;
    throw new QwenAsrError('unsupported', `${label}: ${hint}`, { cause });
  }
}

/** A compiled module, from which instances with a memory of their own are made. */
export interface PackageModule {
  readonly [moduleBrand]?: never;
}
declare const moduleBrand: unique symbol;

export type WasmImports = Record<string, Record<string, (...args: number[]) => unknown>>;

export interface WasmInstance {
  readonly exports: object;
}

/** The part of the JavaScript API that is used; the types would otherwise come with all of the DOM's. */
interface WebAssemblyApi {
  compile(bytes: Uint8Array<ArrayBuffer>): Promise<PackageModule>;
  instantiate(module: PackageModule, imports: WasmImports): Promise<WasmInstance>;
}

const compiled = new Map<string, Promise<PackageModule>>();

/**
 * Compiles a WebAssembly file that a package ships, once in the life of the process.
 *
 * @param specifier such as `minimp3-wasm/dist/decoder.opt.wasm`; resolved as an import would be.
 * @throws what the resolution throws when the package is not installed.
 */
export function compilePackageWasm(specifier: string): Promise<PackageModule> {
  let module = compiled.get(specifier);
  if (module === undefined) {
    module = packageFile(specifier).then((bytes) => webAssembly().compile(bytes));
    module.catch(() => compiled.delete(specifier));
    compiled.set(specifier, module);
  }
  return module;
}

export function instantiateWasm(module: PackageModule, imports: WasmImports): Promise<WasmInstance> {
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
