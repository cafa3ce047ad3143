import { QwenAsrError } from '../error.js';
import type { ModelConfig } from '../model/config.js';
import type { ModelFiles } from '../model/modelFiles.js';
import { languageNames } from '../text/languages.js';
import { type PromptIds, resolvePromptIds } from '../text/promptIds.js';
import { readTokenizer } from '../text/readTokenizer.js';
import type { Tokenizer } from '../text/tokenizer.js';

/** A model's way with text. */
export interface TextModel {
  readonly tokenizer: Tokenizer;
  readonly promptIds: PromptIds;
  /** Names of the languages that may be forced. */
  readonly languages: readonly string[];
}

/**
 * The text model of a directory's files. The published vocabulary takes longer to parse than everything else in
 * loading, and nothing needs it before the audio has been encoded: it is read at first use, or when `prepare` finds
 * the time.
 */
export class LazyTextModel implements TextModel {
  readonly languages: readonly string[];
  readonly #files: Pick<ModelFiles, 'source' | 'tokenizerFiles'>;
  readonly #config: ModelConfig;
  #read: { tokenizer: Tokenizer; promptIds: PromptIds } | undefined;

  constructor(files: Pick<ModelFiles, 'source' | 'tokenizerFiles'>, config: ModelConfig) {
    this.#files = files;
    this.#config = config;
    this.languages = config.supportLanguages ?? languageNames;
  }

  /** @throws QwenAsrError `model` for malformed tokenizer files, `unsupported` for those of another tokenizer */
  get tokenizer(): Tokenizer {
    return this.#vocabulary().tokenizer;
  }

  /** @throws QwenAsrError as {@link tokenizer}, and `model` when a token of the prompt is missing */
  get promptIds(): PromptIds {
    return this.#vocabulary().promptIds;
  }

  /** Reads the files now; what is wrong with them is thrown at first use. */
  prepare(): void {
    try {
      this.#vocabulary();
    } catch {
      // The getters throw it again, to somebody who can be told.
    }
  }

  #vocabulary(): { tokenizer: Tokenizer; promptIds: PromptIds } {
    try {
      this.#read ??= this.#readFiles();
      return this.#read;
    } catch (error) {
      throw inDirectory(this.#files.source, error);
    }
  }

  #readFiles(): { tokenizer: Tokenizer; promptIds: PromptIds } {
    const tokenizer = readTokenizer(this.#files.tokenizerFiles);
    const { audioPad, audioStart, audioEnd } = this.#config.tokenIds;
    const promptIds = resolvePromptIds(tokenizer, this.#config.decoder.vocab, {
      audioTokenId: audioPad,
      audioStartTokenId: audioStart,
      audioEndTokenId: audioEnd,
    });
    return { tokenizer, promptIds };
  }
}

/** The readers of the tokenizer's files know these by their names alone: says whose they are. */
function inDirectory(source: string, error: unknown): unknown {
  if (!(error instanceof QwenAsrError)) return error;
  const { code, message } = error;
  const separator = /^[\w.]+\.(json|txt)\b/.test(message) ? '/' : ': ';
  return new QwenAsrError(code, `${source}${separator}${message}`, { cause: error });
}
