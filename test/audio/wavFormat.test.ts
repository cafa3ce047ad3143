import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MixMeter } from '../../src/audio/mixMeter.js';
import { decodePcm, readWavFormat, type WavFormat } from '../../src/audio/wavFormat.js';
import { Random } from '../support/random.js';
import { type FmtFields, float, fmtChunk, little } from '../support/wavWriter.js';

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

function formatOf(encoding: 'pcm' | 'float', bitsPerSample: number, channels = 1): WavFormat {
  return {
    encoding,
    littleEndian: true,
    bitsPerSample,
    channels,
    sampleRateHz: 16000,
    frameBytes: (channels * bitsPerSample) / 8,
  };
}

for (const bits of [8, 16, 24, 32]) {
  test(`${bits}-bit integers are divided by 2^${bits - 1}`, () => {
    const full = 2 ** (bits - 1);
    const random = new Random(bits);
    const codes = [
      0,
      1,
      -1,
      full - 1,
      -full,
      ...Array.from({ length: 200 }, () => random.integer(-full, full - 1)),
    ];
    const offset = bits === 8 ? 128 : 0; // eight bits are unsigned
    const bytes = Uint8Array.from(codes.flatMap((code) => little(code + offset, bits / 8)));
    const expected = Float32Array.from(codes, (code) => code / full);
    assert.deepEqual(decodePcm(bytes, formatOf('pcm', bits), new MixMeter('x')), expected);
  });
}

for (const bits of [32, 64] as const) {
  test(`${bits}-bit floats are taken as they are, above full scale too`, () => {
    const values = [0, 1, -1, 0.1, -3.75, 1e-40, 40000, ...new Random(bits).floats(100)];
    const bytes = Uint8Array.from(values.flatMap((value) => float(value, bits)));
    assert.deepEqual(decodePcm(bytes, formatOf('float', bits), new MixMeter('x')), Float32Array.from(values));
  });
}

test('channels are averaged, whatever their number', () => {
  for (const channels of [2, 3, 6, 255]) {
    const random = new Random(channels);
    const frames = Array.from({ length: 20 }, () =>
      Array.from({ length: channels }, () => random.integer(-32768, 32767)),
    );
    const bytes = Uint8Array.from(frames.flat().flatMap((code) => little(code, 2)));
    const sums = frames.map((frame) => frame.reduce((sum, code) => sum + code, 0));
    const expected = Float32Array.from(sums, (sum) => sum / 32768 / channels);
    const found = decodePcm(bytes, formatOf('pcm', 16, channels), new MixMeter('x'));
    assert.equal(found.length, 20);
    for (const [i, value] of found.entries())
      assert.ok(Math.abs(value - expected[i]!) < 1e-7, `${channels} ${i}`);
  }
});

test('a partial frame at the end is left out', () => {
  const format = formatOf('pcm', 24, 2);
  for (let extra = 0; extra < 6; extra++) {
    const bytes = Uint8Array.from([
      ...little(4194304, 3),
      ...little(0, 3),
      ...new Array<number>(extra).fill(9),
    ]);
    assert.deepEqual([...decodePcm(bytes, format, new MixMeter('x'))], [0.25]);
  }
});

test('reads from the middle of a larger buffer, at odd addresses', () => {
  const whole = Uint8Array.from([7, ...little(16384, 2), ...little(-16384, 2), 7]);
  assert.deepEqual([...decodePcm(whole.subarray(1, 5), formatOf('pcm', 16), new MixMeter('x'))], [0.5, -0.5]);
});

test('big-endian samples of every width', () => {
  for (const [encoding, bits, codes] of [
    ['pcm', 16, [0x12, 0x34, 0xff, 0xfe]],
    ['pcm', 24, [0x12, 0x34, 0x56, 0xff, 0xff, 0xfe]],
    ['pcm', 32, [0x12, 0x34, 0x56, 0x78, 0xff, 0xff, 0xff, 0xfe]],
    ['float', 32, [...float(0.5, 32).reverse(), ...float(-0.25, 32).reverse()]],
    ['float', 64, [...float(0.5, 64).reverse(), ...float(-0.25, 64).reverse()]],
  ] as const) {
    const scale = 2 ** (bits - 1);
    const expected = encoding === 'float' ? [0.5, -0.25] : [0x12345678 / 2 ** 31, -2 / scale];
    const format = { ...formatOf(encoding, bits), littleEndian: false };
    const found = decodePcm(Uint8Array.from(codes), format, new MixMeter('x'));
    for (const [i, value] of found.entries())
      assert.ok(Math.abs(value - expected[i]!) < 2 ** -15, `${bits} ${i}`);
  }
});

test('a float that is no number, or absurdly large, is taken as 0 and counted', () => {
  for (const bits of [32, 64] as const) {
    const bad = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 3e38];
    const bytes = Uint8Array.from(
      [0.5, 0.5, ...bad.flatMap((value) => [0.5, value])].flatMap((v) => float(v, bits)),
    );
    const meter = new MixMeter('clip.wav');
    const samples = decodePcm(bytes, formatOf('float', bits, 2), meter);
    assert.deepEqual([...samples], [0.5, 0.25, 0.25, 0.25, 0.25]);
    assert.deepEqual(meter.notes(), ['clip.wav: 4 samples that are no numbers were taken as 0']);
  }
});
