import { QwenAsrError } from '../../error.js';

/** Checks and converts the value of an option; `option` is how the user wrote it. */
export interface OptionReader<Value> {
  /** @throws QwenAsrError `usage` */
  (text: string, option: string): Value;
  /** All it takes, when these are a few words: for shell completion. */
  readonly words?: readonly string[];
}

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

/** Longest segment: the length at which the published package splits. */
const MAX_SEGMENT_SECONDS = 1200;

const readLength = decimalNumber(1, MAX_SEGMENT_SECONDS, '0 (never), or seconds');

/** Length of segments, or 0 for none. */
export const segmentSeconds = (text: string, option: string): number =>
  text === '0' ? 0 : readLength(text, option);

const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;

/** A length of time with its unit, in milliseconds: `500ms`, `60s`, `2m`, `12h`. */
export const durationMs: Reader<number> = (text, option) => {
  const [, amount, unit] = /^(\d+\.?\d*|\.\d+)(ms|s|m|h)$/.exec(text) ?? [];
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

/** More values of one option than anybody measures: a mistyped range. */
const MOST_VALUES = 1000;

/** `5-60`, `5-60*2` or `5-20+5`: both ends, and the factor or the step from one value to the next. */
const RANGE = /^(\d*\.?\d+)-(\d*\.?\d+)(?:([*+])(\d*\.?\d+))?$/;

/**
 * A list of values between commas, each once, in their order: `1,2,4`.
 *
 * @param read checks and converts each of them
 */
export function listOf<Value>(read: Reader<Value>): Reader<readonly Value[]> {
  const readList = (text: string, option: string) => [
    ...new Set(text.split(',').map((item) => read(item, option))),
  ];
  return Object.assign(readList, read.words && { words: read.words });
}

/**
 * A list of numbers and ranges: `1,2,4`, `1-4`, `5-20+5` (steps of 5), `5-60*2` (5, 10, 20, 40). The end of a range is
 * only part of it when a step arrives there.
 *
 * @param read checks and converts each number
 * @example
 * numberList(wholeNumber(1))('1,4-16*2', '-t'); // [1, 4, 8, 16]
 */
export function numberList(read: Reader<number>): Reader<readonly number[]> {
  return (text, option) => {
    const values = text.split(',').flatMap((item) => {
      const range = RANGE.exec(item);
      return (range === null ? [item] : expandRange(range, option)).map((value) => read(value, option));
    });
    return [...new Set(values)];
  };
}

function expandRange([text, first, last, operator = '+', amount = '1']: RegExpExecArray, option: string) {
  const [low, high, change] = [Number(first), Number(last), Number(amount)];
  const refuse = (expected: string): QwenAsrError =>
    new QwenAsrError('usage', `${option}: expected ${expected}, found ${JSON.stringify(text)}`);
  if (high < low) throw refuse('a range from the lower to the higher number');
  if (operator === '*' ? change <= 1 || low === 0 : change <= 0) {
    throw refuse(operator === '*' ? 'a factor above 1 and a start above 0' : 'a step above 0');
  }
  const values: string[] = [];
  for (let step = 0; values.length <= MOST_VALUES; step++) {
    // Twelve digits: what repeated decimal steps lose in binary is not part of the value.
    const value = Number((operator === '*' ? low * change ** step : low + change * step).toPrecision(12));
    if (value > high) return values;
    values.push(String(value));
  }
  throw refuse(`at most ${MOST_VALUES} values`);
}
