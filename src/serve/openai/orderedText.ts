import { textSeparator } from '../../text/joinTexts.js';
import type { SegmentToken } from '../../transcribe/types.js';

/** What a token, or several that make up a character, adds to a text. */
export interface TextToken {
  readonly piece: string;
  /** ln of its probability. */
  readonly logProbability: number;
}

/** The pieces of one segment. */
interface SegmentPieces {
  readonly pieces: TextToken[];
  /** Of tokens that have added nothing to the text yet. */
  heldLogProbability: number;
  hasText: boolean;
  isWhole: boolean;
}

/**
 * The text of a recording while its segments are decoded side by side: pieces in the order of the text, each as soon as
 * all before it are known. Together they are the text, but for loops that are repaired at the end of a segment.
 *
 * @example
 * const text = new OrderedText((token) => process.stdout.write(token.piece));
 * const options = { onToken: (token) => text.push(token), onSegment: ({ index }) => text.end(index) };
 */
export class OrderedText {
  /** Everything that was handed out. */
  readonly tokens: TextToken[] = [];
  readonly #emit: (token: TextToken) => void;
  readonly #pieceOf: (token: SegmentToken) => string;
  readonly #segments = new Map<number, SegmentPieces>();
  #current = 0;
  #text = '';
  /** Whether the current segment has text. */
  #hasBegun = false;

  /** @param pieceOf what a token adds; default: its part of the transcript */
  constructor(
    emit: (token: TextToken) => void = () => {},
    pieceOf: (token: SegmentToken) => string = ({ textPiece }) => textPiece,
  ) {
    this.#emit = emit;
    this.#pieceOf = pieceOf;
  }

  push(token: SegmentToken): void {
    const piece = this.#pieceOf(token);
    const own = this.#of(token.segment);
    own.heldLogProbability += token.logProbability;
    if (piece === '') return;
    // What comes before the text, the language, is not part of it.
    const logProbability = own.hasText ? own.heldLogProbability : token.logProbability;
    own.pieces.push({ piece, logProbability });
    own.hasText = true;
    own.heldLogProbability = 0;
    this.#advance();
  }

  /** The segment of that number is whole; so are all before it. */
  end(segment: number): void {
    this.#of(segment).isWhole = true;
    this.#advance();
  }

  #of(segment: number): SegmentPieces {
    const own = this.#segments.get(segment) ?? {
      pieces: [],
      heldLogProbability: 0,
      hasText: false,
      isWhole: false,
    };
    this.#segments.set(segment, own);
    return own;
  }

  #advance(): void {
    for (;;) {
      const own = this.#segments.get(this.#current);
      if (own === undefined) return;
      for (const token of own.pieces.splice(0)) this.#hand(token);
      if (!own.isWhole) return;
      this.#segments.delete(this.#current++);
      this.#hasBegun = false;
    }
  }

  #hand({ piece, logProbability }: TextToken): void {
    const separator = this.#hasBegun ? '' : textSeparator(this.#text, piece);
    const token = { piece: separator + piece, logProbability };
    this.#hasBegun = true;
    this.#text += token.piece;
    this.tokens.push(token);
    this.#emit(token);
  }
}
