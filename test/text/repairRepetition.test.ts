import assert from 'node:assert/strict';
import { test } from 'node:test';
import { repairRepetition } from '../../src/text/transcript.js';
import { processorMs } from '../support/processorMs.js';
import { Random } from '../support/random.js';

/** The rule as a direct statement, quadratic and recursive. */
function repairByDefinition(text: string): string {
  // Runs of one character, by the regular expression engine.
  const collapsed = text.replace(/(.)\1{20,}/gsu, '$1');
  return patternsByDefinition([...collapsed]).join('');
}

function patternsByDefinition(characters: readonly string[]): string[] {
  for (let start = 0; characters.length - start >= 40; start++) {
    for (let length = 1; length <= 20; length++) {
      const pattern = characters.slice(start, start + length).join('');
      let end = start + length;
      while (end + length <= characters.length && characters.slice(end, end + length).join('') === pattern) {
        end += length;
      }
      if (end - start >= 20 * length) {
        const rest = patternsByDefinition(characters.slice(end));
        return [...characters.slice(0, start + length), ...rest];
      }
    }
  }
  return [...characters];
}

test('runs of one character collapse above twenty', () => {
  assert.equal(repairRepetition('a'.repeat(20)), 'a'.repeat(20));
  assert.equal(repairRepetition('a'.repeat(21)), 'a');
  assert.equal(repairRepetition(`x${'a'.repeat(21)}y`), 'xay');
  assert.equal(repairRepetition(`\n${'\n'.repeat(20)}`), '\n');
});

test('patterns collapse from twenty repetitions on', () => {
  assert.equal(repairRepetition('no'.repeat(19)), 'no'.repeat(19));
  assert.equal(repairRepetition('no'.repeat(20)), 'no');
  assert.equal(repairRepetition(`So ${'no '.repeat(25)}end`), 'So no end');
  const twenty = 'abcdefghijklmnopqrst';
  assert.equal(repairRepetition(twenty.repeat(20)), twenty);
  assert.equal(repairRepetition(`${twenty}u`.repeat(20)), `${twenty}u`.repeat(20));
});

test('a run of exactly twenty collapses only where forty characters remain', () => {
  const run = 'a'.repeat(20);
  assert.equal(repairRepetition(`${run}bcdefghijklmnopqrst`), `${run}bcdefghijklmnopqrst`); // 39
  assert.equal(repairRepetition(`${run}bcdefghijklmnopqrstu`), 'abcdefghijklmnopqrstu'); // 40
});

test('the search goes on behind a repair', () => {
  assert.equal(repairRepetition(`${'ab'.repeat(30)}c${'de'.repeat(30)}`), 'abcde');
  // What remains after the first repair is shorter than forty characters.
  assert.equal(repairRepetition(`${'ab'.repeat(30)}${'d'.repeat(20)}`), `ab${'d'.repeat(20)}`);
});

test('characters are code points', () => {
  assert.equal(repairRepetition('😀'.repeat(21)), '😀');
  assert.equal(repairRepetition('😀'.repeat(20)), '😀'.repeat(20));
  assert.equal(repairRepetition('😀👍'.repeat(20)), '😀👍');
  // Surrogates that repeat across characters are no run: U+1F600 and U+1F601 share the first.
  assert.equal(repairRepetition('😀😁'.repeat(19)), '😀😁'.repeat(19));
});

test('equals the definition on texts made of repetitions', () => {
  const random = new Random(7);
  const alphabet = ['a', 'b', 'c', ' ', '\n', '😀', 'é', '\ud800'];
  let repaired = 0;
  for (let i = 0; i < 1500; i++) {
    let text = '';
    for (let part = random.integer(1, 5); part > 0; part--) {
      const letters = random.integer(1, alphabet.length);
      const length = random.integer(1, random.integer(1, 22));
      const pattern = Array.from({ length }, () => alphabet[random.integer(0, letters - 1)]).join('');
      text += pattern.repeat(random.integer(0, 1) === 0 ? random.integer(17, 24) : random.integer(0, 45));
      text += pattern.slice(0, random.integer(0, length));
    }
    const expected = repairByDefinition(text);
    assert.equal(repairRepetition(text), expected, JSON.stringify(text));
    if (expected !== text) repaired++;
  }
  assert.ok(repaired > 400, `${repaired} texts needed repair`);
});

test('100,000 characters of any kind take no time worth mentioning', () => {
  const random = new Random(8);
  const texts = [
    'ab'.repeat(50_000),
    Array.from({ length: 100_000 }, () => 'ab'[random.integer(0, 1)]).join(''),
    'abcdefghijklmnopqrstu'.repeat(5000),
    `${'a'.repeat(19)}b`.repeat(5000),
    `${'ab'.repeat(19)}c`.repeat(2500),
    '😀'.repeat(50_000),
  ];
  const startMs = processorMs();
  for (const text of texts) repairRepetition(text);
  assert.ok(processorMs() - startMs < 4000);
});
