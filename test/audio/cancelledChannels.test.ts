import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { loadAudio, openAudio } from '../../src/audio/openAudio.js';
import { readWav } from '../../src/audio/wavDecoder.js';
import { pcmWav, voice } from './support/clips.js';
import { convert, ENCODE, ENCODER, skipWithout } from './support/encoders.js';

const folder = mkdtempSync(join(tmpdir(), 'qwen-asr-channels-'));
after(() => rmSync(folder, { recursive: true }));

const RATE_HZ = 44_100;
const left = voice(3 * RATE_HZ, RATE_HZ, 1, 0.5);
const other = voice(3 * RATE_HZ, RATE_HZ, 2, 0.5);
const inverted = left.map((value) => -value);
const nothing = new Float32Array(left.length);
/** In phase for 1.5 s, then out of phase. */
const turned = left.map((value, i) => (i < 1.5 * RATE_HZ ? value : -value));

const AIFF = ['-v', 'error', '-i', '{input}', '-f', 'aiff', '-y', '{output}'];
const ALL = { ...ENCODE, ffmpeg: (wav: Uint8Array) => convert(wav, 'ffmpeg', AIFF) };

for (const format of Object.keys(ALL) as (keyof typeof ALL)[]) {
  const tool = format === 'ffmpeg' ? 'ffmpeg' : ENCODER[format];
  test(`${format}: channels that cancel each other are noted`, {
    skip: tool === null ? false : skipWithout(tool),
  }, async () => {
    for (const [channels, seconds] of [
      [[left, inverted], /cancel each other for (2\.[89]|3\.[01]) s/],
      [[left, turned], /cancel each other for (0\.[5-9]|1\.\d) s/],
      [[left, left], null],
      [[left, other], null],
      [[left, nothing], null],
      [[nothing, nothing], null],
    ] as const) {
      const path = join(folder, format);
      writeFileSync(path, ALL[format](pcmWav(channels, RATE_HZ, 16)));
      const stream = await openAudio(path);
      await stream.close();
      const { notes } = await loadAudio(path);
      assert.deepEqual(stream.notes, notes);
      assert.equal(notes.length, seconds === null ? 0 : 1, notes.join());
      if (seconds !== null) assert.match(notes[0]!, seconds);
    }
  });
}

test('one of many channels is enough', () => {
  const surround = [left, nothing, nothing, nothing, nothing, nothing, nothing, nothing];
  assert.deepEqual(readWav(pcmWav(surround, RATE_HZ, 16), 'clip').notes, []);
});

test('what the note advises gives one of the channels', { skip: skipWithout('ffmpeg') }, async () => {
  const path = join(folder, 'phase.wav');
  const wav = pcmWav([left, inverted], RATE_HZ, 16);
  writeFileSync(path, wav);
  const [note] = (await loadAudio(path)).notes;
  const filter = /-af "(.*?)"/.exec(note ?? '')?.[1];
  assert.ok(filter !== undefined, note);
  const args = ['-v', 'error', '-i', '{input}', '-af', filter, '-f', 'wav', '-y', '{output}'];
  const { samples } = readWav(convert(wav, 'ffmpeg', args), 'left.wav');
  assert.deepEqual(samples, readWav(pcmWav([left], RATE_HZ, 16), 'left.wav').samples);
});
