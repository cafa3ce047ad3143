import { QwenAsrError } from '../error.js';
import { describeValue, quote } from '../model/describe.js';
import type { MergeRules } from './mergeTable.js';

/** Above any vocabulary (the published embedding has 151,936 rows), and small enough to index an array with. */
export const VOCABULARY_ID_LIMIT = 2 ** 20;

/** A token that stands outside the byte-pair vocabulary. */
export interface AddedToken {
  readonly id: number;
  /** Its text, literally. */
  readonly content: string;
  /** Special tokens are left out of decoded text. */
  readonly special: boolean;
}

/** [id] → piece in the byte alphabet, undefined where the id is unknown: an array, or what need not hold every piece. */
export interface PieceTable {
  readonly length: number;
  at(id: number): string | undefined;
  /** −1: no piece. */
  indexOf(piece: string): number;
}

/** What a tokenizer is made of, whichever files it came from. */
export interface TokenizerData {
  /** Piece in the byte alphabet → id; or, as a table, [id] → piece. */
  readonly vocab: ReadonlyMap<string, number> | Readonly<Record<string, number>> | PieceTable;
  /** The text of `merges.txt`, which may be made when it is needed, or rules already read. Absent: only whole entries are encoded. */
  readonly merges?: string | (() => string) | MergeRules | undefined;
  readonly addedTokens: readonly AddedToken[];
  /** True when no file states them: they are those that the vocabulary lists, or the published ones. */
  readonly addedTokensAssumed?: boolean;
}

/**
 * The GPT-2 byte alphabet: every byte is written as one printable character, so that a vocabulary of byte strings
 * can be stored as JSON text. Printable Latin-1 bytes stand for themselves; the other 68, in order, are U+0100 on.
 * (Byte 0x20 is `Ġ`, byte 0x0A is `Ċ`.)
 */

/** Printable characters of Latin-1; U+00AD, the soft hyphen, is invisible. */
const PRINTABLE_RANGES: readonly (readonly [number, number])[] = [
  [0x21, 0x7e],
  [0xa1, 0xac],
  [0xae, 0xff],
];

/** byteAlphabet[byte] is the character that stands for it; 256 entries. */
export const byteAlphabet: readonly string[] = buildAlphabet();

/** byteOfCharacter[code unit] is the byte, or -1; all characters of the alphabet lie below the array's length. */
const byteOfCharacter: Int16Array = invert(byteAlphabet); // [324] i16

const utf8Encoder = new TextEncoder();

/**
 * Bytes that a vocabulary entry stands for. An entry with any character outside the alphabet is not a byte string:
 * it stands for its own UTF-8, as in the published decoder.
 *
 * @example
 * bytesOfPiece('Ġthe'); // Uint8Array [0x20, 0x74, 0x68, 0x65]
 */
export function bytesOfPiece(piece: string): Uint8Array {
  const bytes = new Uint8Array(piece.length);
  for (let i = 0; i < piece.length; i++) {
    const byte = byteOfCharacter[piece.charCodeAt(i)] ?? -1;
    if (byte < 0) return utf8Encoder.encode(piece);
    bytes[i] = byte;
  }
  return bytes;
}

/**
 * The vocabulary's way to write a text.
 *
 * @example
 * pieceOfText(' English'); // 'ĠEnglish'
 */
export function pieceOfText(text: string): string {
  let piece = '';
  for (const byte of utf8Encoder.encode(text)) piece += byteAlphabet[byte];
  return piece;
}

function buildAlphabet(): readonly string[] {
  const characters: string[] = [];
  let invisible = 0;
  for (let byte = 0; byte < 256; byte++) {
    const printable = PRINTABLE_RANGES.some(([first, last]) => byte >= first && byte <= last);
    characters.push(String.fromCharCode(printable ? byte : 256 + invisible++));
  }
  return characters;
}

function invert(alphabet: readonly string[]): Int16Array {
  const codes = alphabet.map((character) => character.charCodeAt(0));
  const bytes = new Int16Array(Math.max(...codes) + 1).fill(-1);
  codes.forEach((code, byte) => {
    bytes[code] = byte;
  });
  return bytes;
}

