import { QwenAsrError } from '../error.js';
import { describeValue, quote } from '../model/describe.js';
import { byteAlphabet } from './byteAlphabet.js';
import { VOCABULARY_ID_LIMIT } from './publishedTokens.js';
import type { AddedToken, TokenizerData } from './tokenizerData.js';

/** Pieces and ids in both directions, checked once. */
export class Vocabulary {
  /** Content of an added token → the token. */
  readonly addedTokens: ReadonlyMap<string, AddedToken>;
  /** [id] → vocabulary piece, or added token; undefined where the id is unknown. */
  readonly entries: readonly (string | AddedToken | undefined)[];
  #idOfPiece: ReadonlyMap<string, number> | undefined;
  #byteIds: readonly (number | undefined)[] | undefined;

  /**
   * @throws QwenAsrError `model` when an id is not a non-negative integer below 2^20, or two entries share one.
   */
  constructor({ vocab, addedTokens }: Pick<TokenizerData, 'vocab' | 'addedTokens'>) {
    const entries: (string | AddedToken | undefined)[] = Array.isArray(vocab)
      ? [...(vocab as readonly (string | undefined)[])]
      : entriesOf(vocab instanceof Map ? vocab : Object.entries(vocab));
    const added = new Map<string, AddedToken>();
    for (const token of addedTokens) {
      if (!isId(token.id)) throw badId(token.id, `added token ${quote(token.content)}`);
      // Some files repeat added tokens among the vocabulary.
      if (entries[token.id] === token.content) entries[token.id] = undefined;
      claim(entries, token.id, token);
      added.set(token.content, token);
    }
    this.entries = entries;
    this.addedTokens = added;
  }

  /** Piece in the byte alphabet → id; added tokens are not among them. Made when text is first encoded. */
  get idOfPiece(): ReadonlyMap<string, number> {
    if (this.#idOfPiece !== undefined) return this.#idOfPiece;
    const ids = new Map<string, number>();
    for (const [id, entry] of this.entries.entries()) if (typeof entry === 'string') ids.set(entry, id);
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
    const id = this.entries.indexOf(piece);
    return id < 0 ? undefined : id;
  }
}

/** The text of an entry: a piece in the byte alphabet, or an added token's content. */
export function contentOf(entry: string | AddedToken): string {
  return typeof entry === 'string' ? entry : entry.content;
}

function entriesOf(vocabulary: Iterable<readonly [string, number]>): (string | undefined)[] {
  const entries: (string | undefined)[] = [];
  for (const [piece, id] of vocabulary) {
    if (!isId(id)) throw badId(id, `vocabulary entry ${quote(piece)}`);
    claim(entries, id, piece);
  }
  return entries;
}

function claim<Entry extends string | AddedToken>(
  entries: (string | Entry | undefined)[],
  id: number,
  entry: Entry,
): void {
  const holder = entries[id];
  if (holder !== undefined && contentOf(holder) !== contentOf(entry)) {
    const names = `${quote(contentOf(holder))} and ${quote(contentOf(entry))}`;
    throw new QwenAsrError('model', `tokenizer: expected one entry per id, found ${names} with id ${id}`);
  }
  // Filled in order of id nearly always; a gap before a far id must not make the array sparse-slow.
  for (let gap = entries.length; gap < id; gap++) entries.push(undefined);
  entries[id] = entry;
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
