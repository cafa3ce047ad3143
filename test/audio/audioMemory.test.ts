import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pcmWav } from './support/clips.js';

/** The requirement is 50 MB between 5 and 60 minutes for everything; reading may have half of it. */
const MAX_GROWTH_BYTES = 25e6;

/** Reads a recording to its end and prints the largest memory the process had, in bytes. */
const PROGRAM = `
import { openAudio } from ${JSON.stringify(new URL('../../src/audio/openAudio.js', import.meta.url).href)};
const stream = await openAudio(process.argv[1]);
let samples = 0;
for await (const block of stream) samples += block.length;
if (samples !== stream.sampleCount) throw new Error('samples are missing');
console.log(process.resourceUsage().maxRSS * 1024);
`;

test('memory does not depend on the length of the recording', () => {
  const folder = mkdtempSync(join(tmpdir(), 'qwen-asr-memory-'));
  try {
    const peakOf = (minutes: number) => {
      const path = join(folder, `${minutes}.wav`);
      writeLongWav(path, minutes);
      const run = spawnSync(process.execPath, ['--input-type=module', '-e', PROGRAM, path], {
        encoding: 'utf8',
      });
      assert.equal(run.status, 0, run.stderr);
      return Number(run.stdout);
    };
    const growth = peakOf(60) - peakOf(5);
    assert.ok(growth < MAX_GROWTH_BYTES, `60 minutes take ${(growth / 1e6).toFixed(0)} MB more than 5`);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

/** 16 kHz stereo, all zeros, which takes no room on disk: the header of a short file with another length. */
function writeLongWav(path: string, minutes: number): void {
  const header = pcmWav([new Float32Array(1), new Float32Array(1)], 16_000, 16).slice(0, 44);
  const dataBytes = minutes * 60 * 16_000 * 4;
  new DataView(header.buffer).setUint32(40, dataBytes, true);
  const file = openSync(path, 'w');
  writeSync(file, header);
  ftruncateSync(file, 44 + dataBytes);
  closeSync(file);
}
