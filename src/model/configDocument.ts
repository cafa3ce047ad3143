import { QwenAsrError } from '../error.js';
import { describeValue } from './describe.js';
import { parseObject } from './modelText.js';

/**
 * config.json in either layout: nested (`thinker_config: {audio_config, text_config, …}`) or flat (`audio_config` and
 * `text_config` at the top). A missing file is an empty document, so every value of it is undefined.
 *
 * @throws QwenAsrError `model` when the text is not a JSON object or a section is not one.
 *
 * @example
 * new ConfigDocument('{"text_config":{"rope_theta":1e6}}', 'dir').text.positive('rope_theta'); // 1000000
 */
export class ConfigDocument {
  readonly root: ConfigSection;
  /** The part that holds the token ids; the same as `root` in the flat layout. */
  readonly thinker: ConfigSection;
  readonly audio: ConfigSection;
  readonly text: ConfigSection;

  constructor(configJson: string | undefined, source: string, fileName = 'config.json') {
    const where = `${source}/${fileName}`;
    const values = configJson === undefined ? {} : parseObject(configJson, where);
    this.root = new ConfigSection(values, where, '');
    this.thinker = Object.hasOwn(values, 'thinker_config') ? this.root.section('thinker_config') : this.root;
    this.audio = this.thinker.section('audio_config');
    this.text = this.thinker.section('text_config');
  }
}

/** One object of config.json. Getters give undefined for an absent or null value and throw for one of a wrong type. */
export class ConfigSection {
  readonly #values: Readonly<Record<string, unknown>>;
  readonly #where: string;
  readonly #path: string;

  constructor(values: Readonly<Record<string, unknown>>, where: string, path: string) {
    this.#values = values;
    this.#where = where;
    this.#path = path;
  }

  section(key: string): ConfigSection {
    const value = this.#value(key);
    if (value !== undefined && (typeof value !== 'object' || Array.isArray(value))) {
      throw this.error(key, `expected an object, found ${describeValue(value)}`);
    }
    const values = (value ?? {}) as Readonly<Record<string, unknown>>;
    return new ConfigSection(values, this.#where, `${this.#path}${key}.`);
  }

  /** The section of this name; undefined where there is none, or a value of another kind. */
  objectAt(key: string): ConfigSection | undefined {
    const value = this.#value(key);
    return typeof value === 'object' && !Array.isArray(value) ? this.section(key) : undefined;
  }

  string(key: string): string | undefined {
    const value = this.#value(key);
    if (value === undefined || typeof value === 'string') return value;
    throw this.error(key, `expected a string, found ${describeValue(value)}`);
  }

  /** A positive integer. */
  size(key: string): number | undefined {
    return this.#number(key, 'a positive integer', (value) => Number.isSafeInteger(value) && value > 0);
  }

  /** A token id: a non-negative integer. */
  id(key: string): number | undefined {
    return this.#number(key, 'a token id', (value) => Number.isSafeInteger(value) && value >= 0);
  }

  /** A finite number above zero. */
  positive(key: string): number | undefined {
    return this.#number(key, 'a positive number', (value) => Number.isFinite(value) && value > 0);
  }

  boolean(key: string): boolean | undefined {
    const value = this.#value(key);
    if (value === undefined || typeof value === 'boolean') return value;
    throw this.error(key, `expected true or false, found ${describeValue(value)}`);
  }

  strings(key: string): readonly string[] | undefined {
    const value = this.#value(key);
    if (value === undefined) return undefined;
    if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
    throw this.error(key, `expected an array of strings, found ${describeValue(value)}`);
  }

  /** Each of these spellings of one size, where present, must have the value that the tensors have. */
  expectSize(keys: readonly string[], expected: number): void {
    for (const key of keys) {
      const value = this.size(key);
      if (value !== undefined && value !== expected) {
        throw this.error(key, `expected ${expected} as in the tensors, found ${value}`);
      }
    }
  }

  expectOneOf(key: string, allowed: readonly (string | boolean)[]): void {
    const value = this.#value(key);
    if (value === undefined || allowed.some((choice) => choice === value)) return;
    throw this.error(key, `expected ${allowed.join(' or ')}, found ${describeValue(value)}`);
  }

  /** A `model` error about one value of this section. */
  error(key: string, problem: string): QwenAsrError {
    return new QwenAsrError('model', `${this.#where}: ${this.#path}${key}: ${problem}`);
  }

  #number(key: string, kind: string, isValid: (value: number) => boolean): number | undefined {
    const value = this.#value(key);
    if (value === undefined) return undefined;
    if (typeof value === 'number' && isValid(value)) return value;
    throw this.error(key, `expected ${kind}, found ${describeValue(value)}`);
  }

  #value(key: string): unknown {
    return Object.hasOwn(this.#values, key) ? (this.#values[key] ?? undefined) : undefined;
  }
}
