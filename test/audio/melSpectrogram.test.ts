import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { melSpectrogram } from '../../src/audio/melSpectrogram.js';
import { loadWav } from '../../src/audio/openAudio.js';
import { goldenWav, readGolden, readGoldenStage, relativeRms } from '../support/golden.js';
import { processorMs } from '../support/processorMs.js';
import { goldenDir } from '../support/projectRoot.js';
import { Random } from '../support/random.js';

describe('goldens of the independent implementation', () => {
  const names = [
    ...readdirSync(join(goldenDir, 'demo')).map((clip) => `demo/${clip}`),
    'synthetic-tiny-seed1',
  ];
  assert.ok(names.length >= 9);
  for (const name of names) {
    test(name, async () => {
      const golden = readGolden(name);
      const { samples } = await loadWav(goldenWav(name));
      const mel = melSpectrogram(samples);
      assert.equal(samples.length, golden.samples);
      assert.deepEqual([mel.bins, mel.frames], golden.shapes['mel']);
      const error = relativeRms(mel.data, readGoldenStage(name, 'mel'));
      assert.ok(error <= 1e-5, `relative RMS ${error}`);
    });
  }
});

test('clips under 0.5 s are the same as padded ones', () => {
  for (const count of [1, 200, 201, 7999]) {
    const samples = new Random(count).floats(count);
    const padded = new Float32Array(8000);
    padded.set(samples);
    const mel = melSpectrogram(samples);
    assert.equal(mel.frames, 50);
    assert.deepEqual(mel, melSpectrogram(padded));
  }
});

test('a frame every 160 samples', () => {
  for (const [count, frames] of [
    [8000, 50],
    [8159, 50],
    [8160, 51],
    [16000, 100],
  ] as const) {
    const mel = melSpectrogram(new Random(1).floats(count));
    assert.equal(mel.frames, frames);
    assert.equal(mel.data.length, 128 * frames);
  }
});

test('no samples, or samples that are not finite: an error', () => {
  const none = 'audio: expected samples, found none';
  assert.throws(() => melSpectrogram(new Float32Array(0)), { code: 'audio', message: none });
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
    const samples = new Float32Array(9000);
    samples[4321] = value;
    const message = `audio: sample 4321 is ${value}, expected a finite value`;
    assert.throws(() => melSpectrogram(samples), { code: 'audio', message });
  }
});

test('the transform of a minute takes less than a tenth of it', () => {
  const samples = new Random(7).floats(60 * 16000);
  const startMs = processorMs();
  melSpectrogram(samples);
  const tookMs = processorMs() - startMs;
  assert.ok(tookMs < 6000, `${tookMs} ms`); // 130 ms; the rest is room for slower processors, and for two threads of one core
});
