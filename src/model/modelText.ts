import { QwenAsrError } from '../error.js';
import { describeValue, quote } from './describe.js';

/** Largest text file that is read. The published tokenizer.json has 11 MB, vocab.json 3 MB. */
const MAX_TEXT_BYTES = 32 * 2 ** 20;

/**
 * Refuses to read a text file that cannot be one of a model.
 *
 * @throws QwenAsrError `model`
 */
export function checkTextSize(byteLength: number, path: string): void {
  if (byteLength <= MAX_TEXT_BYTES) return;
  throw new QwenAsrError('model', `${path}: expected at most ${MAX_TEXT_BYTES} bytes, found ${byteLength}`);
}

/**
 * The text of a model's file.
 *
 * @throws QwenAsrError `model` when it is not UTF-8
 * @example
 * decodeModelText(new Uint8Array([123, 125]), 'models/demo/config.json'); // '{}'
 */
export function decodeModelText(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new QwenAsrError('model', `${path}: not UTF-8 text`, { cause });
  }
}

/**
 * Parses JSON that must be an object.
 *
 * @param where Begins the message.
 * @throws QwenAsrError `model` when the text is not JSON or its value is not an object.
 *
 * @example
 * parseObject('{"head_dim":128}', 'config.json'); // { head_dim: 128 }
 */
export function parseObject(text: string, where: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    // The engine's message quotes the text, control characters included.
    const reason = (cause instanceof Error ? cause.message : String(cause)).replace(/\p{Cc}+/gu, ' ');
    throw new QwenAsrError('model', `${where}: not JSON: ${reason}`, { cause });
  }
  if (isObject(value)) return value;
  throw new QwenAsrError('model', `${where}: expected a JSON object, found ${describeValue(value)}`);
}

/**
 * Parses a file that must hold one JSON object. A byte order mark is accepted.
 *
 * @throws QwenAsrError `model` naming the file when it is something else.
 */
export function parseJsonObject(text: string, where: string): Record<string, unknown> {
  return parseObject(text.replace(/^\ufeff/, ''), where);
}

/** True for what JSON calls an object. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Longest integer literal that is read: 16 digits hold every safe integer. */
const MOST_DIGITS = 16;

/**
 * Reads JSON of a known form token by token, building nothing that was not asked for. Unlike JSON.parse it sees
 * duplicate keys, and its memory does not depend on what a hostile text nests.
 *
 * Every method throws QwenAsrError `model` with the position (in UTF-16 units) when the text is not what was asked for.
 *
 * @example
 * const cursor = new JsonCursor('{"shape":[2,3]}', 'header');
 * const shape: number[] = [];
 * cursor.object(() => cursor.array(() => shape.push(cursor.integer()))); // shape is [2, 3]
 */
export class JsonCursor {
  readonly #text: string;
  readonly #where: string;
  #position = 0;

  constructor(text: string, where: string) {
    this.#text = text;
    this.#where = where;
  }

  /** Reads `{…}`; `readValue` must consume the value of each key. Duplicate keys are an error. */
  object(readValue: (key: string) => void): void {
    const seen = new Set<string>();
    this.#sequence('{', '}', () => {
      const key = this.string();
      if (seen.has(key)) this.#fail(`duplicate name ${quote(key)}`);
      seen.add(key);
      this.#expect(':');
      readValue(key);
    });
  }

  /** Reads `[…]`; `readItem` must consume each item. */
  array(readItem: () => void): void {
    this.#sequence('[', ']', readItem);
  }

  string(): string {
    this.#skipSpace();
    if (this.#text[this.#position] !== '"') this.#fail(`expected a string, found ${this.#found()}`);
    const start = this.#position;
    let end = start + 1;
    for (; this.#text[end] !== '"'; end += this.#text[end] === '\\' ? 2 : 1) {
      if (end >= this.#text.length) this.#fail('unterminated string');
    }
    this.#position = end + 1;
    try {
      return String(JSON.parse(this.#text.slice(start, end + 1)));
    } catch (cause) {
      this.#position = start;
      return this.#fail('malformed string', cause);
    }
  }

  /** A non-negative integer below 2^53, written without fraction or exponent. */
  integer(): number {
    this.#skipSpace();
    const start = this.#position;
    let end = start;
    while (isNumberPart(this.#text.charCodeAt(end)) && end - start < 2 * MOST_DIGITS) end++;
    const literal = this.#text.slice(start, end);
    if (literal === '') this.#fail(`expected a non-negative integer, found ${this.#found()}`);
    if (!/^(0|[1-9][0-9]{0,15})$/.test(literal) || !Number.isSafeInteger(Number(literal))) {
      this.#fail(`expected a non-negative integer below 2^53, found ${literal}`);
    }
    this.#position = end;
    return Number(literal);
  }

  /** Checks that only white space is left. */
  end(): void {
    this.#skipSpace();
    if (this.#position < this.#text.length) this.#fail(`expected the end, found ${this.#found()}`);
  }

  #sequence(open: string, close: string, readItem: () => void): void {
    this.#expect(open);
    this.#skipSpace();
    if (this.#text[this.#position] === close) {
      this.#position++;
      return;
    }
    for (;;) {
      readItem();
      this.#skipSpace();
      const separator = this.#text[this.#position];
      if (separator !== ',' && separator !== close) {
        this.#fail(`expected , or ${close}, found ${this.#found()}`);
      }
      this.#position++;
      if (separator === close) return;
    }
  }

  #expect(character: string): void {
    this.#skipSpace();
    if (this.#text[this.#position] !== character) this.#fail(`expected ${character}, found ${this.#found()}`);
    this.#position++;
  }

  #skipSpace(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#position);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.#position++;
    }
  }

  #found(): string {
    const character = this.#text[this.#position];
    return character === undefined ? 'the end' : describeValue(character);
  }

  #fail(problem: string, cause?: unknown): never {
    throw new QwenAsrError('model', `${this.#where}: ${problem} at character ${this.#position}`, { cause });
  }
}

/** Characters that can belong to a JSON number: digits + - . E e. */
function isNumberPart(code: number): boolean {
  return (
    (code >= 0x30 && code <= 0x39) ||
    code === 0x2b ||
    code === 0x2d ||
    code === 0x2e ||
    (code | 0x20) === 0x65
  );
}
