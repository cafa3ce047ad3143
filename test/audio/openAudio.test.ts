import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { STREAM_BLOCK_SAMPLES } from '../../src/audio/audioStream.js';
import { decodeAudio } from '../../src/audio/decodeAudio.js';
import { loadAudio, openAudio } from '../../src/audio/openAudio.js';
import { decodeWav } from '../../src/audio/wavDecoder.js';
import { float, fmtChunk, wavFile } from '../support/wavWriter.js';
import { type ClipOptions, voiceWav } from './support/clips.js';
import { joined, largestDifference } from './support/decodeAll.js';
import { convert, ENCODE, ENCODER, type EncodedFormat, skipWithout } from './support/encoders.js';

const folder = mkdtempSync(join(tmpdir(), 'qwen-asr-open-'));
after(() => rmSync(folder, { recursive: true }));

function keep(name: string, bytes: Uint8Array | string): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

/** All blocks of a recording, and what the stream said of it. */
async function readAll(path: string) {
  const stream = await openAudio(path);
  const blocks: Float32Array[] = [];
  for await (const block of stream) blocks.push(block);
  assert.ok(blocks.slice(0, -1).every((block) => block.length === STREAM_BLOCK_SAMPLES));
  const samples = joined(blocks);
  assert.equal(samples.length, stream.sampleCount);
  const again: Float32Array[] = [];
  for await (const block of stream) again.push(block);
  assert.deepEqual(joined(again), samples, 'a second iteration');
  await stream.close();
  return { stream, samples };
}

/** 32-bit float, mono. */
function floatWav(samples: Float32Array, sampleRateHz: number): Uint8Array {
  const fmt = fmtChunk({ tag: 3, bits: 32, sampleRateHz });
  return wavFile([fmt, { id: 'data', body: [...samples].flatMap((value) => float(value, 32)) }]);
}

describe('every format', () => {
  const clips: readonly ClipOptions[] = [
    { seconds: 2.3 },
    { seconds: 3.1, sampleRateHz: 44_100, channels: 2, peak: 1.2 }, // clipped, so that resampling overshoots
    { seconds: 0.2, sampleRateHz: 8000 },
  ];
  for (const format of Object.keys(ENCODE) as EncodedFormat[]) {
    const encoder = ENCODER[format];
    const skip = encoder === null ? false : skipWithout(encoder);
    test(`${format}: in pieces, at once, and from memory`, { skip }, async () => {
      for (const [i, clip] of clips.entries()) {
        const bytes = ENCODE[format](voiceWav(clip));
        const path = keep(`${format}${i}.wav`, bytes); // the name says nothing
        const { stream, samples } = await readAll(path);
        const loaded = await loadAudio(path);
        const decoded = await decodeAudio(bytes, 'clip');
        assert.deepEqual(decoded.samples, loaded.samples);
        assert.deepEqual(samples, loaded.samples.subarray(0, samples.length));
        assert.equal(loaded.samples.length, Math.max(8000, samples.length));
        assert.ok(loaded.samples.every((value) => Math.abs(value) <= 1));
        assert.deepEqual([stream.format, loaded.format, decoded.format], [format, format, format]);
        assert.equal(stream.durationMs, loaded.durationMs);
        assert.ok(Math.abs(loaded.durationMs - 1000 * clip.seconds!) < 100);
        assert.ok(loaded.decodeMs > 0 && loaded.resampleMs >= 0);
        assert.deepEqual([stream.notes, loaded.notes], [[], []]);
      }
    });
  }

  test('WAV is what decodeWav makes of it', async () => {
    for (const clip of clips) {
      const bytes = voiceWav(clip);
      const { samples, durationMs } = decodeWav(bytes, 'clip');
      const decoded = await decodeAudio(bytes, 'clip');
      assert.deepEqual(decoded.samples, samples);
      assert.equal(decoded.durationMs, durationMs);
    }
  });

  test('floats beyond 1 are divided by the peak of the whole recording', async () => {
    for (const rateHz of [16_000, 22_050]) {
      const wave = Float32Array.from(
        { length: 3 * rateHz },
        (_, i) => Math.sin(i / 10) * (i > 2.5 * rateHz ? 4 : 0.5),
      );
      const { samples } = await readAll(keep('float.wav', floatWav(wave, rateHz)));
      const start = samples.subarray(8000, 24_000);
      const peak = start.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
      assert.ok(Math.abs(peak - 0.5 / 4) < 2e-3, `${rateHz} Hz: ${peak}`);
      assert.deepEqual(samples, decodeWav(floatWav(wave, rateHz), 'clip').samples);
    }
  });
});

