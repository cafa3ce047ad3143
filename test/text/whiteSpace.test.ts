import assert from 'node:assert/strict';
import { test } from 'node:test';
import { strip, stripEnd, stripStart, whiteSpace } from '../../src/text/whiteSpace.js';
import { processorMs } from '../support/processorMs.js';

/** White_Space of Unicode's PropList.txt. */
const WHITE_SPACE = [
  ...[0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x20, 0x85, 0xa0, 0x1680],
  ...[0x2000, 0x2001, 0x2002, 0x2003, 0x2004, 0x2005, 0x2006, 0x2007, 0x2008, 0x2009, 0x200a],
  ...[0x2028, 0x2029, 0x202f, 0x205f, 0x3000],
];

/** What Python 3 strips: the characters for which str.isspace() is true. */
const PYTHON_SPACE = [...WHITE_SPACE, 0x1c, 0x1d, 0x1e, 0x1f];

test('the class is the White_Space property, for every code unit', () => {
  const matcher = new RegExp(`^[${whiteSpace}]$`, 'u');
  for (let code = 0; code < 0xd800; code++) {
    assert.equal(
      matcher.test(String.fromCharCode(code)),
      WHITE_SPACE.includes(code),
      `U+${code.toString(16)}`,
    );
  }
  assert.ok(!matcher.test('\ufeff'));
});

test('strip removes what Python removes, at both ends only', () => {
  const all = String.fromCharCode(...PYTHON_SPACE);
  assert.equal(strip(`${all}a${all}b${all}`), `a${all}b`);
  assert.equal(stripStart(`${all}a${all}`), `a${all}`);
  assert.equal(stripEnd(`${all}a${all}`), `${all}a`);
  assert.equal(strip(all), '');
  for (const kept of ['\ufeff', '\u200b', '\u180e', '\u2060', '\u0000']) {
    assert.equal(strip(`${kept}a${kept}`), `${kept}a${kept}`);
  }
});

test('a megabyte of spaces inside a text does not take quadratic time', () => {
  const text = `a${' '.repeat(1_000_000)}b`;
  const startMs = processorMs();
  assert.equal(strip(text), text);
  assert.ok(processorMs() - startMs < 2000);
});
