import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type MergeRules, MergeTable } from '../../src/text/mergeTable.js';
import { bytePairMerge, NumberHeap } from '../../src/text/tokenizer.js';
import { processorMs } from '../support/processorMs.js';
import { Random } from '../support/random.js';

/** A vocabulary of a few letters and random merges of what is in it already. */
function randomMerges(
  random: Random,
  letters: number,
  count: number,
): { rules: MergeRules; ids: Map<string, number> } {
  const pieces = Array.from({ length: letters }, (_, i) => String.fromCharCode(97 + i));
  const pairs: [string, string][] = [];
  const ids = new Map(pieces.map((piece, id) => [piece, id]));
  for (let i = 0; i < count; i++) {
    const left = pieces[random.integer(0, pieces.length - 1)]!;
    const right = pieces[random.integer(0, pieces.length - 1)]!;
    if (left.length + right.length > 12 || ids.has(left + right)) continue;
    pairs.push([left, right]);
    ids.set(left + right, ids.size);
    pieces.push(left + right);
  }
  // Ranks need not follow the order in which pieces can arise.
  pairs.sort(() => random.uniform() - 0.5);
  return { rules: { pairs, locate: String }, ids };
}

/** The definition, word for word: merge the leftmost pair of the lowest rank until no neighbours merge. */
function mergeByDefinition(word: string, { pairs }: MergeRules): string[] {
  const ranks = new Map(pairs.map(([left, right], rank) => [`${left} ${right}`, rank]));
  const parts = [...word];
  for (;;) {
    let best = Number.POSITIVE_INFINITY;
    let at = -1;
    for (let i = 0; i + 1 < parts.length; i++) {
      const rank = ranks.get(`${parts[i]} ${parts[i + 1]}`) ?? Number.POSITIVE_INFINITY;
      if (rank < best) {
        best = rank;
        at = i;
      }
    }
    if (at < 0) return parts;
    parts.splice(at, 2, parts[at]! + parts[at + 1]!);
  }
}

test('equals the definition on random merges and words', () => {
  const random = new Random(3);
  for (let round = 0; round < 200; round++) {
    const { rules, ids } = randomMerges(random, random.integer(1, 5), random.integer(0, 60));
    const table = new MergeTable(rules, ids);
    const letters = [...ids.keys()].filter((piece) => piece.length === 1);
    for (let i = 0; i < 20; i++) {
      const word = Array.from(
        { length: random.integer(0, 60) },
        () => letters[random.integer(0, letters.length - 1)]!,
      ).join('');
      const merged = bytePairMerge(
        Array.from(word, (letter) => ids.get(letter)!),
        table,
      );
      assert.deepEqual(
        merged,
        mergeByDefinition(word, rules).map((piece) => ids.get(piece)!),
        word,
      );
    }
  }
});

test('a word of a million letters does not take quadratic time', () => {
  const ids = new Map([
    ['a', 0],
    ['aa', 1],
    ['aaaa', 2],
  ]);
  const pairs = [['a', 'a'] as const, ['aa', 'aa'] as const];
  const table = new MergeTable({ pairs, locate: String }, ids);
  const startMs = processorMs();
  const merged = bytePairMerge(new Array<number>(1_000_001).fill(0), table);
  assert.ok(processorMs() - startMs < 8000);
  assert.equal(merged.length, 250_001);
  assert.deepEqual(merged.slice(-2), [2, 0]);
});

test('pops what was pushed in ascending order, whatever the order of calls', () => {
  const random = new Random(2);
  const heap = new NumberHeap();
  const kept: number[] = [];
  for (let step = 0; step < 20_000; step++) {
    if (random.integer(0, 2) > 0) {
      const key = random.integer(0, 500);
      heap.push(key);
      kept.push(key);
    } else {
      kept.sort((a, b) => a - b);
      assert.equal(heap.pop(), kept.shift());
    }
  }
  for (const key of kept.sort((a, b) => a - b)) assert.equal(heap.pop(), key);
  assert.equal(heap.pop(), undefined);
});
