import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { ffmpegDecoder } from '../../src/audio/ffmpegDecoder.js';
import { QwenAsrError } from '../../src/error.js';
import { findProgram } from '../../src/runtime/findProgram.js';
import { oneLineError } from '../model/support/oneLineError.js';
import { voiceWav } from './support/clips.js';
import { convert, skipWithout } from './support/encoders.js';

/*
 * On Windows ffmpeg reads its standard input as `pipe:0`, in the order of the bytes alone. Here a named pipe is what it
 * gets, which the system does not let it read otherwise.
 */

const skip = process.platform === 'win32' ? 'Windows has no mkfifo' : skipWithout('ffmpeg');
const folder = mkdtempSync(join(tmpdir(), 'qwen-asr-ffmpeg-pipe-'));
const calls = join(folder, 'calls.txt');
const wav = voiceWav({ seconds: 2 });
const { PATH = '' } = process.env;
let decoderOf: typeof ffmpegDecoder;

before(async () => {
  if (skip !== false) return;
  // The module takes its input's name from the platform when it is loaded; all else is as it is here.
  const platform = Object.getOwnPropertyDescriptor(process, 'platform')!;
  Object.defineProperty(process, 'platform', { ...platform, value: 'win32' });
  ({ ffmpegDecoder: decoderOf } = await import('../../src/audio/ffmpegDecoder.js'));
  Object.defineProperty(process, 'platform', platform);
  // The real program, behind a note of what it is asked.
  const listed = join(folder, 'ffmpeg');
  writeFileSync(listed, `#!/bin/sh\necho "$@" >> '${calls}'\nexec '${findProgram('ffmpeg')}' "$@"\n`);
  chmodSync(listed, 0o755);
  process.env['PATH'] = `${folder}${delimiter}${PATH}`;
});

after(() => {
  process.env['PATH'] = PATH;
  rmSync(folder, { recursive: true });
});

const encode = (sound: Uint8Array, ...options: string[]) =>
  convert(sound, 'ffmpeg', ['-v', 'error', '-i', '{input}', ...options, '-y', '{output}']);

/** [any] f32: a recording's samples, as they come through a pipe. */
async function decodePipe(name: string, bytes: Uint8Array): Promise<readonly number[]> {
  const pipe = join(folder, name);
  assert.equal(spawnSync('mkfifo', [pipe]).status, 0);
  // That its reader leaves before the end is the decoder's affair.
  const written = writeFile(pipe, bytes).catch(() => {});
  const errorFor = ({ reason }: { reason: string }) => new QwenAsrError('audio', `${name}: ${reason}`);
  const decoder = decoderOf(Buffer.from(pipe), name, errorFor, { limits: { timeMs: 20_000 } });
  const samples: number[] = [];
  try {
    for await (const block of decoder.decode()) samples.push(...block.samples);
  } finally {
    await written;
  }
  const asked = readFileSync(calls, 'utf8').trimEnd().split('\n').at(-1);
  assert.match(asked ?? '', / -protocol_whitelist pipe .* -i pipe:0 /);
  return samples;
}

/** [32000] f32: those of the WAV file, whose 16 bits are n / 2^15. */
const view = new DataView(wav.buffer, wav.byteOffset + 44);
const expected = Array.from({ length: 32_000 }, (_, i) => view.getInt16(2 * i, true) / 32_768);

describe('recordings from an input that ffmpeg cannot seek in', { skip }, () => {
  for (const [name, options] of [
    ['voice.aiff', ['-f', 'aiff']],
    ['voice.mka', ['-c:a', 'pcm_s16le', '-f', 'matroska']],
    ['first.m4a', ['-c:a', 'alac', '-movflags', '+faststart', '-f', 'ipod']],
  ] as const) {
    test(`${name}: every sample`, async () => {
      assert.deepEqual(await decodePipe(name, encode(wav, ...options)), expected);
    });
  }

  test('last.m4a, whose index comes after the sound: an error, and no part of it', async () => {
    // More than ffmpeg keeps of what it has read.
    const bytes = encode(voiceWav({ seconds: 20 }), '-c:a', 'alac', '-f', 'ipod');
    assert.ok(bytes.length > 200_000);
    await assert.rejects(decodePipe('last.m4a', bytes), oneLineError('audio', /^last\.m4a: .*partial file/));
  });
});
