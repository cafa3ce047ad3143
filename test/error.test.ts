import assert from 'node:assert/strict';
import { test } from 'node:test';
import { QwenAsrError } from '../src/error.js';

test('the message is one printable line, whatever goes into it', () => {
  const { message } = new QwenAsrError('file', 'a\n  b\u001b[31m\u009b2J\0 é日: gone\r\n');
  assert.equal(message, 'a b\\x1b[31m\\x9b2J\\x00 é日: gone ');
});

test('an option that is to blame begins the message', () => {
  const { code, option, message, cause } = new QwenAsrError('usage', 'expected 1', {
    option: 'batch',
    cause: 5,
  });
  assert.deepEqual(
    { code, option, message, cause },
    { code: 'usage', option: 'batch', message: 'batch: expected 1', cause: 5 },
  );
  assert.equal(new QwenAsrError('usage', 'x').option, undefined);
});
