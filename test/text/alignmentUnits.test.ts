import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { alignmentUnits } from '../../src/text/alignmentUnits.js';
import { goldenDir } from '../support/projectRoot.js';

const words = (text: string, language = ''): string[] =>
  alignmentUnits(text, language).map((unit) => unit.text);

test('the units of the goldens are those of the independent implementation', () => {
  const folder = join(goldenDir, 'aligner');
  const names = readdirSync(folder).filter((name) => name.endsWith('.json'));
  assert.equal(names.length, 11);
  for (const name of names) {
    const golden: { text: string; words: { word: string }[] } = JSON.parse(
      readFileSync(join(folder, name), 'utf8'),
    );
    assert.deepEqual(
      words(golden.text),
      golden.words.map(({ word }) => word),
    );
  }
});

test('letters, numbers and apostrophes are kept, and what they stood around closes up', () => {
  assert.deepEqual(words("It's 5 o'clock - e-mail me: a.b@c.de!"), [
    "It's",
    '5',
    "o'clock",
    'email',
    'me',
    'abcde',
  ]);
  assert.deepEqual(words('“Straße” ½ Ⅷ ½’s'), ['Straße', '½', 'Ⅷ', '½s']);
});

test('a text of punctuation alone has no units', () => {
  for (const text of ['', ' \n', '...', '— ? !', '。', '😀']) assert.deepEqual(words(text), []);
});

test('every ideograph is a unit, the runs between them too', () => {
  assert.deepEqual(words('今天3点, OK吗?'), ['今', '天', '3', '点', 'OK', '吗']);
  // One of each block: extension A, extension B, compatibility.
  assert.deepEqual(words('㐀a\u{20000}b\uf900'), ['㐀', 'a', '\u{20000}', 'b', '\uf900'.normalize('NFC')]);
  assert.deepEqual(words('人々'), ['人', '々']);
});

test('white space is that of Python', () => {
  assert.deepEqual(words('a\u0085b\u3000c\u001cd\u2028e'), ['a', 'b', 'c', 'd', 'e']);
  // U+FEFF is none, and not kept either.
  assert.deepEqual(words('a\ufeffb'), ['ab']);
});

test('a decomposed text has the units of the composed one', () => {
  const text = 'Über está niño';
  assert.deepEqual(words(text.normalize('NFD')), words(text));
});

test('Japanese is cut by a dictionary, Korean at white space', () => {
  // The cuts that every edition of ICU's dictionary makes here.
  assert.deepEqual(words('私は学生です。', 'Japanese'), ['私', 'は', '学生', 'です']);
  assert.deepEqual(words('안녕하세요, 세계!', 'Korean'), ['안녕하세요', '세계']);
  // Unnamed, the script tells.
  assert.deepEqual(words('私は学生です。'), ['私', 'は', '学生', 'です']);
  // As Chinese each character would be its own.
  assert.deepEqual(words('私学生', 'Chinese'), ['私', '学', '生']);
});

test('a unit says where it stands in the text', () => {
  const text = '¿Qué tal, Ana-María? 好';
  const places = alignmentUnits(text, 'Spanish').map(({ textStart, textEnd }) =>
    text.slice(textStart, textEnd),
  );
  assert.deepEqual(places, ['Qué', 'tal', 'Ana-María', '好']);
  const decomposed = text.normalize('NFD');
  const [what] = alignmentUnits(decomposed, 'Spanish');
  assert.equal(what!.text, 'Qué');
  assert.equal(decomposed.slice(what!.textStart, what!.textEnd).normalize('NFC'), 'Qué');
});
