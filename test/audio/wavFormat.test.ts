import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readWavFormat } from '../../src/audio/wavFormat.js';
import { type FmtFields, fmtChunk } from '../support/wavWriter.js';

function find(fields: FmtFields, size?: number) {
  const body = Uint8Array.from(fmtChunk(fields).body);
  return readWavFormat(body.subarray(0, size), 'clip.wav');
}

function read(fields: FmtFields, size?: number) {
  const format = find(fields, size);
  assert.ok(!('foreign' in format));
  return format;
}

function expectError(fields: FmtFields, message: RegExp, size?: number): void {
  assert.throws(() => read(fields, size), { name: 'QwenAsrError', code: 'audio', message });
}

test('plain and extensible formats of every width', () => {
  for (const [tag, encoding, widths] of [
    [1, 'pcm', [8, 16, 24, 32]],
    [3, 'float', [32, 64]],
  ] as const) {
    for (const bits of widths) {
      for (const channels of [1, 2, 6, 1000]) {
        const plain = { tag, bits, channels, sampleRateHz: 44100 };
        const expected = {
          encoding,
          littleEndian: true,
          bitsPerSample: bits,
          channels,
          sampleRateHz: 44100,
          frameBytes: (bits / 8) * channels,
        };
        assert.deepEqual(read(plain), expected);
        assert.deepEqual(read({ ...plain, extensible: { validBits: bits } }), expected);
      }
    }
  }
});

test('fewer valid bits than a sample occupies', () => {
  assert.equal(read({ bits: 12, blockBytes: 2 }).bitsPerSample, 16);
  assert.equal(read({ bits: 20, blockBytes: 6, channels: 2 }).bitsPerSample, 24);
  assert.equal(read({ bits: 24, blockBytes: 4 }).bitsPerSample, 32);
  assert.equal(read({ bits: 32, extensible: { validBits: 24 } }).bitsPerSample, 32);
});

test('rates at and beyond the limits', () => {
  assert.equal(read({ sampleRateHz: 1000 }).sampleRateHz, 1000);
  assert.equal(read({ sampleRateHz: 768000 }).sampleRateHz, 768000);
  for (const sampleRateHz of [0, 1, 999, 768001, 4294967295]) {
    const found = `found ${sampleRateHz}$`;
    expectError(
      { sampleRateHz },
      new RegExp(`^clip.wav: expected a sample rate of 1000 to 768000 Hz, ${found}`),
    );
  }
});

test('compressed and unknown formats are named', () => {
  const guidTail = [0, 0, 0x21, 7, 0xd3, 0x11, 0x86, 0x44, 0xc8, 0xc1, 0xca, 0, 0, 0]; // ambisonic B-format
  for (const [fields, name] of [
    [{ tag: 6, bits: 8 }, 'A-law samples'],
    [{ tag: 0x55 }, 'MP3 samples'],
    [{ tag: 0x1234 }, 'samples of the format 0x1234'],
    [{ tag: 2, extensible: { validBits: 16 } }, 'Microsoft ADPCM samples'],
    [{ extensible: { validBits: 16, guidTail } }, 'ambisonic samples'],
    [
      { extensible: { validBits: 16, guidTail: new Array<number>(14).fill(1) } },
      'samples of an unknown subformat',
    ],
  ] as const) {
    assert.deepEqual(find(fields), { foreign: name });
  }
});

test('a block size of 0 is that which the samples need', () => {
  assert.deepEqual(read({ blockBytes: 0, channels: 2 }), read({ channels: 2 }));
  assert.deepEqual(read({ blockBytes: 0, bits: 24 }), read({ bits: 24 }));
  assert.deepEqual(read({ blockBytes: 0, bits: 12 }), read({ bits: 12, blockBytes: 2 }));
});

test('contradictions', () => {
  expectError({ channels: 0 }, /expected at least 1 channel, found 0/);
  expectError({ blockBytes: 0, bits: 0 }, /found 0 bits in blocks of 0 bytes for 1 channel/);
  expectError({ blockBytes: 3, channels: 2 }, /found 16 bits in blocks of 3 bytes for 2 channel/);
  expectError({ bits: 0, blockBytes: 2 }, /found 0 bits/);
  expectError({ bits: 24, blockBytes: 2 }, /found 24 bits/);
  expectError({ bits: 64 }, /expected pcm samples of 8, 16, 24, 32 bits, found 64 bits/);
  expectError({ tag: 3, bits: 16 }, /expected float samples of 32, 64 bits, found 16 bits/);
  expectError({ tag: 3, bits: 24, blockBytes: 4 }, /expected float samples of 32, 64 bits, found 24 bits/);
});

test('a chunk that is too small, or cut by the end of the file', () => {
  expectError({}, /expected at least 16 bytes in the "fmt " chunk, found 14$/, 14);
  expectError(
    { extensible: { validBits: 16 } },
    /expected 40 bytes in the extensible "fmt " chunk, found 18$/,
    18,
  );
});
