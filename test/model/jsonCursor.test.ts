import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JsonCursor } from '../../src/model/modelText.js';
import { oneLineError } from './support/oneLineError.js';

/** Reads objects of integers. */
function readIntegers(text: string): Map<string, number> {
  const cursor = new JsonCursor(text, 'here');
  const values = new Map<string, number>();
  cursor.object((key) => values.set(key, cursor.integer()));
  cursor.end();
  return values;
}

test('reads keys with escapes, white space, and integers up to 2^53 - 1', () => {
  const values = readIntegers(
    ' {\t"a\\u0041\\n" :\r\n 0 , "__proto__":9007199254740991,"\\\\":10,"\\"":1} \n',
  );
  assert.deepEqual(
    [...values],
    [
      ['aA\n', 0],
      ['__proto__', 9007199254740991],
      ['\\', 10],
      ['"', 1],
    ],
  );
  assert.equal(readIntegers('{}').size, 0);
});

test('sees duplicate keys, also when they are spelt differently', () => {
  assert.throws(() => readIntegers('{"a":1,"a":2}'), oneLineError('model', /here: duplicate name "a"/));
  assert.throws(() => readIntegers('{"a":1,"\\u0061":2}'), oneLineError('model', /duplicate name "a"/));
});

test('rejects everything that is not a non-negative integer', () => {
  const wrong = [
    '-1',
    '1.0',
    '1e3',
    '01',
    '9007199254740992',
    '99999999999999999999',
    '"1"',
    'null',
    '',
    '[]',
  ];
  for (const value of wrong) {
    assert.throws(() => readIntegers(`{"a":${value}}`), oneLineError('model', /non-negative integer/), value);
  }
});

test('rejects malformed text with its position', () => {
  const wrong = [
    '',
    '{',
    '{"a"',
    '{"a":',
    '{"a":1',
    '{"a":1,',
    '{"a":1,}',
    '{"a" 1}',
    '{a:1}',
    '{"a":1}x',
    '{"a\\x":1}',
    '{"a\n":1}',
    '{"a":1]',
    '\ufeff{}',
    '{"a\\',
  ];
  for (const text of wrong) {
    assert.throws(() => readIntegers(text), oneLineError('model', /at character \d+$/), JSON.stringify(text));
  }
});

test('nesting costs no stack', () => {
  assert.throws(() => readIntegers('['.repeat(1e6)), oneLineError('model'));
  assert.throws(() => readIntegers('{"a":'.repeat(1e6)), oneLineError('model'));
});
