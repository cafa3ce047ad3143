import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { loadAudio, openAudio } from '../../src/audio/openAudio.js';
import { projectRoot } from '../support/projectRoot.js';
import { ascii, float, fmtChunk, little, wavFile } from '../support/wavWriter.js';
import { voiceWav } from './support/clips.js';
import { convert, ENCODE, skipWithout } from './support/encoders.js';

const skip = skipWithout('ffmpeg', 'lame', 'oggenc', 'opusenc');

const folder = mkdtempSync(join(tmpdir(), 'qwen-asr-ffmpeg-'));
after(() => rmSync(folder, { recursive: true }));
const PATH = process.env['PATH'];
after(() => {
  process.env['PATH'] = PATH;
});

function keep(name: string, bytes: Uint8Array | string): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

const wav = voiceWav({ seconds: 2 });
const encode = (...options: string[]) =>
  convert(wav, 'ffmpeg', ['-v', 'error', '-i', '{input}', ...options, '-y', '{output}']);

describe('files that name others', { skip }, () => {
  const secret = keep('secret.wav', wav);
  keep('secret.mp3', skip === false ? ENCODE.mp3(wav) : '');
  const url = `file://${secret}`;
  const lists = {
    hls: '#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:2,\nsecret.mp3\n#EXT-X-ENDLIST\n',
    'hls of an address': `#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:2,\n${url}\n#EXT-X-ENDLIST\n`,
    m3u: '#EXTM3U\n#EXTINF:2,a song\nsecret.wav\n',
    pls: '[playlist]\nFile1=secret.wav\nNumberOfEntries=1\n',
    concat: "ffconcat version 1.0\nfile 'secret.wav'\n",
    'concat of an address': `ffconcat version 1.0\nfile '${url}'\noption safe 0\n`,
    sdp: 'v=0\no=- 0 0 IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n',
    xspf: `<?xml version="1.0"?><playlist version="1"><trackList><track><location>${url}</location></track></trackList></playlist>`,
    dash: `<?xml version="1.0"?><MPD type="static" mediaPresentationDuration="PT2S"><Period><AdaptationSet mimeType="audio/mp4"><Representation id="1"><BaseURL>secret.wav</BaseURL></Representation></AdaptationSet></Period></MPD>`,
  };
  for (const [kind, text] of Object.entries(lists)) {
    test(`${kind}, by whatever extension, gives an error and not their sound`, async () => {
      for (const extension of ['m3u8', 'mp3']) {
        const path = keep(`list.${extension}`, text);
        await assert.rejects(openAudio(path), (error: Error) => {
          assert.match(error.message, /^[^\n]*: expected audio, found [^\n]+; ffmpeg: [^\n]+$/);
          return 'code' in error && error.code === 'audio';
        });
      }
    });
  }

  test('ffmpeg alone would have opened them', () => {
    const path = keep('list.ffconcat', lists.concat);
    const { status } = spawnSync('ffmpeg', ['-v', 'error', '-i', path, '-f', 'null', '-']);
    assert.equal(status, 0);
  });
});

