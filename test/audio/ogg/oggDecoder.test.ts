import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readWav } from '../../../src/audio/wavDecoder.js';
import { type ClipOptions, voiceWav } from '../support/clips.js';
import { decodeAll, largestDifference, signalToNoiseDb } from '../support/decodeAll.js';
import { convert, skipWithout } from '../support/encoders.js';
import { repairOgg } from '../support/mutations.js';

const skip = skipWithout('oggenc', 'oggdec', 'opusenc', 'opusdec', 'ffmpeg');

const encodeVorbis = (wav: Uint8Array, ...options: string[]) =>
  convert(wav, 'oggenc', ['-Q', ...options, '-o', '{output}', '{input}']);
const encodeOpus = (wav: Uint8Array, ...options: string[]) =>
  convert(wav, 'opusenc', ['--quiet', ...options, '{input}', '{output}']);

const text = (bytes: Uint8Array, at: number, length: number) =>
  String.fromCharCode(...bytes.subarray(at, at + length));

/** The samples of oggdec, which rounds them to 16 bits. */
function oggdec(ogg: Uint8Array) {
  return readWav(convert(ogg, 'oggdec', ['-Q', '-o', '{output}', '{input}']), 'oggdec.wav');
}

/** The samples of opusdec, with clipping as it is. */
function opusdec(opus: Uint8Array) {
  const options = ['--quiet', '--float', '--force-wav', '--rate', '48000', '{input}', '{output}'];
  return readWav(convert(opus, 'opusdec', options), 'opusdec.wav');
}

describe('the samples of oggdec', { skip }, () => {
  const compare = async (clip: ClipOptions, ...options: string[]) => {
    const wav = voiceWav({ peak: 0.4, ...clip });
    const ogg = encodeVorbis(wav, ...options);
    const { format, samples, sampleRateHz, notes } = await decodeAll(ogg);
    const expected = oggdec(ogg);
    const name = `${options.join(' ')} ${JSON.stringify(clip)}`;
    assert.equal(format, 'vorbis');
    assert.equal(sampleRateHz, expected.sampleRateHz, name);
    const difference = largestDifference(samples, expected.samples);
    assert.ok(difference <= 1 / 32_768, `${name}: off by ${difference}`);
    assert.deepEqual(notes, []);
    return signalToNoiseDb(samples, readWav(wav, 'original.wav').samples);
  };

  test('rates and channels', async () => {
    for (const sampleRateHz of [8000, 16_000, 22_050, 44_100, 48_000]) {
      for (const channels of [1, 2, 6]) {
        const snr = await compare({ sampleRateHz, channels, seconds: 1.2 });
        assert.ok(snr > 6, `${sampleRateHz} Hz, ${channels} channels: ${snr} dB`);
      }
    }
  });

  test('qualities', async () => {
    for (const quality of ['-1', '0', '5', '10']) {
      await compare({ sampleRateHz: 44_100, channels: 2, seconds: 1 }, '-q', quality);
    }
  });

  test('lengths that end within a packet', async () => {
    for (const frames of [1, 100, 1000, 4444, 12_345]) await compare({ seconds: frames / 16_000 });
  });

  test('comments of a megabyte', async () => {
    await compare(
      { seconds: 0.5 },
      ...Array.from({ length: 10 }, (_, i) => ['-c', `A${i}=${'x'.repeat(100_000)}`]).flat(),
    );
  });
});

