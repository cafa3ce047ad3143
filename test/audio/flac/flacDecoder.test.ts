import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readWav } from '../../../src/audio/wavDecoder.js';
import { pcmWav, voice, voiceWav } from '../support/clips.js';
import { decodeAll } from '../support/decodeAll.js';
import { convert, skipWithout } from '../support/encoders.js';

const skip = skipWithout('flac');

function encode(wav: Uint8Array, ...options: string[]): Uint8Array {
  return convert(wav, 'flac', ['--silent', '--force', ...options, '-o', '{output}', '{input}']);
}

/** Lossless: the samples are those of the WAV file, bit for bit. */
async function expectExact(wav: Uint8Array, ...options: string[]): Promise<void> {
  const { samples, sampleRateHz, notes } = await decodeAll(encode(wav, ...options));
  const expected = readWav(wav, 'original.wav');
  assert.equal(sampleRateHz, expected.sampleRateHz);
  assert.deepEqual(samples, expected.samples);
  assert.deepEqual(notes, []);
}

describe('the same samples as the file that was encoded', { skip }, () => {
  test('every compression level', async () => {
    for (let level = 0; level <= 8; level++) await expectExact(voiceWav({ seed: level }), `-${level}`);
  });

  test('every sample size and number of channels', async () => {
    for (const bits of [8, 16, 24] as const) {
      for (let channels = 1; channels <= 8; channels++) {
        await expectExact(voiceWav({ bits, channels, seconds: 0.3 }), '--channel-map=none');
      }
    }
  });

  test('rates with codes of their own, and others', async () => {
    for (const sampleRateHz of [8000, 11_025, 22_050, 44_100, 48_000, 65_535, 96_000, 192_000, 655_350]) {
      await expectExact(voiceWav({ sampleRateHz, seconds: 0.1, channels: 2 }), '--lax');
    }
  });

  test('stereo that is decorrelated each way', async () => {
    const left = voice(16_000, 16_000, 1, 0.4);
    const nearly = left.map((value, i) => value + 0.001 * Math.sin(i));
    const third = left.map((value) => value / 3);
    for (const [a, b] of [
      [left, nearly],
      [nearly, left],
      [left, third],
      [third, left],
      [left, left],
    ] as const) {
      const wav = pcmWav([a, b], 16_000, 16);
      await expectExact(wav, '-8', '--exhaustive-model-search');
      await expectExact(wav, '-8', '--no-mid-side');
    }
  });

  test('block sizes from 16 to 65,535, and partitions of the residual', async () => {
    for (const size of [16, 17, 192, 256, 576, 1000, 4608, 16_384, 65_535]) {
      await expectExact(voiceWav({ seconds: 5, seed: size }), '--lax', '-b', String(size), '-r', '0,8');
    }
  });

  test('silence, full scale, noise and samples with unused low bits', async () => {
    const n = 20_000;
    const noise = voice(n, 16_000, 3, 0.9).map((_, i) => Math.sin(i * i));
    const clips = [
      new Float32Array(n),
      new Float32Array(n).fill(1),
      new Float32Array(n).fill(-1),
      Float32Array.from({ length: n }, (_, i) => (i % 2 === 0 ? 1 : -1)),
      noise,
      voice(n, 16_000, 4, 0.5).map((value) => Math.round(value * 64) / 64),
    ];
    for (const clip of clips) {
      await expectExact(pcmWav([clip], 16_000, 16));
      await expectExact(pcmWav([clip, noise], 16_000, 24), '-8');
    }
  });

  test('an odd number of samples, and a single one', async () => {
    for (const seconds of [1 / 16_000, 7 / 16_000, 0.33331]) await expectExact(voiceWav({ seconds }));
  });

  test('pictures, padding and a seek table in front', async () => {
    await expectExact(voiceWav(), '--padding=100000', '-S', '10x', '-T', `COMMENT=${'x'.repeat(70_000)}`);
  });
});

describe('damage', { skip }, () => {
  const wav = voiceWav({ seconds: 4 });
  const original = readWav(wav, 'original.wav').samples;

  test('a damaged frame is left out, and the frames round it are exact', async () => {
    const file = encode(wav, '-b', '4096');
    file[Math.floor(file.length / 2)]! ^= 0x10;
    const { samples, notes } = await decodeAll(file, 'clip.flac');
    assert.equal(samples.length, original.length - 4096);
    const kept = samples.findIndex((value, i) => value !== original[i]);
    assert.equal(kept % 4096, 0);
    assert.deepEqual(samples.subarray(kept), original.subarray(kept + 4096));
    assert.deepEqual(notes, ['clip.flac: a damaged place left out', 'clip.flac: 3.7 s of 4.0 s are there']);
  });

  test('a file cut short yields the frames that are there', async () => {
    const file = encode(wav, '-b', '4096');
    const { samples, notes } = await decodeAll(file.subarray(0, Math.floor(file.length * 0.6)), 'clip.flac');
    assert.ok(samples.length > 0.4 * original.length && samples.length < original.length);
    assert.equal(samples.length % 4096, 0);
    assert.deepEqual(samples, original.subarray(0, samples.length));
    assert.equal(notes.length, 1);
    assert.match(notes[0]!, /^clip\.flac: \d\.\d s of 4\.0 s are there$/);
  });

  test('bytes between frames are left out and noted', async () => {
    const file = encode(wav, '-b', '4096');
    const sync = file.findIndex(
      (byte, i) => i > 9000 && byte === 0xff && file[i + 1] === 0xf8 && file[i + 2] === 0xc5,
    );
    assert.ok(sync > 0);
    const junk = new Uint8Array(500).fill(0xaa);
    const { samples, notes } = await decodeAll(
      Uint8Array.from([...file.subarray(0, sync), ...junk, ...file.subarray(sync)]),
      'clip.flac',
    );
    assert.deepEqual(samples, original);
    assert.deepEqual(notes, ['clip.flac: a damaged place left out']);
  });

  test('headers without frames, and frames without a header', async () => {
    const file = encode(wav);
    const expectError = (bytes: Uint8Array, message: string) =>
      assert.rejects(decodeAll(bytes, 'clip.flac'), { code: 'audio', message: `clip.flac: ${message}` });
    await expectError(file.subarray(0, 4), 'expected FLAC frames, found the end of the file');
    await expectError(file.subarray(0, 20), 'expected the "STREAMINFO" of a FLAC file, found none');
    const headers = convert(voiceWav(), 'flac', ['--silent', '--no-padding', '-o', '{output}', '{input}']);
    await expectError(headers.subarray(0, 42), 'expected FLAC frames, found the end of the file');
    const last = headers.slice(0, 42);
    last[4] = 0x80;
    await expectError(last, 'expected FLAC frames, found no intact one');
    const noRate = last.map((byte, i) => (i >= 18 && i < 21 ? 0 : byte));
    await expectError(noRate, 'expected a sample rate of 1000 to 768000 Hz, found 0');
  });
});
