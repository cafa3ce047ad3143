import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodePcm } from '../../src/audio/decodePcm.js';
import { MixMeter } from '../../src/audio/mixMeter.js';
import type { WavFormat } from '../../src/audio/wavFormat.js';
import { Random } from '../support/random.js';
import { float, little } from '../support/wavWriter.js';

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
