import type { AddedToken } from './tokenizerData.js';

/** Above any vocabulary (the published embedding has 151,936 rows), and small enough to index an array with. */
export const VOCABULARY_ID_LIMIT = 2 ** 20;

/** Entries of the published `vocab.json`, which the added tokens follow. */
export const PUBLISHED_VOCABULARY_SIZE = 151643;

/**
 * Added tokens of the published checkpoints (`tokenizer_config.json` of Qwen/Qwen3-ASR-0.6B and -1.7B), as far as
 * prompt and output use them. For directories that hold the published vocabulary without that file.
 */
export const publishedTokens: readonly AddedToken[] = [
  { id: 151643, content: '<|endoftext|>', special: true },
  { id: 151644, content: '<|im_start|>', special: true },
  { id: 151645, content: '<|im_end|>', special: true },
  { id: 151669, content: '<|audio_start|>', special: true },
  { id: 151670, content: '<|audio_end|>', special: true },
  { id: 151676, content: '<|audio_pad|>', special: true },
  { id: 151704, content: '<asr_text>', special: false },
];