describe('files that are not what they should be', () => {
  const expectError = async (path: string, code: string, message: string | RegExp) => {
    await assert.rejects(openAudio(path), { name: 'QwenAsrError', code, message });
    await assert.rejects(loadAudio(path), { code, message });
  };

  test('empty, absent, a directory', async () => {
    const empty = keep('empty.mp3', '');
    const expected = 'expected WAV, MP3, FLAC, Ogg Vorbis or Ogg Opus, found an empty file';
    await expectError(empty, 'audio', `${empty}: ${expected}`);
    const absent = join(folder, 'absent.ogg');
    await expectError(absent, 'file', `${absent}: no such file or directory`);
    await expectError(folder, 'file', `${folder}: expected an audio file, found a directory`);
  });

  test('WAV without samples', async () => {
    const none = keep('none.wav', wavFile([fmtChunk(), { id: 'data', body: [] }]));
    await expectError(none, 'audio', `${none}: expected samples in the "data" chunk, found none`);
  });

  for (const format of ['wav', 'flac', 'mp3', 'vorbis', 'opus'] as const) {
    const encoder = ENCODER[format];
    const skip = encoder === null ? false : skipWithout(encoder);
    test(`${format} cut short at every length is decoded with one note, or refused in one line`, {
      skip,
    }, async () => {
      const bytes = ENCODE[format](voiceWav({ seconds: 1 }));
      for (let length = 1; length < bytes.length; length += Math.ceil(bytes.length / 150)) {
        try {
          const clip = await decodeAudio(bytes.subarray(0, length), 'clip');
          assert.ok(clip.notes.length <= 1, clip.notes.join());
          for (const note of clip.notes) assert.match(note, /^clip: [^\n]+$/);
        } catch (error) {
          assert.match(String(error), /^QwenAsrError: clip: expected [^\n]+$/, `${length} bytes`);
        }
      }
    });
  }

  test('a header that is too far in', async () => {
    const junk = { id: 'junk', body: new Array<number>(2 ** 21).fill(0) };
    const far = wavFile([junk, fmtChunk(), { id: 'data', body: [1, 2, 3, 4] }]);
    const { samples } = await readAll(keep('far.wav', far));
    assert.equal(samples.length, 2);
  });
});

