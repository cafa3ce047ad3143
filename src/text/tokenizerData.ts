import type { MergeRules } from './mergeRules.js';

/** A token that stands outside the byte-pair vocabulary. */
export interface AddedToken {
  readonly id: number;
  /** Its text, literally. */
  readonly content: string;
  /** Special tokens are left out of decoded text. */
  readonly special: boolean;
}

/** What a tokenizer is made of, whichever files it came from. */
export interface TokenizerData {
  /** Piece in the byte alphabet → id; or, as an array, [id] → piece. */
  readonly vocab:
    | ReadonlyMap<string, number>
    | Readonly<Record<string, number>>
    | readonly (string | undefined)[];
  /** The text of `merges.txt`, or rules already read. Absent: only whole vocabulary entries can be encoded. */
  readonly merges?: string | MergeRules | undefined;
  readonly addedTokens: readonly AddedToken[];
}
