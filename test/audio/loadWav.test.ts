import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { loadAudio, loadWav, openAudio } from '../../src/audio/openAudio.js';
import { decodeWav } from '../../src/audio/wavDecoder.js';
import { demoModelDir } from '../support/projectRoot.js';
import { fmtChunk, little, wavFile, wavOf16Bit } from '../support/wavWriter.js';

describe('decodeWav', () => {
  test('stereo 44.1 kHz becomes mono 16 kHz', () => {
    const tone = (i: number) => Math.round(8000 * Math.sin((2 * Math.PI * 1000 * i) / 44100));
    const body = Array.from({ length: 44100 }, (_, i) => [
      ...little(tone(i), 2),
      ...little(3 * tone(i), 2),
    ]).flat();
    const file = wavFile([fmtChunk({ channels: 2, sampleRateHz: 44100 }), { id: 'data', body }]);
    const clip = decodeWav(file, 'tone.wav');
    assert.equal(clip.sampleRateHz, 16000);
    assert.equal(clip.durationMs, 1000);
    assert.equal(clip.samples.length, 16000);
    for (let i = 200; i < 15800; i++) {
      const expected = (16000 / 32768) * Math.sin((2 * Math.PI * 1000 * i) / 16000);
      assert.ok(Math.abs(clip.samples[i]! - expected) < 1e-4);
    }
    assert.ok(clip.decodeMs > 0 && clip.resampleMs > 0);
  });

  test('the duration is that of the recording, not of its padding', () => {
    const clip = decodeWav(wavOf16Bit(new Array<number>(800).fill(1), 8000), 'short.wav');
    assert.equal(clip.durationMs, 100);
    assert.equal(clip.samples.length, 8000);
  });
});

describe('loadWav', () => {
  const folder = mkdtempSync(join(tmpdir(), 'qwen-asr-wav-'));
  after(() => rmSync(folder, { recursive: true }));

  test('a bundled recording', async () => {
    const clip = await loadWav(join(demoModelDir, 'samples', 'light-en.wav'));
    assert.equal(clip.samples.length, 26711); // golden.json of the independent implementation
    assert.equal(clip.durationMs, 26711 / 16);
    assert.ok(clip.decodeMs > 0);
  });

  test('a file that was cut short is read alike by every loader, which say so', async () => {
    const path = join(folder, 'cut.wav');
    writeFileSync(path, wavOf16Bit(new Array<number>(32_000).fill(1)).subarray(0, -16_000));
    const notes = [`${path}: 1.5 s of 2.0 s are there`];
    const stream = await openAudio(path);
    const facts = [await loadWav(path), await loadAudio(path), stream].map((clip) => [
      clip.notes,
      clip.durationMs,
      clip.format,
    ]);
    await stream.close();
    assert.deepEqual(facts, new Array(3).fill([notes, 1500, 'wav']));
  });

  test('a path that is not a file', async () => {
    const absent = join(folder, 'absent.wav');
    await assert.rejects(loadWav(absent), { code: 'file', message: `${absent}: no such file or directory` });
    const below = join(demoModelDir, 'config.json', 'x.wav');
    await assert.rejects(loadWav(below), {
      code: 'file',
      message: `${below}: part of the path is not a directory`,
    });
    const message = `${folder}: expected a WAV file, found a directory`;
    await assert.rejects(loadWav(folder), { code: 'file', message });
  });

  test('a file that may not be read', {
    skip: process.getuid?.() === 0 && 'root may read everything',
  }, async () => {
    const locked = join(folder, 'locked.wav');
    writeFileSync(locked, wavOf16Bit([1]));
    chmodSync(locked, 0);
    await assert.rejects(loadWav(locked), { code: 'file', message: `${locked}: permission denied` });
  });

  test('an empty file and a file of something else', async () => {
    const empty = join(folder, 'empty.wav');
    writeFileSync(empty, '');
    const message = `${empty}: expected a WAV file, found an empty one`;
    await assert.rejects(loadWav(empty), { code: 'audio', message });
    const text = join(folder, 'text.wav');
    writeFileSync(text, 'hello\nworld\n');
    await assert.rejects(loadWav(text), {
      code: 'audio',
      message: /^.*text\.wav: expected a WAV file .* "hell"$/,
    });
  });
});
