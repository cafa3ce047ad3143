import { QwenAsrError } from '../error.js';
import type { OptionReader } from './options.js';

type Reader<Value> = OptionReader<Value>;

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
