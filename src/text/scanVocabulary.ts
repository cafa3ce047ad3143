import { type PieceTable, VOCABULARY_ID_LIMIT } from './vocabulary.js';

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
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf] as const;

const utf8Encoder = new TextEncoder();
const utf8Decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/**
 * The pieces of a JSON object whose values are all ids, such as `vocab.json`, by id, read in slices. JSON.parse would hold
 * up everything else for 0.1 s, and as long again to go through its object: this needs a tenth of that, because nothing
 * is hashed, and no piece made before it is asked for.
 *
 * @param json in UTF-8
 * @returns undefined when that is anything else, be it valid or not, or names an id twice: the slower way says what
 * @example
 * finishWork(scanVocabulary(new TextEncoder().encode('{"a":0,"b":2}'))).at(2); // 'b'
 */
export function* scanVocabulary(json: Uint8Array): SlicedWork<ScannedPieces | undefined> {
  let places: Int32Array = new Int32Array(2 * ENTRIES_PER_SLICE); // as ScannedPieces has them
  const cursor = new Cursor(json);
  if (!cursor.skip(0x7b)) return undefined; // {
  let length = 0;
  for (let read = 1; ; read++) {
    if (!cursor.string()) return undefined;
    const { start, end } = cursor;
    if (!cursor.skip(0x3a)) return undefined; // :
    const id = cursor.integer();
    if (id < 0 || id >= VOCABULARY_ID_LIMIT) return undefined;
    if (id >= length) {
      length = id + 1;
      if (2 * length > places.length) places = resized(places, 4 * length);
    }
    if (places[2 * id] !== 0) return undefined;
    places[2 * id] = start;
    places[2 * id + 1] = end;
    if (cursor.skip(0x7d)) {
      return cursor.atEnd() ? new ScannedPieces(json, resized(places, 2 * length), read) : undefined;
    }
    if (!cursor.skip(0x2c)) return undefined; // ,
    if (read % ENTRIES_PER_SLICE === 0) yield;
  }
}

function resized(values: Int32Array, length: number): Int32Array {
  const copy = new Int32Array(length);
  copy.set(values.subarray(0, length));
  return copy;
}

/**
 * Pieces where the file has them. As strings the published 151,643 and the text that they were cut from took 20 MiB, nearly
 * all for pieces that nobody asks for.
 */
export class ScannedPieces implements PieceTable {
  readonly #json: Uint8Array;
  /** [length][start, end] of the literal: start 0 where the id is unknown, end negative where there are escapes. */
  readonly #places: Int32Array;
  /** Ids that are known. */
  readonly count: number;

  constructor(json: Uint8Array, places: Int32Array, count: number) {
    this.#json = json;
    this.#places = places;
    this.count = count;
  }

  get length(): number {
    return this.#places.length / 2;
  }

  at(id: number): string | undefined {
    const start = this.#places[2 * id] ?? 0;
    if (start === 0) return undefined;
    const end = this.#places[2 * id + 1]!;
    return end < 0 ? unescaped(this.#json, start, -end) : textOf(this.#json, start, end);
  }

  indexOf(piece: string): number {
    const bytes = utf8Encoder.encode(piece);
    for (let id = 0; id < this.length; id++) {
      const start = this.#places[2 * id]!;
      const end = this.#places[2 * id + 1]!;
      if ((end < 0 || this.#hasAt(bytes, start, end)) && this.at(id) === piece) return id;
    }
    return -1;
  }

  #hasAt(bytes: Uint8Array, start: number, end: number): boolean {
    if (end - start !== bytes.length) return false;
    for (let i = 0; i < bytes.length; i++) if (this.#json[start + i] !== bytes[i]) return false;
    return true;
  }
}

function textOf(json: Uint8Array, start: number, end: number): string {
  return utf8Decoder.decode(json.subarray(start, end));
}

/** @returns undefined for an escape that JSON does not know */
function unescaped(json: Uint8Array, start: number, end: number): string | undefined {
  try {
    return JSON.parse(`"${textOf(json, start, end)}"`) as string;
  } catch {
    return undefined;
  }
}

/** A place in a JSON text (RFC 8259); every reader skips white space first. */
class Cursor {
  readonly #json: Uint8Array;
  #at: number;
  /** Of the last string's literal, as ScannedPieces has them. */
  start = 0;
  end = 0;

  constructor(json: Uint8Array) {
    this.#json = json;
    this.#at = BYTE_ORDER_MARK.every((byte, i) => json[i] === byte) ? BYTE_ORDER_MARK.length : 0;
  }

  /** Moves past an ASCII character if it comes next. */
  skip(character: number): boolean {
    this.#skipSpace();
    if (this.#json[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  atEnd(): boolean {
    this.#skipSpace();
    return this.#at === this.#json.length;
  }

  /** Moves past a string. */
  string(): boolean {
    if (!this.skip(QUOTE)) return false;
    const json = this.#json;
    const start = this.#at;
    let end = start;
    let escapes = false;
    for (let byte = json[end]; byte !== QUOTE; byte = json[++end]) {
      if (byte === undefined || byte < 0x20) return false; // a control character, or the end
      if (byte === BACKSLASH) {
        escapes = true;
        end++;
      }
    }
    this.#at = end + 1;
    this.start = start;
    this.end = escapes ? -end : end;
    return !escapes || unescaped(json, start, end) !== undefined;
  }

  /** Digits without a leading zero, as JSON has them, else −1; too many to be an id are cut short, and no id either. */
  integer(): number {
    this.#skipSpace();
    const json = this.#json;
    const start = this.#at;
    let value = 0;
    for (
      let byte = json[this.#at]!;
      byte >= ZERO && byte <= NINE && value < VOCABULARY_ID_LIMIT;
      byte = json[this.#at]!
    ) {
      value = 10 * value + byte - ZERO;
      this.#at++;
    }
    const digits = this.#at - start;
    return digits === 0 || (digits > 1 && json[start] === ZERO) ? -1 : value;
  }

  #skipSpace(): void {
    const json = this.#json;
    for (
      let byte = json[this.#at];
      byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
      byte = json[this.#at]
    ) {
      this.#at++;
    }
  }
}
