/**
 * The bytes of a weight file, read or memory-mapped. A buffer and not one Uint8Array, because Node 20 has no typed array
 * of more than 2^32 elements, and a 1.7B model in one file has more bytes.
 */
export interface FileBytes {
  /** Holds the file from `byteOffset` on. Nobody writes to it. */
  readonly buffer: ArrayBufferLike;
  /** Where the file starts in `buffer`; a multiple of 64. */
  readonly byteOffset: number;
  readonly byteLength: number;
  /** Gives the memory back; views of `buffer` must not be used afterwards. */
  release(): void;
}

/** Room for a file: as many bytes as it has, of `buffer` from `byteOffset` on. */
export interface Place {
  readonly buffer: ArrayBufferLike;
  readonly byteOffset: number;
}

/** The files of one model, wherever they lie: in a directory, behind an address, or chosen by a visitor of a page. */
export interface ModelFolder {
  /** Names the model; messages begin with it. */
  readonly source: string;
  /** Names of all files in it. */
  readonly names: readonly string[];
  /** How messages name one of the files. */
  pathOf(name: string): string;
  /** @throws QwenAsrError `file`; `model` when it is too large or not UTF-8 */
  readText(name: string): Promise<string>;
  /** @throws QwenAsrError `file`, `memory`, `aborted` */
  openWeights(name: string): Promise<FileBytes>;
}