describe('other formats', { skip: skipWithout('ffmpeg') }, () => {
  const wav = voiceWav({ seconds: 2 });
  const other = (...options: string[]) =>
    convert(wav, 'ffmpeg', ['-v', 'error', '-i', '{input}', ...options, '-y', '{output}']);
  const PATH = process.env['PATH'];
  after(() => {
    process.env['PATH'] = PATH;
  });

  test('go through ffmpeg', async () => {
    const original = decodeWav(wav, 'clip').samples;
    const exact = keep('clip.mp3', other('-c:a', 'pcm_s16be', '-f', 'aiff'));
    const { stream, samples } = await readAll(exact);
    assert.equal(stream.format, 'ffmpeg');
    assert.ok(largestDifference(samples, original) <= 1e-6);
    for (const args of [
      ['-c:a', 'aac', '-f', 'mp4'],
      ['-c:a', 'aac', '-f', 'adts'],
      ['-c:a', 'pcm_alaw', '-f', 'wav'],
      ['-c:a', 'libopus', '-f', 'webm'],
      ['-c:a', 'flac', '-f', 'ogg'],
      ['-c:a', 'mp2', '-f', 'mp2'],
    ]) {
      const clip = await loadAudio(keep('clip.wav', other(...args)));
      assert.equal(clip.format, 'ffmpeg', args.join(' '));
      assert.ok(Math.abs(clip.durationMs - 2000) < 200, args.join(' '));
    }
  });

  test('what ffmpeg cannot read either', async () => {
    const text = keep('-text.wav', 'hello\nworld\n');
    const message = `${text}: expected audio, found "hell"; ffmpeg: Invalid data found when processing input`;
    await assert.rejects(openAudio(text), { code: 'audio', message });
    const film = [
      '-v',
      'error',
      '-f',
      'lavfi',
      '-i',
      'testsrc=size=32x32:duration=1',
      '-f',
      'mp4',
      '-y',
      '{output}',
    ];
    const silent = keep('film.mp4', convert(new Uint8Array(0), 'ffmpeg', film));
    await assert.rejects(loadAudio(silent), {
      code: 'audio',
      message: /film\.mp4: expected audio, found MP4; ffmpeg: .*\S$/,
    });
  });

  test('without an ffmpeg on the PATH', async () => {
    const path = keep('clip.m4a', other('-c:a', 'aac', '-f', 'mp4'));
    const expected = 'expected WAV, MP3, FLAC, Ogg Vorbis or Ogg Opus, found MP4';
    const message = `${path}: ${expected}; other formats need the program ffmpeg on the PATH, and there is none`;
    process.env['PATH'] = folder;
    await assert.rejects(openAudio(path), { code: 'audio', message });
    process.env['PATH'] = PATH;
    const inMemory = { code: 'audio', message: `clip: ${expected}` };
    await assert.rejects(decodeAudio(other('-c:a', 'aac', '-f', 'mp4'), 'clip'), inMemory);
  });

  test('addresses that a file names are not fetched', async () => {
    let requests = 0;
    const server = createServer((_, response) => {
      requests++;
      response.end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const list = `#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nhttp://127.0.0.1:${port}/a.ts\n#EXT-X-ENDLIST\n`;
    await assert.rejects(openAudio(keep('list.m3u8', list)), { code: 'audio' });
    server.close();
    assert.equal(requests, 0);
  });
});

describe('an abort', () => {
  test('before and while a file is read', async () => {
    const path = keep('long.wav', voiceWav({ seconds: 60, sampleRateHz: 22_050 }));
    const aborted = { code: 'aborted', message: `${path}: reading was aborted` };
    await assert.rejects(openAudio(path, { signal: AbortSignal.abort() }), aborted);
    await assert.rejects(loadAudio(path, { signal: AbortSignal.abort() }), aborted);
    const abort = new AbortController();
    const stream = await openAudio(path, { signal: abort.signal });
    const reading = async () => {
      for await (const _ of stream) abort.abort();
    };
    await assert.rejects(reading(), aborted);
  });

  test('ends ffmpeg', { skip: skipWithout('ffmpeg') }, async () => {
    const args = ['-v', 'error', '-i', '{input}', '-f', 'aiff', '-y', '{output}'];
    const path = keep('long.aiff', convert(voiceWav({ seconds: 60 }), 'ffmpeg', args));
    const abort = new AbortController();
    const stream = await openAudio(path, { signal: abort.signal });
    const reading = async () => {
      for await (const _ of stream) abort.abort();
    };
    await assert.rejects(reading(), { code: 'aborted', message: `${path}: reading was aborted` });
  });

  test('leaving an iteration early lets go of the file', async () => {
    const stream = await openAudio(keep('left.wav', voiceWav({ seconds: 5 })));
    for await (const _ of stream) break;
    await stream.close();
  });
});
