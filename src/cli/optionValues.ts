import { QwenAsrError } from '../error.js';
import type { OptionReader } from './options.js';

type Reader<Value> = OptionReader<Value>;

/** Any text, as it is. */
export const anyText: Reader<string> = (text) => text;

/** A decimal integer of at least `minimum`, and at most `maximum`. */
export function wholeNumber(minimum: number, maximum = Number.MAX_SAFE_INTEGER): Reader<number> {
  const range = maximum < Number.MAX_SAFE_INTEGER ? `from ${minimum} to ${maximum}` : `of ${minimum} or more`;
  return (text, option) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (value >= minimum && value <= maximum) return value;
    throw refusal(option, `a whole number ${range}`, text);
  };
}

/** A decimal number from `minimum` to `maximum`, such as `2.5`. */
export function decimalNumber(minimum: number, maximum: number, unit: string): Reader<number> {
  return (text, option) => {
    const value = /^(\d+\.?\d*|\.\d+)$/.test(text) ? Number(text) : Number.NaN;
    if (value >= minimum && value <= maximum) return value;
    throw refusal(option, `${unit} from ${minimum} to ${maximum}`, text);
  };
}

const UNIT_MS = { ms: 1, s: 1000, m: 60_000 } as const;

/** A length of time with its unit, in milliseconds: `500ms`, `60s`, `2m`. */
export const durationMs: Reader<number> = (text, option) => {
  const [, amount, unit] = /^(\d+\.?\d*|\.\d+)(ms|s|m)$/.exec(text) ?? [];
  if (amount !== undefined && unit !== undefined)
    return Number(amount) * UNIT_MS[unit as keyof typeof UNIT_MS];
  throw refusal(option, 'a time such as 500ms, 60s or 2m', text);
};

/** One of a few words. */
export function oneOf<const Word extends string>(words: readonly Word[]): Reader<Word> {
  const read = (text: string, option: string): Word => {
    const found = words.find((word) => word === text);
    if (found !== undefined) return found;
    throw refusal(option, words.join(' or '), text);
  };
  return Object.assign(read, { words });
}

/** A word, or else what `read` takes. */
export function wordOr<const Word extends string, Value>(
  word: Word,
  read: Reader<Value>,
): Reader<Word | Value> {
  const readEither = (text: string, option: string) => (text === word ? word : read(text, option));
  return Object.assign(readEither, { words: [word] });
}

function refusal(option: string, expected: string, found: string): QwenAsrError {
  return new QwenAsrError('usage', `${option}: expected ${expected}, found ${JSON.stringify(found)}`);
}
