import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { finishWork, scanVocabulary } from '../../src/text/scanVocabulary.js';
import { demoModelDir } from '../support/projectRoot.js';
import { Random } from '../support/random.js';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

function scan(text: string): (string | undefined)[] | undefined {
  const pieces = finishWork(scanVocabulary(utf8(text)));
  return pieces && Array.from({ length: pieces.length }, (_, id) => pieces.at(id));
}

/** The pieces of an object, by id. */
function byId(object: Record<string, number>): (string | undefined)[] {
  const pieces: (string | undefined)[] = new Array(Math.max(...Object.values(object)) + 1).fill(undefined);
  for (const [piece, id] of Object.entries(object)) pieces[id] = piece;
  return pieces;
}

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
  let compared = 0;
  for (let round = 0; round < 200; round++) {
    const object: Record<string, number> = {};
    for (let i = random.integer(1, 40); i > 0; i--) {
      object[Array.from({ length: random.integer(0, 6) }, letter).join('')] =
        i * random.integer(1, 30) * 41 + i;
    }
    if (new Set(Object.values(object)).size < Object.keys(object).length) continue;
    const text = JSON.stringify(object, null, random.integer(0, 3));
    const found = scan(random.integer(0, 1) === 0 ? text : `\ufeff \t\r\n${text}\n `);
    assert.deepEqual(found, byId(object));
    const pieces = finishWork(scanVocabulary(utf8(text)))!;
    assert.equal(pieces.count, Object.keys(object).length);
    for (const [piece, id] of Object.entries(object)) assert.equal(pieces.indexOf(piece), id);
    assert.equal(pieces.indexOf('missing'), -1);
    compared++;
  }
  assert.ok(compared > 100, `${compared} compared`);
});

test('the demo vocabulary is read as JSON.parse reads it', () => {
  const text = readFileSync(join(demoModelDir, 'vocab.json'), 'utf8');
  assert.deepEqual(scan(text), byId(JSON.parse(text)));
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
  const strings = [
    '{"a\nb":1}',
    '{"\\x":1}',
    '{"\\u12":1}',
    '{"a":1234567890}',
    '{"a":1048576}',
    '{"a":1,"b":1}',
    '{"a":1,"\\u0061":2,"b":2}',
    '{"a":1\u00a0}',
  ];
  for (const text of [...others, ...values, ...strings]) assert.equal(scan(text), undefined, text);
});

test('a long vocabulary is read with pauses, none later than some thousand entries', () => {
  const text = JSON.stringify(Object.fromEntries(Array.from({ length: 20_000 }, (_, id) => [`t${id}`, id])));
  const work = scanVocabulary(utf8(text));
  let pauses = 0;
  let step = work.next();
  for (; step.done !== true; step = work.next()) pauses++;
  assert.equal(step.value?.length, 20_000);
  assert.ok(pauses >= 10, `${pauses} pauses`);
});
