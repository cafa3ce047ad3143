import { QwenAsrError } from '../error.js';

/**
 * Damaged places after which a file is given up. It bounds the time that a file made to be slow can take: each place
 * costs at most one attempt to decode what follows it.
 */
const MAX_PLACES = 1000;

/** Bytes behind the last sound that are told: fewer are padding or a small tag. */
const LEAST_TRAILING_BYTES = 1024;

/** What is wrong with a recording: counts the places that had to be skipped, for one note about all of them. */
export class Damage {
  readonly #label: string;
  #places = 0;
  #trailing = 0;
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

  /** Counts bytes that belong to nothing known; zeros are padding. They are trailing unless sound follows. */
  skip(bytes: Uint8Array): void {
    for (const byte of bytes) if (byte !== 0) this.#trailing++;
  }

  /** Sound was found: whatever was skipped before it lies between sound. */
  heard(): void {
    this.#trailing = 0;
  }

  /**
   * The notes, none when there was no damage.
   *
   * @param seconds that were heard.
   * @param kind what was expected: `FLAC`.
   */
  notes(seconds: number, kind: string): string[] {
    const notes: string[] = [];
    if (this.#places > 0) {
      const places = this.#places === 1 ? 'a damaged place' : `${this.#places} damaged places`;
      notes.push(`${this.#label}: ${places} left out`);
    }
    if (this.#trailing >= LEAST_TRAILING_BYTES) {
      const what = `${this.#trailing} bytes are no ${kind} and were not heard`;
      notes.push(`${this.#label}: from ${seconds.toFixed(2)} s on, ${what}`);
    }
    return notes;
  }
}
