import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { describeContent, recogniseFormat } from '../../src/audio/openDecoder.js';
import { id3TagBytes } from '../../src/audio/playerTag.js';
import { Random } from '../support/random.js';
import { ascii, fmtChunk, little, wavFile } from '../support/wavWriter.js';
import { voiceWav } from './support/clips.js';
import { convert, ENCODE, ENCODER, type EncodedFormat, skipWithout } from './support/encoders.js';

const bytesOf = (text: string, length = 100) => {
  const bytes = new Uint8Array(length);
  bytes.set(ascii(text));
  return bytes;
};

describe('formats that are decoded', () => {
  for (const format of Object.keys(ENCODE) as EncodedFormat[]) {
    const encoder = ENCODER[format];
    test(format, { skip: encoder === null ? false : skipWithout(encoder) }, () => {
      for (const clip of [{}, { sampleRateHz: 44_100, channels: 2 }, { seconds: 0.02 }]) {
        assert.equal(recogniseFormat(ENCODE[format](voiceWav(clip))), format);
      }
    });
  }

  test('WAV in each container, cut off early too', () => {
    for (const magic of ['RIFF', 'RF64', 'BW64', 'RIFX']) {
      assert.equal(recogniseFormat(wavFile([fmtChunk(), { id: 'data', body: [1, 2] }], magic)), 'wav');
    }
    for (let length = 4; length <= 44; length++) {
      assert.equal(recogniseFormat(voiceWav().subarray(0, length)), 'wav', `${length} bytes`);
    }
  });

  test('MP3 behind junk, but not a sync code by chance', { skip: skipWithout('lame') }, () => {
    const mp3 = ENCODE.mp3(voiceWav());
    const junk = new Uint8Array(4000).fill(0xff);
    assert.equal(recogniseFormat(Uint8Array.from([...junk, ...mp3])), 'mp3');
    const random = new Random(1);
    for (let round = 0; round < 200; round++) {
      const noise = Uint8Array.from({ length: 16_384 }, () => random.integer(0, 255));
      assert.equal(recogniseFormat(noise), null);
    }
  });
});

describe('everything else', () => {
  test('is named', () => {
    const named: readonly (readonly [Uint8Array, string])[] = [
      [new Uint8Array(0), 'an empty file'],
      [bytesOf('\0\0\0\x20ftypM4A '), 'MP4'],
      [bytesOf('\x1aE\xdf\xa3'), 'Matroska or WebM'],
      [bytesOf('FORM\0\0\0\0AIFF'), 'AIFF'],
      [bytesOf('#!AMR\n'), 'AMR'],
      [bytesOf('hello'), '"hell"'],
      [Uint8Array.of(0, 10, 200), '"\\x00\\x0a\\xc8"'],
      [Uint8Array.of(0xff, 0xf1, 0x50, 0x80), 'AAC'],
      [Uint8Array.of(0xff, 0xfd, 0xa4, 0), 'MPEG audio layer II'],
      [Uint8Array.of(0x0b, 0x77, 1, 2), 'AC-3'],
      [bytesOf('0&\xb2u'), 'Windows Media'],
      [bytesOf('#EXTM3U\n'), 'a playlist'],
    ];
    for (const [bytes, name] of named) {
      assert.equal(recogniseFormat(bytes), null, name);
      assert.equal(describeContent(bytes), name);
    }
  });

  test('Ogg with other codecs, and Opus in WebM', { skip: skipWithout('ffmpeg', 'flac') }, () => {
    const args = ['-v', 'error', '-i', '{input}', '-y'];
    const oggFlac = convert(voiceWav(), 'ffmpeg', [...args, '-c:a', 'flac', '-f', 'ogg', '{output}']);
    assert.equal(recogniseFormat(oggFlac), null);
    assert.equal(describeContent(oggFlac), 'Ogg without Vorbis or Opus');
    const webm = convert(voiceWav(), 'ffmpeg', [...args, '-c:a', 'libopus', '-f', 'webm', '{output}']);
    assert.equal(recogniseFormat(webm), null);
  });
});

describe('ID3 tags', () => {
  test('their length, seven bits a byte, and a footer', () => {
    assert.equal(id3TagBytes(Uint8Array.from([...ascii('ID3'), 3, 0, 0, 0, 0, 0, 0])), 10);
    assert.equal(id3TagBytes(Uint8Array.from([...ascii('ID3'), 4, 0, 0, 0, 0, 2, 1])), 10 + 257);
    assert.equal(
      id3TagBytes(Uint8Array.from([...ascii('ID3'), 4, 0, 0x10, 0x7f, 0x7f, 0x7f, 0x7f])),
      2 ** 28 - 1 + 20,
    );
  });

  test('what is none', () => {
    for (const bytes of [
      [...ascii('ID3'), 3, 0, 0, 0, 0, 0], // cut off
      [...ascii('ID2'), 3, 0, 0, 0, 0, 0, 0],
      [...ascii('ID3'), 0xff, 0, 0, 0, 0, 0, 0],
      [...ascii('ID3'), 3, 0, 0, 0, 0x80, 0, 0],
      little(0, 10),
    ]) {
      assert.equal(id3TagBytes(Uint8Array.from(bytes)), 0);
    }
  });
});
