import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readWav } from '../../../src/audio/wavDecoder.js';
import { voiceWav } from '../support/clips.js';
import { decodeAll, largestDifference, signalToNoiseDb } from '../support/decodeAll.js';
import { convert, skipWithout } from '../support/encoders.js';

const skip = skipWithout('lame', 'ffmpeg');

/** LAME's own decoder writes 16 bits too: each may round the other way, and the mean of two channels keeps that. */
const ROUNDING = 1.01 / 32_768;

function encode(wav: Uint8Array, ...options: string[]): Uint8Array<ArrayBuffer> {
  return convert(wav, 'lame', ['--quiet', ...options, '{input}', '{output}']);
}

/** What LAME's decoder makes of a file. */
function lameDecode(mp3: Uint8Array) {
  const wav = convert(mp3, 'lame', ['--quiet', '--mp3input', '--decode', '{input}', '{output}']);
  return readWav(wav, 'lame.wav');
}

describe('the samples of LAME’s decoder', { skip }, () => {
  const compare = async (options: readonly string[], clip: Parameters<typeof voiceWav>[0]) => {
    const wav = voiceWav(clip);
    const mp3 = encode(wav, ...options);
    const { samples, sampleRateHz, notes } = await decodeAll(mp3);
    const name = `${options.join(' ')} ${JSON.stringify(clip)}`;
    const expected = lameDecode(mp3);
    assert.equal(sampleRateHz, expected.sampleRateHz, name);
    const difference = largestDifference(samples, expected.samples);
    assert.ok(difference <= ROUNDING, `${name}: off by ${difference}`);
    assert.deepEqual(notes, []);
    return { samples, original: readWav(wav, 'original.wav').samples };
  };

  test('every rate, mono and stereo: MPEG-1, -2 and -2.5', async () => {
    for (const sampleRateHz of [8000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000]) {
      for (const channels of [1, 2]) {
        const bitRate = sampleRateHz < 32_000 ? '64' : '160';
        const { samples, original } = await compare(['-b', bitRate], {
          sampleRateHz,
          channels,
          seconds: 1.5,
        });
        // Begins and ends where the recording does, and sounds like it.
        const snr = signalToNoiseDb(samples, original);
        assert.ok(snr > 10, `${sampleRateHz} Hz, ${channels} channels: ${snr} dB`);
      }
    }
  });

  test('bit rates, variable and constant, and ways of coding stereo', async () => {
    const clip = { sampleRateHz: 44_100, channels: 2, seconds: 1 };
    for (const options of [
      ['-b', '32'],
      ['-b', '320'],
      ['-V', '0'],
      ['-V', '9'],
      ['--abr', '100'],
      ['-m', 's'],
      ['-m', 'j'],
      ['-m', 'f'],
      ['-m', 'm'],
      ['-p', '-b', '128'], // with checksums
      ['-q', '0', '-b', '128'],
    ]) {
      await compare(options, clip);
    }
  });

  test('an attack, for which the encoder switches to short blocks', async () => {
    const clip = voiceWav({ sampleRateHz: 44_100, seconds: 1 });
    const view = new DataView(clip.buffer);
    for (let at = 44; at < clip.length; at += 2) {
      const burst = Math.floor(at / 8820) % 2 === 0;
      view.setInt16(at, burst ? 2 * view.getInt16(at, true) : 0, true);
    }
    const mp3 = encode(clip, '-b', '128');
    assert.ok(largestDifference((await decodeAll(mp3)).samples, lameDecode(mp3).samples) <= ROUNDING);
  });

  test('very short recordings', async () => {
    for (const seconds of [0.001, 0.01, 0.05]) await compare([], { seconds });
  });
});

