import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MergeTable, parseMergeList, parseMerges } from '../../src/text/mergeTable.js';
import { Random } from '../support/random.js';

test('only a first line that starts with #version is a comment', () => {
  const { pairs } = parseMerges('#version: 0.2\n# #\n## #version\n#version :\n');
  assert.deepEqual(pairs, [
    ['#', '#'],
    ['##', '#version'],
    ['#version', ':'],
  ]);
  assert.deepEqual(parseMerges('# #\na b').pairs, [
    ['#', '#'],
    ['a', 'b'],
  ]);
});

test('line ends of Windows, a byte order mark and a missing last line end are accepted', () => {
  const expected = [
    ['a', 'b'],
    ['ab', 'c'],
  ];
  for (const text of ['a b\r\nab c\r\n', '\ufeff#version: 0.2\r\na b\r\nab c', 'a b\nab c\n\n\n']) {
    assert.deepEqual(parseMerges(text).pairs, expected);
  }
  assert.deepEqual(parseMerges('').pairs, []);
  assert.deepEqual(parseMerges('#version: 0.2\n').pairs, []);
});

test('a malformed line is named by its number in the file', () => {
  const bad = [
    ['#version: 0.2\na b\nc\n', 'merges.txt line 3'],
    ['a b\n\nc d', 'merges.txt line 2'],
    ['a b c', 'merges.txt line 1'],
    [' b', 'merges.txt line 1'],
    ['a ', 'merges.txt line 1'],
  ] as const;
  for (const [text, where] of bad) {
    assert.throws(() => parseMerges(text), {
      code: 'model',
      message: new RegExp(`^${where}: expected two pieces separated by one space, found ".*"$`),
    });
  }
  const { locate } = parseMerges('#version: 0.2\na b\nc d');
  assert.equal(locate(1), 'merges.txt line 3');
});

test('a list holds strings or pairs', () => {
  const { pairs, locate } = parseMergeList(['a b', ['ab', 'c']]);
  assert.deepEqual(pairs, [
    ['a', 'b'],
    ['ab', 'c'],
  ]);
  assert.equal(locate(1), 'tokenizer.json merge 2');
  for (const bad of ['ab', ['a'], ['a', 'b', 'c'], ['a', 1], null, 7, {}]) {
    assert.throws(() => parseMergeList(['a b', bad]), {
      code: 'model',
      message: /^tokenizer\.json merge 2: expected two pieces/,
    });
  }
});

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
