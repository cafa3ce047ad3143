import type { ByteInput } from './byteInput.js';

/** One file of a model whose bytes are at hand. They must not change before the model is loaded. */
export interface NamedBytes {
  /** Without folders. */
  readonly name: string;
  readonly bytes: ByteInput;
}

/**
 * One file of a model outside of any file system. A `File` of a page is one, and so is what fetchModelFiles makes.
 */
export interface ModelFile {
  /** Without folders. */
  readonly name: string;
  /** Length in bytes. */
  readonly size: number;
  /** Its bytes from the first one on, in pieces of any size. */
  stream(): ReadableStream<Uint8Array>;
}
