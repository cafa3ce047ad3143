import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMerges } from '../../src/text/mergeRules.js';
import { MergeTable } from '../../src/text/mergeTable.js';
import { Random } from '../support/random.js';

test('finds every rule and nothing else', () => {
  const random = new Random(4);
  const vocabulary = new Map(Array.from({ length: 3000 }, (_, id) => [`<${id}>`, id * 7]));
  const pairs: [string, string][] = [];
  const rankOf = new Map<string, number>();
  while (pairs.length < 2000) {
    const left = random.integer(0, 2999);
    const right = random.integer(0, 2999);
    if (rankOf.has(`${left * 7} ${right * 7}`)) continue;
    rankOf.set(`${left * 7} ${right * 7}`, pairs.length);
    vocabulary.set(`<${left}><${right}>`, 100_000 + pairs.length);
    pairs.push([`<${left}>`, `<${right}>`]);
  }
  const table = new MergeTable({ pairs, locate: String }, vocabulary);
  for (const [pair, rank] of rankOf) {
    const [left, right] = pair.split(' ').map(Number) as [number, number];
    assert.equal(table.rank(left, right), rank);
    assert.equal(table.mergedId(rank), 100_000 + rank);
    const missing = rankOf.get(`${right} ${left}`) ?? -1;
    assert.equal(table.rank(right, left), missing);
  }
});

test('of a rule given twice the later rank counts', () => {
  const vocabulary = new Map([
    ['a', 0],
    ['b', 1],
    ['ab', 2],
    ['ba', 3],
  ]);
  const table = new MergeTable(parseMerges('a b\nb a\na b'), vocabulary);
  assert.equal(table.rank(0, 1), 2);
});

test('a rule whose pieces or product are not in the vocabulary is named by its line', () => {
  const vocabulary = new Map([
    ['a', 0],
    ['b', 1],
  ]);
  assert.throws(() => new MergeTable(parseMerges('#version: 0.2\na b'), vocabulary), {
    code: 'model',
    message: 'merges.txt line 2: the piece "ab" is not in the vocabulary',
  });
  assert.throws(() => new MergeTable(parseMerges('a x'), vocabulary), {
    message: 'merges.txt line 1: the piece "x" is not in the vocabulary',
  });
});
