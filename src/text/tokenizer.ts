import { QwenAsrError } from '../error.js';
import { quote } from '../model/describe.js';
import { bytePairMerge } from './bytePairMerge.js';
import { MergeTable, parseMerges } from './mergeTable.js';
import { preTokenize } from './preTokenize.js';
import { bytesOfPiece, contentOf, pieceOfText, type TokenizerData, Vocabulary } from './vocabulary.js';

/** Turns ids into text as they come. */
export interface StreamDecoder {
  /** Text that this id completes; '' while a character is incomplete, and for special and unknown ids. */
  push(id: number): string;
  /** What is left: U+FFFD when the text ended inside a character, else ''. The decoder can be used anew. */
  flush(): string;
}

const utf8Encoder = new TextEncoder();
const NO_BYTES = new Uint8Array(0);

/**
 * The Qwen2 byte-level BPE tokenizer: NFC, pre-tokeniser, merges by rank.
 *
 * @example
 * const tokenizer = Tokenizer.create({ vocab: { a: 0, b: 1, ab: 2 }, merges: 'a b', addedTokens: [] });
 * tokenizer.encode('abba'); // [2, 1, 0]
 * tokenizer.decode([2, 1, 0]); // 'abba'
 */
export class Tokenizer {
  readonly #vocabulary: Vocabulary;
  readonly #rules: TokenizerData['merges'];
  #mergeTable: MergeTable | undefined;

  private constructor(vocabulary: Vocabulary, rules: TokenizerData['merges']) {
    this.#vocabulary = vocabulary;
    this.#rules = rules;
  }

  /**
   * @throws QwenAsrError `model` when ids are unusable or shared.
   */
  static create(data: TokenizerData): Tokenizer {
    return new Tokenizer(new Vocabulary(data), data.merges);
  }

  /** One more than the largest id: an embedding table needs at least as many rows. */
  get idLimit(): number {
    return this.#vocabulary.entries.length;
  }

  /**
   * Ids of plain text. Never yields an added token: `<|im_end|>` in the text is characters like any others.
   * A lone surrogate counts as U+FFFD.
   *
   * @throws QwenAsrError `tokenizer` when the vocabulary cannot spell the text, or merges are needed and absent; `model`
   * when a merge is malformed or not of this vocabulary.
   */
  encode(text: string): number[] {
    const merges = this.#merges();
    const ids: number[] = [];
    for (const word of preTokenize(text.normalize('NFC'))) {
      const pieces = merges ? bytePairMerge(this.#bytes(word), merges) : [this.#wholeEntry(word)];
      for (const id of pieces) ids.push(id);
    }
    return ids;
  }

  /**
   * Text of ids. Added tokens that are special are left out, others (such as `<asr_text>`) kept; ids that name
   * nothing (the published embedding has more rows than the vocabulary has entries) are left out too. Bytes that are
   * not UTF-8 become U+FFFD as in TextDecoder; a byte order mark stays.
   */
  decode(ids: Iterable<number>): string {
    const decoder = this.streamDecoder();
    let text = '';
    for (const id of ids) text += decoder.push(id);
    return text + decoder.flush();
  }

  /** Decodes one id at a time; the pieces join to what `decode` returns for all. */
  streamDecoder(): StreamDecoder {
    const utf8Decoder = new TextDecoder('utf-8', { ignoreBOM: true });
    return {
      push: (id) => utf8Decoder.decode(this.#bytesOf(id), { stream: true }),
      flush: () => utf8Decoder.decode(),
    };
  }

  /** Id of an added token by its content, or of a vocabulary entry in the byte alphabet (a line break is `Ċ`). */
  idOf(content: string): number | undefined {
    return this.#vocabulary.addedTokens.get(content)?.id ?? this.#vocabulary.idOf(content);
  }

  /** The entry with this id: an added token's content, or a piece in the byte alphabet (` the` is `Ġthe`). */
  pieceOf(id: number): string | undefined {
    const entry = this.#vocabulary.entries[id];
    return entry === undefined ? undefined : contentOf(entry);
  }

  /** Made when first needed: most transcriptions encode nothing, and the published rules take 0.2 s. */
  #merges(): MergeTable | undefined {
    if (this.#mergeTable !== undefined || this.#rules === undefined) return this.#mergeTable;
    const rules = typeof this.#rules === 'string' ? parseMerges(this.#rules) : this.#rules;
    this.#mergeTable = new MergeTable(rules, this.#vocabulary.idOfPiece);
    return this.#mergeTable;
  }

  #bytes(word: string): number[] {
    return Array.from(utf8Encoder.encode(word), (byte) => {
      const id = this.#vocabulary.byteIds[byte];
      if (id !== undefined) return id;
      const hex = byte.toString(16).toUpperCase().padStart(2, '0');
      throw new QwenAsrError('tokenizer', `cannot encode ${quote(word)}: the vocabulary lacks byte 0x${hex}`);
    });
  }

  #wholeEntry(word: string): number {
    const id = this.#vocabulary.idOfPiece.get(pieceOfText(word));
    if (id !== undefined) return id;
    throw new QwenAsrError(
      'tokenizer',
      `cannot encode ${quote(word)}: expected one vocabulary entry, because the model directory has no merges.txt`,
    );
  }

  #bytesOf(id: number): Uint8Array {
    const entry = this.#vocabulary.entries[id];
    if (entry === undefined) return NO_BYTES;
    if (typeof entry === 'string') return bytesOfPiece(entry);
    return entry.special ? NO_BYTES : utf8Encoder.encode(entry.content);
  }
}
