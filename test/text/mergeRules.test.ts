import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMergeList, parseMerges } from '../../src/text/mergeRules.js';

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
