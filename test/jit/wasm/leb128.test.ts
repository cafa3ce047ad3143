import assert from 'node:assert/strict';
import { test } from 'node:test';
import { signedLeb128, unsignedLeb128 } from '../../../src/jit/wasm/leb128.js';

test('unsigned: the example of the DWARF standard and the edges of the groups', () => {
  assert.deepEqual(unsignedLeb128(624485), [0xe5, 0x8e, 0x26]);
  assert.deepEqual(unsignedLeb128(0), [0]);
  assert.deepEqual(unsignedLeb128(127), [0x7f]);
  assert.deepEqual(unsignedLeb128(128), [0x80, 0x01]);
  assert.deepEqual(unsignedLeb128(2 ** 32 - 1), [0xff, 0xff, 0xff, 0xff, 0x0f]);
  assert.deepEqual(unsignedLeb128(2 ** 35), [0x80, 0x80, 0x80, 0x80, 0x80, 0x01]);
});

test('signed: the example of the DWARF standard and the edges of the groups', () => {
  assert.deepEqual(signedLeb128(-123456), [0xc0, 0xbb, 0x78]);
  assert.deepEqual(signedLeb128(-1), [0x7f]);
  assert.deepEqual(signedLeb128(63), [0x3f]);
  assert.deepEqual(signedLeb128(64), [0xc0, 0x00]);
  assert.deepEqual(signedLeb128(-64), [0x40]);
  assert.deepEqual(signedLeb128(-65), [0xbf, 0x7f]);
  assert.deepEqual(signedLeb128(-(2 ** 31)), [0x80, 0x80, 0x80, 0x80, 0x78]);
  assert.deepEqual(signedLeb128(2 ** 35), [0x80, 0x80, 0x80, 0x80, 0x80, 0x01]);
});
