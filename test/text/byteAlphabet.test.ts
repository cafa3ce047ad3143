import assert from 'node:assert/strict';
import { test } from 'node:test';
import { byteAlphabet, bytesOfPiece, pieceOfText } from '../../src/text/byteAlphabet.js';

test('every byte has a printable character of its own', () => {
  assert.equal(byteAlphabet.length, 256);
  assert.equal(new Set(byteAlphabet).size, 256);
  for (const character of byteAlphabet) assert.match(character, /^[\p{L}\p{N}\p{P}\p{S}]$/u);
});

test('the alphabet is the published one', () => {
  // GPT-2's encoder.json starts with these, in this order of bytes.
  assert.equal(byteAlphabet[0x00], 'Ā');
  assert.equal(byteAlphabet[0x0a], 'Ċ');
  assert.equal(byteAlphabet[0x0d], 'č');
  assert.equal(byteAlphabet[0x20], 'Ġ');
  assert.equal(byteAlphabet[0x21], '!');
  assert.equal(byteAlphabet[0x7e], '~');
  assert.equal(byteAlphabet[0x7f], 'ġ');
  assert.equal(byteAlphabet[0xa0], 'ł');
  assert.equal(byteAlphabet[0xa1], '¡');
  assert.equal(byteAlphabet[0xad], 'Ń');
  assert.equal(byteAlphabet[0xff], 'ÿ');
});

test('pieces and bytes convert both ways', () => {
  for (let byte = 0; byte < 256; byte++) {
    assert.deepEqual([...bytesOfPiece(byteAlphabet[byte]!)], [byte]);
  }
  assert.equal(pieceOfText(' música'), 'ĠmÃºsica');
  assert.equal(Buffer.from(bytesOfPiece('ĠmÃºsica')).toString('utf8'), ' música');
});

test('an entry outside the alphabet stands for its own UTF-8', () => {
  for (const piece of ['日本', ' space', '\u0144', '😀', '\u00ad']) {
    assert.equal(Buffer.from(bytesOfPiece(piece)).toString('utf8'), piece);
  }
});