describe('what is not read here goes to ffmpeg', { skip }, () => {
  const tag = [...ascii('ID3'), 4, 0, 0, 0, 0, 0, 100, ...new Array<number>(100).fill(0)];
  const tagged = (bytes: Uint8Array) => Uint8Array.from([...tag, ...bytes]);
  /** With a long chunk in front of the format. */
  const behindChunk = (bytes: Uint8Array) =>
    Uint8Array.from([
      ...bytes.subarray(0, 12),
      ...ascii('JUNK'),
      ...little(40_000, 4),
      ...new Array<number>(40_000).fill(0x41),
      ...bytes.subarray(12),
    ]);
  const guidTail = [0, 0, 0x21, 7, 0xd3, 0x11, 0x86, 0x44, 0xc8, 0xc1, 0xca, 0, 0, 0];
  const data = (bytes: Uint8Array) => ({ id: 'data', body: [...bytes.subarray(44)] });
  const files: Readonly<Record<string, () => Uint8Array>> = {
    'ID3 before MPEG layer II': () => tagged(encode('-ar', '44100', '-c:a', 'mp2', '-f', 'mp2')),
    'ID3 before AC-3': () => tagged(encode('-ar', '48000', '-c:a', 'ac3', '-f', 'ac3')),
    'AC-3': () => encode('-ar', '48000', '-c:a', 'ac3', '-f', 'ac3'),
    WMA: () => encode('-ar', '44100', '-c:a', 'wmav2', '-f', 'asf'),
    'A-law behind a long chunk': () => behindChunk(encode('-c:a', 'pcm_alaw', '-f', 'wav')),
    'ambisonic samples': () => wavFile([fmtChunk({ extensible: { validBits: 16, guidTail } }), data(wav)]),
    'MPEG transport stream': () => encode('-c:a', 'aac', '-f', 'mpegts'),
    'MP4 with its index at the end': () => encode('-c:a', 'aac', '-f', 'mp4'),
  };
  for (const [name, make] of Object.entries(files)) {
    test(name, async () => {
      const path = keep('clip', make());
      const clip = await loadAudio(path);
      assert.equal(clip.format, 'ffmpeg');
      assert.ok(Math.abs(clip.durationMs - 2000) < 150, `${clip.durationMs}`);
      process.env['PATH'] = folder;
      await assert.rejects(loadAudio(path), {
        code: 'audio',
        message: /found [^;]+; other formats need the program ffmpeg on the PATH, and there is none$/,
      });
      process.env['PATH'] = PATH;
    });
  }

  test('a name that is not UTF-8', {
    skip: process.platform !== 'linux' && 'other systems have no such names',
  }, async () => {
    const path = Buffer.concat([Buffer.from(`${folder}/caf`), Buffer.from([0xe9])]);
    writeFileSync(path, encode('-c:a', 'aac', '-f', 'mp4'));
    const { format, durationMs } = await loadAudio({ path });
    assert.equal(format, 'ffmpeg');
    assert.ok(Math.abs(durationMs - 2000) < 150);
  });

  test('but not big-endian WAV, which ffmpeg takes for little-endian', async () => {
    const path = keep('odd.wav', wavFile([fmtChunk({ tag: 6, bits: 8 }), data(wav)], 'RIFX'));
    await assert.rejects(loadAudio(path), { code: 'audio', message: /RIFX/ });
  });

  test('samples from ffmpeg that are no numbers', async () => {
    const values = Array.from({ length: 16_000 }, (_, i) =>
      i % 1000 === 0 ? Number.NaN : Math.sin(i / 9) / 2,
    );
    const body = values.flatMap((value) => float(value, 32));
    const source = wavFile([fmtChunk({ tag: 3, bits: 32 }), { id: 'data', body }]);
    const caf = convert(source, 'ffmpeg', [
      '-v',
      'error',
      '-i',
      '{input}',
      '-c:a',
      'pcm_f32be',
      '-f',
      'caf',
      '-y',
      '{output}',
    ]);
    const { notes, samples } = await loadAudio(keep('nan.caf', caf));
    assert.ok(samples.every(Number.isFinite));
    assert.match(notes.join('|'), /: 16 samples that are no numbers were taken as 0$/);
  });
});

describe('packages that are not installed', { skip }, () => {
  /** The compiled project beside no optional package. */
  const root = join(folder, 'project');
  const load = `
    import { loadAudio } from ${JSON.stringify(join(root, 'dist', 'src', 'audio', 'openAudio.js'))};
    try {
      const { format, durationMs } = await loadAudio(process.argv[1]);
      console.log(format, Math.round(durationMs / 100));
    } catch (error) {
      console.log(error.code, error.message);
    }`;
  const run = (path: string, searchPath = PATH) =>
    spawnSync(process.execPath, ['--input-type=module', '-e', load, path], {
      encoding: 'utf8',
      env: { ...process.env, PATH: searchPath },
    }).stdout.trim();

  test('ffmpeg decodes in their place, and the message names both', async () => {
    mkdirSync(join(root, 'dist'), { recursive: true });
    cpSync(fileURLToPath(new URL('../../src', import.meta.url)), join(root, 'dist', 'src'), {
      recursive: true,
    });
    cpSync(join(projectRoot, 'package.json'), join(root, 'package.json'));
    symlinkSync(process.execPath, join(folder, 'node'));
    for (const [format, name] of [
      ['mp3', 'minimp3-wasm'],
      ['vorbis', 'ogv'],
      ['opus', 'opus-decoder'],
    ] as const) {
      const path = keep(`clip.${format}`, ENCODE[format](wav));
      assert.equal(run(path), 'ffmpeg 20', format);
      const message = run(path, folder);
      assert.match(message, new RegExp(`^unsupported .* needs the package ${name}, which is not installed;`));
      assert.match(message, /; the program ffmpeg on the PATH would do too, and there is none$/);
    }
  });
});
