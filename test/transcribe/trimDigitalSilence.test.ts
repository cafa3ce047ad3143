import assert from 'node:assert/strict';
import { test } from 'node:test';
import { trimDigitalSilence } from '../../src/transcribe/trimDigitalSilence.js';

const MARGIN = 4800; // 0.3 s

/** Silence, sound, silence, in samples; the sound is all `level`. */
function clip(before: number, sound: number, after: number, level = 0.01): Float32Array {
  const samples = new Float32Array(before + sound + after);
  return samples.fill(level, before, before + sound);
}

test('0.3 s of the silence stay at either end', () => {
  const samples = clip(20_000, 100, 30_000);
  const trimmed = trimDigitalSilence(samples);
  assert.deepEqual(trimmed, clip(MARGIN, 100, MARGIN));
  assert.equal(trimmed.buffer, samples.buffer);
});

test('where there is less, it becomes as much; under 20 ms are no silence', () => {
  assert.deepEqual(trimDigitalSilence(clip(MARGIN, 1, 400)), clip(MARGIN, 1, MARGIN));
  assert.deepEqual(trimDigitalSilence(clip(320, 9000, 9000)), clip(MARGIN, 9000, MARGIN));
  assert.deepEqual(trimDigitalSilence(clip(319, 7, 9000)), clip(319, 7, MARGIN));
  assert.deepEqual(trimDigitalSilence(clip(9000, 7, 319)), clip(MARGIN, 7, 319));
  assert.deepEqual(trimDigitalSilence(clip(0, 7, 0)), clip(0, 7, 0));
});

test('dither of one 16-bit step is silence, two steps and NaN are not', () => {
  const dither = clip(0, 40_000, 0, 2 ** -15);
  const level = (value: number) => {
    const samples = dither.map((step, i) => (i % 3 === 0 ? -step : i % 3 === 1 ? step : 0));
    samples[20_000] = value;
    return trimDigitalSilence(samples).length;
  };
  assert.equal(level(2 ** -14), 2 * MARGIN + 1);
  assert.equal(level(-(2 ** -14)), 2 * MARGIN + 1);
  assert.equal(level(Number.NaN), 2 * MARGIN + 1);
  assert.equal(level(2 ** -15), 40_000);
});

test('nothing but silence stays', () => {
  assert.equal(trimDigitalSilence(new Float32Array(50_000)).length, 50_000);
  assert.equal(trimDigitalSilence(new Float32Array(0)).length, 0);
});
