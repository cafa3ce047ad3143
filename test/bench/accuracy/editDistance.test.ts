import assert from 'node:assert/strict';
import { test } from 'node:test';
import { alignTokens, editDistance } from '../../../src/bench/accuracy/alignTokens.js';
import { createRandom, type Random } from '../../../src/bench/statistics/random.js';

test('known distances', () => {
  for (const [a, b, distance] of [
    ['kitten', 'sitting', 3],
    ['saturday', 'sunday', 3],
    ['intention', 'execution', 5],
    ['', 'abc', 3],
    ['abc', '', 3],
    ['', '', 0],
    ['same', 'same', 0],
  ] as const) {
    assert.equal(editDistance([...a], [...b]), distance, `${a} / ${b}`);
  }
});

test('the distance is that of the textbook table, across the borders of 32 rows', () => {
  const random = createRandom(61);
  for (let round = 0; round < 400; round++) {
    const a = letters(random, random.integer(140), 1 + random.integer(5));
    const b = random.integer(2) === 0 ? letters(random, random.integer(140), 4) : mutate(random, a, 0.2);
    assert.equal(editDistance(a, b), textbook(a, b).errors, `${a.join('')} / ${b.join('')}`);
  }
});

test('an alignment has the fewest errors and of those the fewest substitutions', () => {
  const random = createRandom(67);
  for (let round = 0; round < 400; round++) {
    const a = letters(random, random.integer(30), 3);
    const b = random.integer(2) === 0 ? letters(random, random.integer(30), 3) : mutate(random, a, 0.4);
    const { substitutions, insertions, deletions, matches } = checkedAlignment(a, b);
    const best = textbook(a, b);
    assert.equal(substitutions + insertions + deletions, best.errors);
    assert.equal(substitutions, best.substitutions);
    assert.equal(matches + substitutions + deletions, a.length);
    assert.equal(matches + substitutions + insertions, b.length);
  }
});

test('a match is preferred to two substitutions', () => {
  const { substitutions, insertions, deletions, partner } = alignTokens(['a', 'b'], ['b', 'c']);
  assert.deepEqual(
    { substitutions, insertions, deletions },
    { substitutions: 0, insertions: 1, deletions: 1 },
  );
  assert.deepEqual(Array.from(partner), [-1, 0]);
});

test('long sequences are halved and still aligned with the fewest errors', () => {
  const random = createRandom(71);
  const a = letters(random, 3000, 40);
  for (const b of [mutate(random, a, 0.3), letters(random, 2000, 40), a.slice(1500)]) {
    const { substitutions, insertions, deletions } = checkedAlignment(a, b);
    assert.equal(substitutions + insertions + deletions, editDistance(a, b));
    assert.equal(substitutions, textbook(a, b).substitutions);
  }
});

test('10,000 words and 60,000 characters are no trouble', (t) => {
  const random = createRandom(73);
  const words = letters(random, 10_000, 5000);
  const heard = mutate(random, words, 0.1);
  const start = performance.now();
  const { substitutions, insertions, deletions } = checkedAlignment(words, heard);
  const aligned = performance.now();
  assert.equal(substitutions + insertions + deletions, editDistance(words, heard));
  const characters = letters(random, 60_000, 30);
  const measuring = performance.now();
  assert.ok(editDistance(characters, mutate(random, characters, 0.05)) < 3200);
  const done = performance.now();
  t.diagnostic(
    `aligned in ${(aligned - start).toFixed(0)} ms, measured in ${(done - measuring).toFixed(0)} ms`,
  );
});

function letters(random: Random, length: number, alphabet: number): string[] {
  return Array.from({ length }, () => String.fromCodePoint(97 + random.integer(alphabet)));
}

function mutate(random: Random, tokens: readonly string[], rate: number): string[] {
  return tokens.flatMap((token) => {
    if (random.uniform() > rate) return [token];
    const kind = random.integer(3);
    return kind === 0 ? [] : kind === 1 ? ['?'] : [token, '+'];
  });
}

/** The alignment, after checking that partners ascend and the counts are those of the partners. */
function checkedAlignment(a: readonly string[], b: readonly string[]): ReturnType<typeof alignTokens> {
  const alignment = alignTokens(a, b);
  const paired = Array.from(alignment.partner.entries()).filter(([, partner]) => partner !== -1);
  for (let i = 1; i < paired.length; i++) assert.ok(paired[i]![1] > paired[i - 1]![1]);
  const equal = paired.filter(([row, partner]) => a[row] === b[partner]).length;
  assert.equal(alignment.matches, equal);
  assert.equal(alignment.substitutions, paired.length - equal);
  return alignment;
}

/** A cost is errors · PAIR + substitutions, whose order is the lexicographic one. */
const PAIR = 2 ** 16;

/** The whole table of costs, row by row. */
function textbook(a: readonly string[], b: readonly string[]): { errors: number; substitutions: number } {
  let above = Float64Array.from({ length: b.length + 1 }, (_, j) => j * PAIR);
  for (let i = 1; i <= a.length; i++) {
    const row = new Float64Array(b.length + 1);
    row[0] = i * PAIR;
    for (let j = 1; j <= b.length; j++) {
      const paired = above[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : PAIR + 1);
      row[j] = Math.min(paired, above[j]! + PAIR, row[j - 1]! + PAIR);
    }
    above = row;
  }
  const cost = above[b.length]!;
  return { errors: Math.floor(cost / PAIR), substitutions: cost % PAIR };
}

test('an alignment of tens of thousands of tokens takes a bounded time, and has as many errors as the distance', () => {
  const random = createRandom(5);
  // An hour of characters of which one in ten is wrong: without its band the table would have 2.5 billion cells.
  const reference = Array.from({ length: 50_000 }, () => String(random.integer(500)));
  const hypothesis = reference.flatMap((token) => {
    const kind = random.integer(30);
    return kind === 0 ? [] : kind === 1 ? [token, 'x'] : kind === 2 ? ['y'] : [token];
  });
  const { substitutions, insertions, deletions } = alignTokens(reference, hypothesis);
  assert.equal(substitutions + insertions + deletions, editDistance(reference, hypothesis));
});
