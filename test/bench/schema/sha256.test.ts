import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { sha256Hex } from '../../../src/bench/schema/machineRecord.js';
import { processorMs } from '../../support/processorMs.js';

const encode = (text: string) => new TextEncoder().encode(text);

test('the examples of FIPS 180-4', () => {
  assert.equal(sha256Hex(encode('abc')), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  assert.equal(
    sha256Hex(encode('abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq')),
    '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
  );
});

test('every length around the ends of blocks, and bytes inside a larger buffer, as OpenSSL has it', () => {
  const bytes = Uint8Array.from({ length: 1000 }, (_, i) => (i * 167 + 13) & 255);
  for (let length = 0; length < 300; length++) {
    const part = bytes.subarray(length, 2 * length);
    assert.equal(sha256Hex(part), createHash('sha256').update(part).digest('hex'), `${length} bytes`);
  }
});

test('two minutes of audio take a fraction of a second', () => {
  const bytes = new Uint8Array(4 * 16_000 * 120).fill(7);
  const startMs = processorMs();
  assert.equal(sha256Hex(bytes), createHash('sha256').update(bytes).digest('hex'));
  assert.ok(processorMs() - startMs < 2000); // 0.1 s measured
});
