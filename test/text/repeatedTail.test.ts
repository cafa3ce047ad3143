import assert from 'node:assert/strict';
import { test } from 'node:test';
import { repeatedTail } from '../../src/text/repeatedTail.js';

test('texts that end once have no repeated tail', () => {
  for (const text of ['', 'Turn on the light.', 'no, yes', '从十二数到五十。', 'That that is is not.']) {
    assert.equal(repeatedTail(text), null, text);
  }
});

test('loops of one to eight words are found, in any case and punctuation', () => {
  const words = ['one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight'];
  for (let length = 1; length <= 8; length++) {
    const unit = words.slice(0, length).join(' ');
    const text = `Start. ${unit}, ${unit.toUpperCase()}! ${unit}`;
    const found = repeatedTail(text);
    assert.deepEqual(found, { repetitions: 3, unitWords: length, firstEnd: 7 + unit.length });
  }
});

test('a last repetition that is not complete counts for what is there', () => {
  assert.deepEqual(repeatedTail('Good. Thank you. Thank you. Thank'), {
    repetitions: 2,
    unitWords: 2,
    firstEnd: 15,
  });
});

test('scripts without spaces are compared character by character, marks included', () => {
  assert.deepEqual(repeatedTail('好的明白明白明白'), { repetitions: 3, unitWords: 2, firstEnd: 4 });
  const unit = 'ขอบคุณที่มา';
  assert.equal(repeatedTail(unit.repeat(3))?.firstEnd, unit.length);
  const long = '从十二数到五十关上厨房的空调';
  assert.equal(repeatedTail(long.repeat(2))?.repetitions, 2);
});

test('Arabic words repeat like any others', () => {
  assert.deepEqual(repeatedTail('شكرا لك. شكرا لك. شكرا لك'), { repetitions: 3, unitWords: 2, firstEnd: 7 });
});
