import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { pcmWav, voiceWav } from '../audio/support/clips.js';
import { ENCODE, skipWithout } from '../audio/support/encoders.js';
import { demoModelDir } from '../support/projectRoot.js';

const scratch = mkdtempSync(join(tmpdir(), 'qwen-asr-peak-'));
after(() => rmSync(scratch, { recursive: true }));

/** What 60 minutes may take more than 5. */
const MAX_GROWTH_BYTES = 50e6;

/** Transcribes a recording as the command does, and prints the largest memory the process had, in bytes. */
const PROGRAM = `
import { transcribeCommand } from ${JSON.stringify(new URL('../../src/cli/transcribeCommand.js', import.meta.url).href)};
const ignore = () => {};
const context = { signal: new AbortController().signal, out: ignore, err: ignore, outIsTerminal: false, errIsTerminal: false };
const args = ['-d', process.argv[1], '-i', process.argv[2], '--max-tokens', '8'];
if ((await transcribeCommand({ ...context, args })) !== 0) throw new Error('not transcribed');
console.log(process.resourceUsage().maxRSS * 1024);
`;

function peakOf(path: string): number {
  const run = spawnSync(process.execPath, ['--input-type=module', '-e', PROGRAM, demoModelDir, path], {
    encoding: 'utf8',
    timeout: 180_000,
  });
  assert.equal(run.status, 0, run.stderr);
  return Number(run.stdout);
}

function checkGrowth(write: (minutes: number, path: string) => void, name: string): void {
  const [short, long] = [5, 60].map((minutes) => {
    const path = join(scratch, `${minutes}-${name}`);
    write(minutes, path);
    return peakOf(path);
  }) as [number, number];
  const figures = `${(short / 1e6).toFixed(0)} MB for 5 minutes, ${(long / 1e6).toFixed(0)} MB for 60`;
  assert.ok(long - short <= MAX_GROWTH_BYTES, figures);
}

test('an hour of WAV takes the memory of five minutes', () => {
  checkGrowth((minutes, path) => {
    // All zeros, which take no room on disk: the header of a short file with another length.
    const header = pcmWav([new Float32Array(1)], 16_000, 16).slice(0, 44);
    const dataBytes = minutes * 60 * 16_000 * 2;
    new DataView(header.buffer).setUint32(40, dataBytes, true);
    const file = openSync(path, 'w');
    writeSync(file, header);
    ftruncateSync(file, 44 + dataBytes);
    closeSync(file);
  }, 'silence.wav');
});

test('an hour of MP3 takes the memory of five minutes', { skip: skipWithout('lame') }, () => {
  const tenSeconds = ENCODE.mp3(voiceWav({ seconds: 10 }));
  checkGrowth((minutes, path) => {
    // Frames after frames are an MP3 file.
    writeFileSync(path, Buffer.concat(new Array<Uint8Array>(minutes * 6).fill(tenSeconds)));
  }, 'voice.mp3');
});
