import { QwenAsrError } from '../../error.js';

/** A compiled module; may be posted to workers. */
export interface WasmModule {
  readonly [moduleBrand]?: never;
}
declare const moduleBrand: unique symbol;

/** A linear memory; posting a shared one to a worker shares it. */
export interface WasmMemory {
  /** Another object after every `grow`; of a shared memory the earlier ones keep showing what they did. */
  readonly buffer: ArrayBufferLike;
  /** By so many pages of 64 KiB; a bigint where the memory was described with bigints. */
  grow(pages: number | bigint): unknown;
}

/** Functions that can be called by index; not shareable between threads. */
export interface WasmTable {
  readonly length: number;
  get(index: number): unknown;
  set(index: number, value: unknown): void;
  grow(by: number): number;
}

/** i64 parameters are bigints, i32 numbers. */
export type WasmFunction = (...args: (number | bigint)[]) => void;

/** The part of the JavaScript API this project uses; the types would otherwise come with all of the DOM's. */
export interface WebAssemblyApi {
  validate(bytes: Uint8Array<ArrayBuffer>): boolean;
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => WasmModule;
  readonly Instance: new (
    module: WasmModule,
    imports: { readonly env: Readonly<Record<string, WasmMemory | WasmTable | WasmFunction>> },
  ) => { readonly exports: Readonly<Record<string, WasmFunction>> };
  readonly Memory: new (descriptor: Readonly<Record<string, unknown>>) => WasmMemory;
  readonly Table: new (descriptor: { element: 'anyfunc'; initial: number }) => WasmTable;
}

/** The runtime's WebAssembly, or an `unsupported` error where there is none (a few hardened browsers). */
export function webAssembly(): WebAssemblyApi {
  const { WebAssembly: api } = globalThis as unknown as { WebAssembly?: WebAssemblyApi };
  if (api === undefined)
    throw new QwenAsrError('unsupported', 'WebAssembly: this runtime has none or has it switched off');
  return api;
}
