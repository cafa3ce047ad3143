import { QwenAsrError } from '../error.js';

/**
 * Damaged places after which a file is given up. It bounds the time that a file made to be slow can take: each place
 * costs at most one attempt to decode what follows it.
 */
const MAX_PLACES = 1000;

/** What is wrong with a recording: counts the places that had to be skipped, for one note about all of them. */
export class Damage {
  readonly #label: string;
  #places = 0;
  /** The file ends within a piece of sound. */
  isCut = false;

  constructor(label: string) {
    this.#label = label;
  }

  /** @throws QwenAsrError `audio` when there are too many of them. */
  add(): void {
    this.#places++;
    if (this.#places <= MAX_PLACES) return;
    throw new QwenAsrError(
      'audio',
      `${this.#label}: expected audio, found more than ${MAX_PLACES} damaged places`,
    );
  }

  /** The note, or nothing when there was no damage. */
  note(): string[] {
    if (this.#places === 0) return [];
    const places = this.#places === 1 ? 'a damaged place' : `${this.#places} damaged places`;
    return [`${this.#label}: ${places} left out`];
  }
}
