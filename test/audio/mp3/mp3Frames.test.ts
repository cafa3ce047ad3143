import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAX_MP3_FRAME_BYTES, readMp3FrameHeader } from '../../../src/audio/mp3/mp3Frames.js';

/** Four bytes as hexadecimal digits. */
const header = (hex: string) => readMp3FrameHeader(Uint8Array.from(Buffer.from(hex, 'hex')), 0);

test('frames of each version', () => {
  // ISO/IEC 11172-3: 144·128,000/44,100 = 417.96; padded one more.
  const stereo = { version: 1, sampleRateHz: 44_100, channels: 2, frameSamples: 1152, sideInfoBytes: 32 };
  assert.deepEqual(header('fffb9000'), { ...stereo, frameBytes: 417 });
  assert.deepEqual(header('fffb9200'), { ...stereo, frameBytes: 418 });
  assert.deepEqual(header('fffb9064'), { ...stereo, frameBytes: 417 }); // joint stereo
  assert.deepEqual(header('fffb90c4'), { ...stereo, channels: 1, sideInfoBytes: 17, frameBytes: 417 });
  // 13818-3: 72·64,000/16,000 = 288.
  const half = { version: 2, sampleRateHz: 16_000, channels: 1, frameSamples: 576, sideInfoBytes: 9 };
  assert.deepEqual(header('fff388c4'), { ...half, frameBytes: 288 });
  assert.deepEqual(header('ffe348c4'), { ...half, version: 2.5, sampleRateHz: 8000, frameBytes: 288 });
});

test('the longest frame', () => {
  assert.equal(header('fffbea00')?.frameBytes, MAX_MP3_FRAME_BYTES);
});

test('what is no header', () => {
  for (const hex of [
    '00fb9000', // no sync
    'ffdb9000', // 10 bits of sync
    'ffeb9000', // reserved version
    'fffd9000', // layer II
    'ffff9000', // layer I
    'fff19000', // AAC
    'fffbf000', // reserved bit rate
    'fffb0000', // free bit rate
    'fffb9c00', // reserved sample rate
    'fffb9002', // reserved emphasis
    'fffb90', // cut short
  ]) {
    assert.equal(header(hex), undefined, hex);
  }
});
