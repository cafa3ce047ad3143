import { QwenAsrError } from '../error.js';
import { describeValue, quote } from '../model/describe.js';
import { byteAlphabet } from './byteAlphabet.js';
import { ENTRIES_PER_SLICE, type SlicedWork } from './slicedWork.js';
import type { AddedToken, TokenizerData } from './tokenizerData.js';

/** Above any vocabulary (the published embedding has 151,936 rows), and small enough to index an array with. */
const ID_LIMIT = 2 ** 20;

/** Pieces and ids in both directions, checked once. */
export interface Vocabulary {
  /** Piece in the byte alphabet → id; added tokens are not among them. */
  readonly idOfPiece: ReadonlyMap<string, number>;
  /** Content of an added token → the token. */
  readonly addedTokens: ReadonlyMap<string, AddedToken>;
  /** [id] → vocabulary piece, or added token; undefined where the id is unknown. */
  readonly entries: readonly (string | AddedToken | undefined)[];
  /** [byte] → id of the byte's own piece; undefined where the vocabulary lacks it. */
  readonly byteIds: readonly (number | undefined)[];
}

/**
 * @throws QwenAsrError `model` when an id is not a non-negative integer below 2^20, or two entries share one.
 */
export function* createVocabulary({ vocab, addedTokens }: TokenizerData): SlicedWork<Vocabulary> {
  const idOfPiece: ReadonlyMap<string, number> =
    vocab instanceof Map ? vocab : new Map(Object.entries(vocab));
  const entries: (string | AddedToken | undefined)[] = [];
  let claimed = 0;
  for (const [piece, id] of idOfPiece) {
    if (!isId(id)) throw badId(id, `vocabulary entry ${quote(piece)}`);
    claim(entries, id, piece);
    if (++claimed % ENTRIES_PER_SLICE === 0) yield;
  }
  const added = new Map<string, AddedToken>();
  for (const token of addedTokens) {
    if (!isId(token.id)) throw badId(token.id, `added token ${quote(token.content)}`);
    // Some files repeat added tokens among the vocabulary.
    if (entries[token.id] === token.content) entries[token.id] = undefined;
    claim(entries, token.id, token);
    added.set(token.content, token);
  }
  return {
    idOfPiece,
    addedTokens: added,
    entries,
    byteIds: byteAlphabet.map((character) => idOfPiece.get(character)),
  };
}

/** The text of an entry: a piece in the byte alphabet, or an added token's content. */
export function contentOf(entry: string | AddedToken): string {
  return typeof entry === 'string' ? entry : entry.content;
}

function claim(entries: (string | AddedToken | undefined)[], id: number, entry: string | AddedToken): void {
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
  return typeof id === 'number' && Number.isInteger(id) && id >= 0 && id < ID_LIMIT;
}

function badId(id: unknown, what: string): QwenAsrError {
  return new QwenAsrError(
    'model',
    `tokenizer: ${what}: expected an id from 0 to ${ID_LIMIT - 1}, found ${describeValue(id)}`,
  );
}
