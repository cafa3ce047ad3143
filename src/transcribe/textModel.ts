import { QwenAsrError } from '../error.js';
import type { ModelConfig } from '../model/config.js';
import type { ModelFiles } from '../model/readModelFolder.js';
import { nextTurn } from '../runtime/nextTurn.js';
import { alignerLanguageNames, languageNames } from '../text/languages.js';
import {
  type AlignIds,
  type ConfigTokenIds,
  type PromptIds,
  resolveAlignIds,
  resolvePromptIds,
} from '../text/promptIds.js';
import { readTokenizerInSlices } from '../text/readTokenizer.js';
import type { SlicedWork } from '../text/scanVocabulary.js';
import type { Tokenizer } from '../text/tokenizer.js';

/** Longest time for which reading ahead holds up the event loop, in milliseconds, but for a slice and one JSON.parse. */
const TURN_MS = 4;

interface ReadTokenizer<Ids> {
  readonly tokenizer: Tokenizer;
  readonly promptIds: Ids;
}

/** A model's way with text; Ids are those that its prompt is made of. */
export interface TextModel<Ids = PromptIds> {
  readonly tokenizer: Tokenizer;
  readonly promptIds: Ids;
  /** Names of the languages that may be forced. */
  readonly languages: readonly string[];
  /**
   * Ids of plain text.
   *
   * @throws QwenAsrError `tokenizer` for text that the vocabulary cannot spell; `model` for malformed merges
   */
  encode(text: string): number[];
}

/**
 * The text model of a directory's files. The published vocabulary takes longer to parse than everything else in
 * loading, and nothing needs it before the audio has been encoded: it is read at first use, or when `prepare` finds
 * the time.
 */
export class LazyTextModel<Ids = PromptIds> implements TextModel<Ids> {
  readonly languages: readonly string[];
  readonly #files: Pick<ModelFiles, 'source' | 'tokenizerFiles'>;
  readonly #resolveIds: (tokenizer: Tokenizer) => Ids;
  #reading: SlicedWork<ReadTokenizer<Ids>> | undefined;
  #read: ReadTokenizer<Ids> | undefined;

  constructor(
    files: Pick<ModelFiles, 'source' | 'tokenizerFiles'>,
    languages: readonly string[],
    resolveIds: (tokenizer: Tokenizer) => Ids,
  ) {
    this.#files = files;
    this.languages = languages;
    this.#resolveIds = resolveIds;
  }

  /** @throws QwenAsrError `model` for malformed tokenizer files, `unsupported` for those of another tokenizer */
  get tokenizer(): Tokenizer {
    return this.#vocabulary().tokenizer;
  }

  /** @throws QwenAsrError as {@link tokenizer}, and `model` when a token of the prompt is missing */
  get promptIds(): Ids {
    return this.#vocabulary().promptIds;
  }

  encode(text: string): number[] {
    const { tokenizer } = this;
    try {
      return tokenizer.encode(text);
    } catch (error) {
      // The merges are read when they are first needed.
      const isOfFiles = error instanceof QwenAsrError && error.code === 'model';
      throw isOfFiles ? inDirectory(this.#files.source, error) : error;
    }
  }

  /** Reads the files ahead, a little a turn of the event loop; what is wrong with them is thrown at first use. */
  async prepare(): Promise<void> {
    try {
      while (this.#read === undefined) {
        await nextTurn();
        this.#readUntil(performance.now() + TURN_MS);
      }
    } catch {
      // The getters throw it again, to somebody who can be told.
    }
  }

  #vocabulary(): ReadTokenizer<Ids> {
    try {
      return this.#readUntil(Number.POSITIVE_INFINITY) as ReadTokenizer<Ids>;
    } catch (error) {
      throw error instanceof QwenAsrError ? inDirectory(this.#files.source, error) : error;
    }
  }

  #readUntil(deadlineMs: number): ReadTokenizer<Ids> | undefined {
    this.#reading ??= this.#readFiles();
    try {
      while (this.#read === undefined) {
        const slice = this.#reading.next();
        if (slice.done === true) this.#read = slice.value;
        else if (performance.now() >= deadlineMs) break;
      }
    } catch (error) {
      this.#reading = undefined; // a generator that has thrown would only say that it is done
      throw error;
    }
    return this.#read;
  }

  *#readFiles(): SlicedWork<ReadTokenizer<Ids>> {
    const tokenizer = yield* readTokenizerInSlices(this.#files.tokenizerFiles);
    return { tokenizer, promptIds: this.#resolveIds(tokenizer) };
  }
}

/** The text model of a model that writes text. */
export function transcriptTextModel(
  files: Pick<ModelFiles, 'source' | 'tokenizerFiles'>,
  config: ModelConfig,
): LazyTextModel {
  const languages = config.supportLanguages ?? languageNames;
  return new LazyTextModel(files, languages, (tokenizer) =>
    resolvePromptIds(tokenizer, config.decoder.vocab, configuredIds(config)),
  );
}

/** The text model of a forced aligner. */
export function alignerTextModel(
  files: Pick<ModelFiles, 'source' | 'tokenizerFiles'>,
  config: ModelConfig,
): LazyTextModel<AlignIds> {
  const languages = config.supportLanguages ?? alignerLanguageNames;
  const { vocab } = config.decoder;
  return new LazyTextModel(files, languages, (tokenizer) =>
    resolveAlignIds(tokenizer, vocab, configuredIds(config), config.aligner?.timestampId),
  );
}

function configuredIds({ tokenIds: { audioPad, audioStart, audioEnd } }: ModelConfig): ConfigTokenIds {
  return { audioTokenId: audioPad, audioStartTokenId: audioStart, audioEndTokenId: audioEnd };
}

/** The readers of the tokenizer's files know these by their names alone: says whose they are. */
export function inDirectory(source: string, error: QwenAsrError): QwenAsrError {
  const { code, message } = error;
  const separator = /^[\w.]+\.(json|txt)\b/.test(message) ? '/' : ': ';
  return new QwenAsrError(code, `${source}${separator}${message}`, { cause: error });
}
