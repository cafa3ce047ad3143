import assert from 'node:assert/strict';
import { test } from 'node:test';
import { flacFrameChecksum, flacHeaderChecksum } from '../../../src/audio/flac/flacChecksums.js';

// The usual check values of these two checksums (CRC-8/SMBUS and CRC-16/UMTS): those of the digits 1 to 9.
const digits = new TextEncoder().encode('123456789');

test('the checksum of a header', () => {
  assert.equal(flacHeaderChecksum(digits, 0, 9), 0xf4);
  assert.equal(flacHeaderChecksum(digits, 3, 3), 0);
});

test('the checksum of a frame', () => {
  assert.equal(flacFrameChecksum(digits, 0, 9), 0xfee8);
  const withinMore = Uint8Array.from([7, 7, ...digits, 7]);
  assert.equal(flacFrameChecksum(withinMore, 2, 11), 0xfee8);
});
