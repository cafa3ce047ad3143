import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  decimalNumber,
  durationMs,
  listOf,
  numberList,
  oneOf,
  wholeNumber,
} from '../../src/bench/settings/optionValues.js';

const threads = (text: string) => numberList(wholeNumber(1))(text, '-t');
const seconds = (text: string) => numberList(decimalNumber(1, 300, 'seconds'))(text, '-s');

test('numbers, lists and ranges become the values in their order, each once', () => {
  const cases: [string, number[]][] = [
    ['4', [4]],
    ['4,1,2', [4, 1, 2]],
    ['2,2,1,2', [2, 1]],
    ['1-4', [1, 2, 3, 4]],
    ['3-3', [3]],
    ['5-20+5', [5, 10, 15, 20]],
    ['5-19+5', [5, 10, 15]],
    ['1-16*2', [1, 2, 4, 8, 16]],
    ['1,4-16*2,3', [1, 4, 8, 16, 3]],
  ];
  for (const [text, expected] of cases) assert.deepEqual(threads(text), expected, text);
  assert.deepEqual(seconds('5-60*2'), [5, 10, 20, 40]);
  assert.deepEqual(seconds('1-2+.1'), [1, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 1.8, 1.9, 2]);
  assert.deepEqual(seconds('1-4*1.5'), [1, 1.5, 2.25, 3.375]);
});

test('what is no list of numbers is refused in one line that names the part', () => {
  const refused: [string, RegExp][] = [
    ['', /^-t: expected a whole number of 1 or more, found ""$/],
    ['1,,2', /found ""$/],
    ['1,two', /found "two"$/],
    ['4-1', /^-t: expected a range from the lower to the higher number, found "4-1"$/],
    ['1-8*1', /^-t: expected a factor above 1 and a start above 0, found "1-8\*1"$/],
    ['0-8*2', /found "0-8\*2"$/],
    ['1-8+0', /^-t: expected a step above 0, found "1-8\+0"$/],
    ['1-1e9', /found "1-1e9"$/],
    ['1-5000', /^-t: expected at most 1000 values, found "1-5000"$/],
    ['1-3+.5', /^-t: expected a whole number of 1 or more, found "1.5"$/],
    ['0-2', /found "0"$/],
    ['-1', /found "-1"$/],
  ];
  for (const [text, message] of refused) assert.throws(() => threads(text), { message }, text);
  assert.throws(() => seconds('100-400+100'), /-s: expected seconds from 1 to 300, found "400"/);
});

test('lists of words check each word', () => {
  const precision = listOf(oneOf(['f32', 'bf16']));
  assert.deepEqual(precision('bf16,f32,bf16', '--precision'), ['bf16', 'f32']);
  assert.throws(() => precision('f32,f16', '--precision'), /found "f16"/);
});

test('durations need a unit and become milliseconds', () => {
  for (const [text, ms] of [
    ['250ms', 250],
    ['1.5s', 1500],
    ['60s', 60_000],
    ['2m', 120_000],
    ['1h', 3_600_000],
    ['0s', 0],
  ] as const) {
    assert.equal(durationMs(text, '--delay'), ms);
  }
  for (const text of ['5', '', 's', '-1s', '1d', '1 s', 'Infinitys']) {
    assert.throws(() => durationMs(text, '--budget'), {
      message: `--budget: expected a time such as 500ms, 60s or 2m, found ${JSON.stringify(text)}`,
    });
  }
});
