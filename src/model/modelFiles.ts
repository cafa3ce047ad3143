import type { ModelTensors } from './modelTensors.js';

/** Text files of a model directory that a tokenizer is made of, as far as present. */
export interface TokenizerFiles {
  readonly vocabJson?: string;
  readonly mergesTxt?: string;
  readonly tokenizerConfigJson?: string;
  readonly tokenizerJson?: string;
}

/** A model before anything is interpreted: read from a directory or synthesized. */
export interface ModelFiles {
  /** The directory, or `synthetic:SIZE:SEED`; messages begin with it. */
  readonly source: string;
  readonly synthetic: boolean;
  /** Names of the files that were read, in that order; none for a synthetic model. */
  readonly fileNames: readonly string[];
  readonly tensors: ModelTensors;
  readonly configJson?: string;
  readonly generationConfigJson?: string;
  readonly tokenizerFiles: TokenizerFiles;
  /** Gives the files' memory back; the tensors must not be used afterwards. Calling it twice is harmless. */
  release(): void;
}