describe('what surrounds the frames', { skip }, () => {
  const wav = voiceWav({ seconds: 2 });
  const original = readWav(wav, 'original.wav').samples;
  const mp3 = encode(wav, '-b', '64');

  test('tags in front and behind change nothing', async () => {
    const { samples } = await decodeAll(mp3);
    const picture = new Uint8Array(300_000).fill(0xff); // looks like sync
    const id3 = Uint8Array.from([0x49, 0x44, 0x33, 4, 0, 0, 0, 0x12, 0x27, 0x60, ...picture]);
    const old = new Uint8Array(128);
    old.set([0x54, 0x41, 0x47]);
    for (const file of [
      [...id3, ...mp3],
      [...mp3, ...old],
      [...id3, ...id3, ...mp3, ...old],
      [...new Uint8Array(1000), ...mp3, ...new Uint8Array(1000)],
    ]) {
      const tagged = await decodeAll(Uint8Array.from(file));
      assert.deepEqual(tagged.samples, samples);
      assert.deepEqual(tagged.notes, []);
    }
    assert.equal(samples.length, original.length);
  });

  test('without an info frame only the decoder’s delay is cut off', async () => {
    const plain = encode(wav, '-b', '64', '-t');
    const { samples } = await decodeAll(plain);
    assert.equal((samples.length + 529) % 576, 0); // the decoder's own delay is known
    const aligned = samples.subarray(576, 576 + original.length); // that of LAME is not
    assert.ok(signalToNoiseDb(aligned, original) > 10);
  });

  test('joined files are decoded to the end of the last', async () => {
    const { samples } = await decodeAll(Uint8Array.from([...mp3, ...mp3]));
    assert.ok(samples.length >= 2 * original.length);
    assert.ok(signalToNoiseDb(samples.subarray(0, original.length), original) > 10);
  });

  test('a file cut short yields the frames that are there, and says so', async () => {
    const { samples } = await decodeAll(mp3);
    const cut = await decodeAll(mp3.subarray(0, Math.floor(mp3.length / 2)), 'clip.mp3');
    assert.ok(cut.samples.length > 0.3 * original.length && cut.samples.length < 0.6 * original.length);
    assert.deepEqual(cut.samples, samples.subarray(0, cut.samples.length));
    assert.match(cut.notes.join(), /^clip\.mp3: \d\.\d s of 2\.0 s are there$/);
  });

  test('damage between frames is left out and noted', async () => {
    const middle = Math.floor(mp3.length / 2);
    const file = mp3.map((byte, i) => (i >= middle && i < middle + 700 ? 0x55 : byte));
    const { samples, notes } = await decodeAll(file, 'clip.mp3');
    assert.ok(samples.length > 0.8 * original.length && samples.length < original.length);
    assert.equal(notes[0], 'clip.mp3: a damaged place left out');
  });

  test('files without frames', async () => {
    const id3 = Uint8Array.from([0x49, 0x44, 0x33, 4, 0, 0, 0, 0, 0, 3, 1, 2, 3]);
    const message = 'clip.mp3: expected MP3 frames, found none';
    await assert.rejects(decodeAll(id3, 'clip.mp3'), { code: 'audio', message });
    const withText = Uint8Array.from([...id3, ...new TextEncoder().encode('no sound')]);
    await assert.rejects(decodeAll(withText, 'clip.mp3'), { code: 'audio', message });
  });

  test('files that ffmpeg wrote', async () => {
    const other = convert(wav, 'ffmpeg', ['-v', 'error', '-i', '{input}', '-f', 'mp3', '-y', '{output}']);
    const { samples } = await decodeAll(other);
    assert.equal(samples.length, original.length);
    assert.ok(signalToNoiseDb(samples, original) > 10);
  });
});

describe('a file that was cut short', { skip }, () => {
  const whole = encode(voiceWav({ seconds: 2 }), '-b', '64');

  test('says how much is there, where the encoder wrote how much there was', async () => {
    const { notes } = await decodeAll(whole.subarray(0, whole.length / 2));
    assert.match(notes.join('|'), /^[^|]*: (0\.\d|1\.\d) s of 2\.0 s are there$/);
  });

  test('says that its end is missing, where nobody wrote how long it was', async () => {
    const bare = encode(voiceWav({ seconds: 2 }), '-b', '64', '-t'); // no Xing or LAME tag
    assert.deepEqual((await decodeAll(bare)).notes, []);
    const { notes } = await decodeAll(bare.subarray(0, bare.length / 2 + 17));
    assert.match(notes.join('|'), /^[^|]*: the end of the recording is missing$/);
  });
});
