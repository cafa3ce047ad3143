import { QwenAsrError } from '../error.js';
import { quote } from '../model/describe.js';
import { PUBLISHED_VOCABULARY_SIZE } from './readTokenizer.js';
import type { Tokenizer } from './tokenizer.js';

/** Ids that the chat template is made of, and those that end a transcript. */
export interface PromptIds {
  readonly imStart: number;
  readonly imEnd: number;
  readonly endOfText: number;
  readonly audioStart: number;
  /** Stands for one row of audio embeddings. */
  readonly audioPad: number;
  readonly audioEnd: number;
  readonly asrText: number;
  /** Ordinary vocabulary entries: the template needs no merges. */
  readonly system: number;
  readonly user: number;
  readonly assistant: number;
  readonly language: number;
  readonly newline: number;
  /** `<|im_end|>` and `<|endoftext|>`: generation stops at either. */
  readonly endIds: ReadonlySet<number>;
}

/** Token ids that config.json states, as far as present; the `-hf` layout has only `audio_token_id`. */
export interface ConfigTokenIds {
  /** `audio_token_id` */
  readonly audioTokenId?: number | undefined;
  /** `audio_start_token_id` */
  readonly audioStartTokenId?: number | undefined;
  /** `audio_end_token_id` */
  readonly audioEndTokenId?: number | undefined;
}

/**
 * Resolves the template's ids: config.json first, then the tokenizer's added tokens (which are the published ones
 * for a vocabulary of the published size without tokenizer_config.json), then its vocabulary.
 *
 * @param embeddingRows rows of `embed_tokens.weight`, which every id of the tokenizer must lie below
 * @throws QwenAsrError `model` naming a token that no file gives an id for, or whose id has no embedding.
 * @example
 * const ids = resolvePromptIds(tokenizer, 151936, { audioTokenId: 151676 });
 * ids.endIds.has(ids.imEnd); // true
 */
export function resolvePromptIds(
  tokenizer: Tokenizer,
  embeddingRows: number,
  config: ConfigTokenIds = {},
): PromptIds {
  const resolve = (content: string, configured?: number): number =>
    resolveId(tokenizer, embeddingRows, content, configured);
  const imEnd = resolve('<|im_end|>');
  const endOfText = resolve('<|endoftext|>');
  const ids = {
    imStart: resolve('<|im_start|>'),
    imEnd,
    endOfText,
    audioStart: resolve('<|audio_start|>', config.audioStartTokenId),
    audioPad: resolve('<|audio_pad|>', config.audioTokenId),
    audioEnd: resolve('<|audio_end|>', config.audioEndTokenId),
    asrText: resolve('<asr_text>'),
    system: resolve('system'),
    user: resolve('user'),
    assistant: resolve('assistant'),
    language: resolve('language'),
    newline: resolve('Ċ'),
    endIds: new Set([imEnd, endOfText]),
  };
  checkEmbedded(tokenizer, embeddingRows);
  return ids;
}

/** Ids that the input of a forced aligner is made of. */
export interface AlignIds extends Pick<PromptIds, 'audioStart' | 'audioPad' | 'audioEnd'> {
  /** `<timestamp>`: stands where a time is asked for. */
  readonly timestamp: number;
}

/** `<timestamp>` of Qwen/Qwen3-ForcedAligner-0.6B, whose vocabulary a directory may have without its added tokens. */
export const PUBLISHED_TIMESTAMP_ID = 151705;

/**
 * The same for a forced aligner, whose input has no chat template.
 *
 * @param timestampTokenId `timestamp_token_id` of config.json, if it has one
 * @throws QwenAsrError `model` as {@link resolvePromptIds}
 */
export function resolveAlignIds(
  tokenizer: Tokenizer,
  embeddingRows: number,
  config: ConfigTokenIds,
  timestampTokenId: number | undefined,
): AlignIds {
  const resolve = (content: string, configured?: number): number =>
    resolveId(tokenizer, embeddingRows, content, configured);
  const isPublished = tokenizer.idOf('<|endoftext|>') === PUBLISHED_VOCABULARY_SIZE;
  const assumed = isPublished ? PUBLISHED_TIMESTAMP_ID : undefined;
  const ids = {
    audioStart: resolve('<|audio_start|>', config.audioStartTokenId),
    audioPad: resolve('<|audio_pad|>', config.audioTokenId),
    audioEnd: resolve('<|audio_end|>', config.audioEndTokenId),
    timestamp: resolve('<timestamp>', timestampTokenId ?? tokenizer.idOf('<timestamp>') ?? assumed),
  };
  checkEmbedded(tokenizer, embeddingRows);
  return ids;
}

/** @throws QwenAsrError `model` naming the token */
function resolveId(
  tokenizer: Tokenizer,
  embeddingRows: number,
  content: string,
  configured: number | undefined,
): number {
  const id = configured ?? tokenizer.idOf(content);
  const name = JSON.stringify(content);
  if (id === undefined) {
    throw new QwenAsrError(
      'model',
      `prompt: expected an id for ${name}, found none in config.json, tokenizer_config.json and the vocabulary`,
    );
  }
  if (Number.isInteger(id) && id >= 0 && id < embeddingRows) return id;
  throw new QwenAsrError(
    'model',
    `prompt: expected the id of ${name} to be below the ${embeddingRows} rows of embed_tokens.weight, found ${id}`,
  );
}

/** Text of a context becomes any ids that the tokenizer has, and each of them a row of the embedding. */
function checkEmbedded(tokenizer: Tokenizer, embeddingRows: number): void {
  for (let id = embeddingRows; id < tokenizer.idLimit; id++) {
    const piece = tokenizer.pieceOf(id);
    if (piece === undefined) continue;
    throw new QwenAsrError(
      'model',
      `tokenizer: expected ids below the ${embeddingRows} rows of embed_tokens.weight, found ${id} for ${quote(piece)}`,
    );
  }
}
