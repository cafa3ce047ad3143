import { badField } from '../apiError.js';

/** A member of a field that is an object, as the API's clients write it in forms: `chunking_strategy[type]`. */
const MEMBER = /^([^[\]]+)\[([^[\]]+)\]$/;

/** The fields of a form, each read with the check that belongs to it. Empty text is the same as none. */
export class FormFields {
  readonly #values: ReadonlyMap<string, readonly string[]>;

  constructor(values: ReadonlyMap<string, readonly string[]>) {
    this.#values = values;
  }

  /** Whether there is such a field, a list or an object included. */
  has(name: string): boolean {
    return [...this.#values.keys()].some((key) => baseName(key) === name);
  }

  /** @throws ApiError 400 naming the first field that is none of these */
  refuseUnknown(names: readonly string[]): void {
    for (const key of this.#values.keys()) {
      if (names.includes(baseName(key))) continue;
      throw badField(key.slice(0, 100), 'there is no such field', 'unknown_parameter');
    }
  }

  /** The value of a field that is given once; undefined for none. */
  one(name: string): string | undefined {
    const values = this.#values.get(name) ?? [];
    if (values.length > 1) throw badField(name, `expected one value, found ${values.length}`);
    return values[0];
  }

  text(name: string): string | undefined {
    const value = this.one(name);
    return value === undefined || value.trim() === '' ? undefined : value;
  }

  word<const Word extends string>(name: string, words: readonly Word[]): Word | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const found = words.find((word) => word === value.trim());
    if (found !== undefined) return found;
    throw badField(name, `expected ${words.join(' or ')}, found ${shown(value)}`);
  }

  /** Values of a list: `name[]`, or `name` several times. */
  words<const Word extends string>(name: string, words: readonly Word[]): Word[] {
    const values = [...(this.#values.get(`${name}[]`) ?? []), ...(this.#values.get(name) ?? [])];
    return values
      .filter((value) => value.trim() !== '')
      .map((value) => {
        const found = words.find((word) => word === value.trim());
        if (found !== undefined) return found;
        throw badField(`${name}[]`, `expected ${words.join(' or ')}, found ${shown(value)}`);
      });
  }

  /** `true` and `True`, `1`, and their opposites. */
  truth(name: string): boolean | undefined {
    const value = this.text(name)?.trim().toLowerCase();
    if (value === undefined) return undefined;
    if (value === 'true' || value === '1') return true;
    if (value === 'false' || value === '0') return false;
    throw badField(name, `expected true or false, found ${shown(value)}`);
  }

  number(name: string, minimum: number, maximum: number): number | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const number = /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i.test(value) ? Number(value) : Number.NaN;
    if (number >= minimum && number <= maximum) return number;
    throw badField(name, `expected a number from ${minimum} to ${maximum}, found ${shown(value)}`);
  }

  /** Text, or an object: as JSON or as one field for each member. */
  object(name: string): string | Readonly<Record<string, unknown>> | undefined {
    const members = [...this.#values].flatMap(([key, values]) => {
      const [, base, member] = MEMBER.exec(key) ?? [];
      return base === name && member !== undefined ? [[member, values.at(-1)] as const] : [];
    });
    const text = this.text(name)?.trim();
    if (text !== undefined && members.length > 0) throw badField(name, 'expected it in one way, found two');
    if (members.length > 0) return Object.fromEntries(members);
    if (text === undefined || text === 'null') return undefined;
    if (!text.startsWith('{')) return text;
    try {
      return JSON.parse(text) as Readonly<Record<string, unknown>>;
    } catch {
      throw badField(name, 'expected JSON');
    }
  }
}

/** The field that a key belongs to: `a`, `a[]` and `a[b]` are all of `a`. */
function baseName(key: string): string {
  return /^([^[\]]+)\[[^[\]]*\]$/.exec(key)?.[1] ?? key;
}

function shown(value: string): string {
  return JSON.stringify(value.slice(0, 60));
}
