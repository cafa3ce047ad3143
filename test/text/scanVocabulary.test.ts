import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { scanVocabulary } from '../../src/text/scanVocabulary.js';
import { finishWork } from '../../src/text/slicedWork.js';
import { demoModelDir } from '../support/projectRoot.js';
import { Random } from '../support/random.js';

const scan = (text: string): Map<string, number> | undefined => finishWork(scanVocabulary(text));

test('entries are those of JSON.parse, in order, for keys of any characters and any white space', () => {
  const random = new Random(20);
  const characters = [
    'a',
    'Ġ',
    '"',
    '\\',
    '/',
    '\n',
    '\u0000',
    '\u007f',
    '{',
    '}',
    ',',
    ':',
    '😀',
    '\ud800',
    ' ',
  ];
  const letter = (): string => characters[random.integer(0, characters.length - 1)]!;
  for (let round = 0; round < 200; round++) {
    const object: Record<string, number> = {};
    for (let i = random.integer(1, 40); i > 0; i--) {
      object[Array.from({ length: random.integer(0, 6) }, letter).join('')] = random.integer(0, 999_999);
    }
    const text = JSON.stringify(object, null, random.integer(0, 3));
    const found = scan(random.integer(0, 1) === 0 ? text : `\ufeff \t\r\n${text}\n `);
    // U+007F stands unescaped in JSON and is left to JSON.parse.
    const expected = text.includes('\u007f') ? undefined : new Map(Object.entries(object));
    assert.deepEqual(found && Object.fromEntries(found), expected && Object.fromEntries(expected));
  }
});

test('the last of equal keys counts, as in JSON.parse', () => {
  assert.deepEqual(scan('{"a":1,"\\u0061":2}'), new Map([['a', 2]]));
});

test('the demo vocabulary is read as JSON.parse reads it', () => {
  const text = readFileSync(join(demoModelDir, 'vocab.json'), 'utf8');
  assert.deepEqual(Object.fromEntries(scan(text) ?? []), JSON.parse(text));
});

test('what is no object of ids is left to JSON.parse, valid or not', () => {
  const others = [
    '',
    '{}',
    '[]',
    '1',
    '{"a":1',
    '{"a":1}}',
    '{"a":1},',
    '{"a":1}x',
    '{"a":1,}',
    '{"a" 1}',
    '{a:1}',
  ];
  const values = [
    '{"a":-1}',
    '{"a":1.5}',
    '{"a":1e3}',
    '{"a":01}',
    '{"a":"1"}',
    '{"a":{"b":1}}',
    '{"a":null}',
  ];
  const strings = ['{"a\nb":1}', '{"\\x":1}', '{"\\u12":1}', '{"a":1234567890}', '{"a":1\u00a0}'];
  for (const text of [...others, ...values, ...strings]) assert.equal(scan(text), undefined, text);
});

test('a long vocabulary is read with pauses, none later than some thousand entries', () => {
  const text = JSON.stringify(Object.fromEntries(Array.from({ length: 20_000 }, (_, id) => [`t${id}`, id])));
  const work = scanVocabulary(text);
  let pauses = 0;
  let step = work.next();
  for (; step.done !== true; step = work.next()) pauses++;
  assert.equal(step.value?.size, 20_000);
  assert.ok(pauses >= 10, `${pauses} pauses`);
});
