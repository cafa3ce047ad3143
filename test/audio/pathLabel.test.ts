import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pathLabel } from '../../src/audio/fileSource.js';

test('names in UTF-8 are text, and bytes that are not stay apart', () => {
  assert.equal(pathLabel('ünï — 日本.wav'), 'ünï — 日本.wav');
  assert.equal(pathLabel(Buffer.from('ünï — 日本 😀.wav')), 'ünï — 日本 😀.wav');
  assert.equal(pathLabel(Buffer.from('caf\xe9/b\xfc.wav', 'latin1')), 'caf\\xe9/b\\xfc.wav');
  assert.equal(pathLabel(Buffer.concat([Buffer.from('日é'), Buffer.from([0xe6, 0x97])])), '日é\\xe6\\x97');
});
