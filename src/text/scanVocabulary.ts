import { VOCABULARY_ID_LIMIT } from './vocabulary.js';

/** Work in slices of a few milliseconds: it yields wherever a pause does no harm. */
export type SlicedWork<Result> = Generator<undefined, Result, undefined>;

/** Entries handled between two pauses: about a millisecond of parsing or of filling maps. */
const ENTRIES_PER_SLICE = 1024;

/** The result, all slices at once. */
export function finishWork<Result>(work: SlicedWork<Result>): Result {
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
  }
}

const QUOTE = 0x22; // "
const BACKSLASH = 0x5c;
const ZERO = 0x30;
const NINE = 0x39;

/**
 * The pieces of a JSON object whose values are all ids, such as `vocab.json`, by id, read in slices. JSON.parse would hold
 * up everything else for 0.1 s, and as long again to go through its object: this needs a tenth of that, because nothing
 * is hashed.
 *
 * @returns [id] → piece, undefined where the id is unknown; or undefined when the text is anything else, be it valid or
 * not, or names an id twice: the slower way says what
 * @example
 * finishWork(scanVocabulary('{"a":0,"b":2}')); // ['a', undefined, 'b']
 */
export function* scanVocabulary(text: string): SlicedWork<(string | undefined)[] | undefined> {
  const pieces: (string | undefined)[] = [];
  const cursor = new Cursor(text);
  if (!cursor.skip('{')) return undefined;
  for (let read = 1; ; read++) {
    const piece = cursor.string();
    if (piece === undefined || !cursor.skip(':')) return undefined;
    const id = cursor.integer();
    if (id === undefined || id >= VOCABULARY_ID_LIMIT || pieces[id] !== undefined) return undefined;
    while (pieces.length < id) pieces.push(undefined); // an array with holes would be slow
    pieces[id] = piece;
    if (cursor.skip('}')) return cursor.atEnd() ? pieces : undefined;
    if (!cursor.skip(',')) return undefined;
    if (read % ENTRIES_PER_SLICE === 0) yield;
  }
}

/** A place in a JSON text (RFC 8259); every reader skips white space first. */
class Cursor {
  readonly #text: string;
  #at: number;

  constructor(text: string) {
    this.#text = text;
    this.#at = text.startsWith('\ufeff') ? 1 : 0;
  }

  /** Moves past a character if it comes next. */
  skip(character: string): boolean {
    this.#skipSpace();
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  atEnd(): boolean {
    this.#skipSpace();
    return this.#at === this.#text.length;
  }

  string(): string | undefined {
    if (!this.skip('"')) return undefined;
    const start = this.#at;
    let escapes = false;
    for (let code = this.#code(); code !== QUOTE; code = this.#code()) {
      if (!(code >= 0x20)) return undefined; // a control character, or NaN: the end
      if (code === BACKSLASH) {
        escapes = true;
        this.#at++;
      }
      this.#at++;
    }
    const literal = this.#text.slice(start, this.#at++);
    return escapes ? unescaped(literal) : literal;
  }

  /** Digits without a leading zero, as JSON has them; too many to be an id are cut short, and no id either. */
  integer(): number | undefined {
    this.#skipSpace();
    const start = this.#at;
    let value = 0;
    for (
      let code = this.#code();
      code >= ZERO && code <= NINE && value < VOCABULARY_ID_LIMIT;
      code = this.#code()
    ) {
      value = 10 * value + code - ZERO;
      this.#at++;
    }
    const digits = this.#at - start;
    return digits === 0 || (digits > 1 && this.#text.charCodeAt(start) === ZERO) ? undefined : value;
  }

  #code(): number {
    return this.#text.charCodeAt(this.#at);
  }

  #skipSpace(): void {
    for (
      let code = this.#code();
      code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
      code = this.#code()
    ) {
      this.#at++;
    }
  }
}

function unescaped(literal: string): string | undefined {
  try {
    return JSON.parse(`"${literal}"`) as string;
  } catch {
    return undefined; // an escape that JSON does not know
  }
}