describe('the samples of opusdec', { skip }, () => {
  const compare = async (clip: ClipOptions, ...options: string[]) => {
    const wav = voiceWav({ peak: 0.4, ...clip });
    const opus = encodeOpus(wav, ...options);
    const { format, samples, sampleRateHz, notes } = await decodeAll(opus);
    const name = `${options.join(' ')} ${JSON.stringify(clip)}`;
    assert.equal(format, 'opus');
    assert.equal(sampleRateHz, 48_000);
    // Two builds of libopus, which is allowed to differ in rounding: by some ten thousandths at most here.
    const difference = largestDifference(samples, opusdec(opus).samples);
    assert.ok(difference <= 1e-3, `${name}: off by ${difference}`);
    assert.deepEqual(notes, []);
    return { samples, wav };
  };

  test('rates and channels', async () => {
    for (const sampleRateHz of [8000, 16_000, 44_100, 48_000]) {
      for (const channels of [1, 2, 6]) await compare({ sampleRateHz, channels, seconds: 1.2 });
    }
  });

  test('the gain in the header', async () => {
    const opus = encodeOpus(voiceWav({ seconds: 1 }));
    const { samples } = await decodeAll(opus);
    new DataView(opus.buffer).setInt16(28 + 16, -6 * 256, true); // in the first packet, behind the page's header
    repairOgg(opus);
    const quieter = await decodeAll(opus);
    const expected = samples.map((value) => value * 10 ** (-6 / 20));
    assert.ok(largestDifference(quieter.samples, expected) < 1e-6);
    assert.ok(largestDifference(quieter.samples, opusdec(opus).samples) < 1e-3);
  });

  test('damaged packets are noted once, and the console hears nothing of them', async (t) => {
    const file = encodeOpus(voiceWav({ seconds: 1 }));
    const page = file.findIndex((_, i) => i > 100 && text(file, i, 4) === 'OggS' && file[i + 26]! > 10);
    const packets = page + 27 + file[page + 26]!;
    file[packets] = 0xff; // three frames of equal length, in a packet whose length is not divisible by 3
    file[packets + 1] = 0x30 + 49; // and more of them than are allowed
    repairOgg(file);
    const error = t.mock.method(console, 'error');
    const { notes } = await decodeAll(file, 'clip.opus');
    assert.deepEqual(notes, ['clip.opus: a damaged place left out']);
    assert.equal(error.mock.callCount(), 0);
  });

  test('bit rates, frame lengths, and ways of coding', async () => {
    for (const options of [
      ['--bitrate', '6'],
      ['--bitrate', '16', '--speech'],
      ['--bitrate', '256', '--music'],
      ['--framesize', '2.5'],
      ['--framesize', '60'],
      ['--hard-cbr'],
    ]) {
      await compare({ sampleRateHz: 48_000, seconds: 1 }, ...options);
    }
  });

  test('begins and ends where the recording does', async () => {
    for (const frames of [1000, 12_345, 48_000]) {
      const { samples, wav } = await compare(
        { sampleRateHz: 48_000, seconds: frames / 48_000 },
        '--bitrate',
        '128',
      );
      assert.equal(samples.length, frames);
      const snr = signalToNoiseDb(samples, readWav(wav, 'original.wav').samples);
      assert.ok(snr > 6, `${frames} samples: ${snr} dB`);
    }
  });
});

describe('chains, neighbours and damage', { skip }, () => {
  const wav = voiceWav({ seconds: 6, sampleRateHz: 48_000 });
  const original = readWav(wav, 'original.wav').samples;
  for (const [name, encode] of [
    ['vorbis', encodeVorbis],
    ['opus', encodeOpus],
  ] as const) {
    const file = skip === false ? encode(wav) : new Uint8Array(0);

    test(`${name}: joined files are one after the other`, async () => {
      const { samples } = await decodeAll(file);
      const twice = await decodeAll(Uint8Array.from([...file, ...file]));
      assert.deepEqual(twice.samples, Float32Array.from([...samples, ...samples]));
      assert.deepEqual(twice.notes, []);
    });

    test(`${name}: a file cut short yields what is there, and says so`, async () => {
      const { samples } = await decodeAll(file);
      const cut = await decodeAll(file.subarray(0, Math.floor(file.length / 2)), 'clip.ogg');
      assert.ok(cut.samples.length > 0.1 * original.length && cut.samples.length < original.length);
      assert.deepEqual(cut.samples, samples.subarray(0, cut.samples.length));
      assert.deepEqual(cut.notes, ['clip.ogg: the end of the recording is missing']);
    });

    test(`${name}: a damaged page is left out and noted`, async () => {
      const damaged = file.map((byte, i) => (i === Math.floor(file.length / 2) ? byte ^ 1 : byte));
      const { samples, notes } = await decodeAll(damaged, 'clip.ogg');
      assert.ok(samples.length > 0.4 * original.length && samples.length < original.length);
      assert.deepEqual(notes, ['clip.ogg: a damaged place left out']);
    });

    test(`${name}: headers without sound`, async () => {
      const message = `clip.ogg: expected Ogg ${name === 'opus' ? 'Opus' : 'Vorbis'}, found no sound in it`;
      await assert.rejects(decodeAll(file.subarray(0, 100), 'clip.ogg'), { code: 'audio', message });
    });
  }

  test('sound beside a picture', async () => {
    const args = [
      '-f',
      'lavfi',
      '-i',
      'testsrc=size=32x32:rate=5:duration=6',
      '-c:v',
      'libtheora',
      '-c:a',
      'libvorbis',
    ];
    const film = convert(wav, 'ffmpeg', [
      '-v',
      'error',
      '-i',
      '{input}',
      ...args,
      '-f',
      'ogg',
      '-y',
      '{output}',
    ]);
    const { format, samples } = await decodeAll(film);
    assert.equal(format, 'vorbis');
    assert.ok(Math.abs(samples.length - original.length) < 2048);
  });
});