/** Pieces and ids in both directions, checked once. */
export class Vocabulary {
  /** Content of an added token → the token. */
  readonly addedTokens: ReadonlyMap<string, AddedToken>;
  /** One more than the largest id. */
  readonly idLimit: number;
  readonly #pieces: PieceTable;
  readonly #addedById = new Map<number, AddedToken>();
  #idOfPiece: ReadonlyMap<string, number> | undefined;
  #byteIds: readonly (number | undefined)[] | undefined;

  /**
   * @throws QwenAsrError `model` when an id is not a non-negative integer below 2^20, or two entries share one.
   */
  constructor({ vocab, addedTokens }: Pick<TokenizerData, 'vocab' | 'addedTokens'>) {
    this.#pieces = isPieceTable(vocab)
      ? vocab
      : piecesById(vocab instanceof Map ? vocab : Object.entries(vocab));
    const added = new Map<string, AddedToken>();
    for (const token of addedTokens) {
      if (!isId(token.id)) throw badId(token.id, `added token ${quote(token.content)}`);
      // Some files repeat added tokens among the vocabulary.
      const holder = this.entry(token.id);
      if (holder !== undefined) checkSame(token.id, contentOf(holder), token.content);
      this.#addedById.set(token.id, token);
      added.set(token.content, token);
    }
    this.addedTokens = added;
    this.idLimit = Math.max(this.#pieces.length, ...[...this.#addedById.keys()].map((id) => id + 1));
  }

  /** The vocabulary piece or added token of an id; undefined where it is unknown. */
  entry(id: number): string | AddedToken | undefined {
    return this.#addedById.get(id) ?? this.#pieces.at(id);
  }

  /** Piece in the byte alphabet → id; added tokens are not among them. Made when text is first encoded. */
  get idOfPiece(): ReadonlyMap<string, number> {
    if (this.#idOfPiece !== undefined) return this.#idOfPiece;
    const ids = new Map<string, number>();
    for (let id = 0; id < this.#pieces.length; id++) {
      const entry = this.entry(id);
      if (typeof entry === 'string') ids.set(entry, id);
    }
    this.#idOfPiece = ids;
    return ids;
  }

  /** [byte] → id of the byte's own piece; undefined where the vocabulary lacks it. */
  get byteIds(): readonly (number | undefined)[] {
    this.#byteIds ??= byteAlphabet.map((character) => this.idOfPiece.get(character));
    return this.#byteIds;
  }

  /** Id of one piece. The few that the prompt asks for are not worth the map of all. */
  idOf(piece: string): number | undefined {
    if (this.#idOfPiece !== undefined) return this.#idOfPiece.get(piece);
    const id = this.#pieces.indexOf(piece);
    return id < 0 || this.#addedById.has(id) ? undefined : id;
  }
}

/** Whether it is a table, and not a record in which a piece may have any of a table's names. */
export function isPieceTable(vocab: TokenizerData['vocab']): vocab is PieceTable {
  return typeof (vocab as Partial<PieceTable>).at === 'function';
}

/** The text of an entry: a piece in the byte alphabet, or an added token's content. */
export function contentOf(entry: string | AddedToken): string {
  return typeof entry === 'string' ? entry : entry.content;
}

function piecesById(vocabulary: Iterable<readonly [string, number]>): (string | undefined)[] {
  const pieces: (string | undefined)[] = [];
  for (const [piece, id] of vocabulary) {
    if (!isId(id)) throw badId(id, `vocabulary entry ${quote(piece)}`);
    if (pieces[id] !== undefined) checkSame(id, pieces[id], piece);
    // Filled in order of id nearly always; a gap before a far id must not make the array sparse-slow.
    for (let gap = pieces.length; gap < id; gap++) pieces.push(undefined);
    pieces[id] = piece;
  }
  return pieces;
}

function checkSame(id: number, first: string, second: string): void {
  if (first === second) return;
  const names = `${quote(first)} and ${quote(second)}`;
  throw new QwenAsrError('model', `tokenizer: expected one entry per id, found ${names} with id ${id}`);
}

function isId(id: unknown): boolean {
  return typeof id === 'number' && Number.isInteger(id) && id >= 0 && id < VOCABULARY_ID_LIMIT;
}

function badId(id: unknown, what: string): QwenAsrError {
  return new QwenAsrError(
    'model',
    `tokenizer: ${what}: expected an id from 0 to ${VOCABULARY_ID_LIMIT - 1}, found ${describeValue(id)}`,
  );
}
