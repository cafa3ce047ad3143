import { QwenAsrError } from '../error.js';
import { quote } from '../model/describe.js';
import { MergeTable, parseMerges } from './mergeTable.js';
import { bytesOfPiece, contentOf, pieceOfText, type TokenizerData, Vocabulary } from './vocabulary.js';
import { whiteSpace } from './whiteSpace.js';

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
    return this.#vocabulary.idLimit;
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
    const entry = this.#vocabulary.entry(id);
    return entry === undefined ? undefined : contentOf(entry);
  }

  /** Made when first needed: most transcriptions encode nothing, and the published rules take 0.2 s. */
  #merges(): MergeTable | undefined {
    if (this.#mergeTable !== undefined || this.#rules === undefined) return this.#mergeTable;
    const given = typeof this.#rules === 'function' ? this.#rules() : this.#rules;
    const rules = typeof given === 'string' ? parseMerges(given) : given;
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
    const entry = this.#vocabulary.entry(id);
    if (entry === undefined) return NO_BYTES;
    if (typeof entry === 'string') return bytesOfPiece(entry);
    return entry.special ? NO_BYTES : utf8Encoder.encode(entry.content);
  }
}

/**
 * The published pre-tokeniser, as `tokenizer.json` states it. Compared with what a directory's own file says; not
 * compiled, since Node 20 has no inline flags.
 */
export const PUBLISHED_PATTERN =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

/**
 * `(?i:'s|'t|'re|'ve|'m|'ll|'d)` case by case. U+017F, the long s, folds to s; no other character outside ASCII
 * folds to one of these letters.
 */
const CONTRACTION = "'(?:[sS\\u017ftTmMdD]|[rR][eE]|[vV][eE]|[lL][lL])";

const pattern = new RegExp(
  [
    CONTRACTION,
    '[^\\r\\n\\p{L}\\p{N}]?\\p{L}+',
    '\\p{N}',
    ` ?[^${whiteSpace}\\p{L}\\p{N}]+[\\r\\n]*`,
    `[${whiteSpace}]*[\\r\\n]+`,
    `[${whiteSpace}]+(?![^${whiteSpace}])`,
    `[${whiteSpace}]+`,
  ].join('|'),
  'gu',
);

/**
 * Cuts text into the words that byte-pair merging works within: contractions, letters with at most one leading
 * character, single digits, punctuation, line breaks, spaces. Lossless: the words join to the text.
 * `text` should be in NFC. Letters and numbers are those of the runtime's Unicode version.
 *
 * @example
 * preTokenize("I'll take 20."); // ['I', "'ll", ' take', ' ', '2', '0', '.']
 */
export function preTokenize(text: string): string[] {
  return text.match(pattern) ?? [];
}

/** Positions a heap key can hold beside the rank: key = rank · 2^31 + position stays below 2^53 for ranks below 2^22. */
const POSITION_SPAN = 2 ** 31;

const NONE = -1;

/**
 * Byte-pair merging of one word: as long as neighbours merge, the pair of the lowest rank does, the leftmost among
 * equals. A linked list and a heap of candidate pairs make it O(n log n), so that one very long word (a URL, text
 * without spaces) does not stop the program.
 *
 * @param ids ids of the word's single bytes
 * @returns ids of the merged pieces, in order
 * @example
 * bytePairMerge([0, 1], new MergeTable(parseMerges('a b'), new Map([['a', 0], ['b', 1], ['ab', 2]]))); // [2]
 */
export function bytePairMerge(ids: readonly number[], merges: MergeTable): number[] {
  const length = ids.length;
  const id = Int32Array.from(ids); // [length] i32, piece that starts at this position
  const next = new Int32Array(length); // [length] i32, position of the next piece; length at the end
  const previous = new Int32Array(length); // [length] i32, NONE at the start
  const pairRank = new Int32Array(length); // [length] i32, rank of the piece and its successor now, NONE if they do not merge
  const candidates = new NumberHeap();

  const offer = (position: number): void => {
    const successor = next[position]!;
    const rank = successor < length ? merges.rank(id[position]!, id[successor]!) : NONE;
    pairRank[position] = rank;
    if (rank !== NONE) candidates.push(rank * POSITION_SPAN + position);
  };
  for (let position = 0; position < length; position++) {
    next[position] = position + 1;
    previous[position] = position - 1;
  }
  for (let position = 0; position < length; position++) offer(position);

  for (let key = candidates.pop(); key !== undefined; key = candidates.pop()) {
    const rank = Math.floor(key / POSITION_SPAN);
    const position = key % POSITION_SPAN;
    // The pair may be gone since it was offered: one of its pieces has merged with another neighbour.
    if (pairRank[position] !== rank) continue;
    const absorbed = next[position]!;
    const successor = next[absorbed]!;
    id[position] = merges.mergedId(rank);
    pairRank[absorbed] = NONE;
    next[position] = successor;
    if (successor < length) previous[successor] = position;
    offer(position);
    if (previous[position] !== NONE) offer(previous[position]!);
  }

  const pieces: number[] = [];
  for (let position = 0; position < length; position = next[position]!) pieces.push(id[position]!);
  return pieces;
}

/**
 * A binary min-heap of numbers: `pop` returns the smallest.
 *
 * @example
 * const heap = new NumberHeap();
 * heap.push(3);
 * heap.push(1);
 * heap.pop(); // 1
 */
export class NumberHeap {
  readonly #keys: number[] = [];

  push(key: number): void {
    const keys = this.#keys;
    let hole = keys.length;
    keys.push(key);
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      if (keys[parent]! <= key) break;
      keys[hole] = keys[parent]!;
      hole = parent;
    }
    keys[hole] = key;
  }

  /** Removes and returns the smallest key; undefined when there is none. */
  pop(): number | undefined {
    const keys = this.#keys;
    const smallest = keys[0];
    const last = keys.pop();
    if (last === undefined || keys.length === 0) return last;
    let hole = 0;
    for (let child = 1; child < keys.length; child = 2 * hole + 1) {
      if (child + 1 < keys.length && keys[child + 1]! < keys[child]!) child++;
      if (keys[child]! >= last) break;
      keys[hole] = keys[child]!;
      hole = child;
    }
    keys[hole] = last;
    return smallest;
  }
}
