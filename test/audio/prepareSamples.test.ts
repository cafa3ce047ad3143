import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MIN_CLIP_SAMPLES, padShortClip, prepareSamples } from '../../src/audio/prepareSamples.js';
import { Random } from '../support/random.js';

describe('padShortClip', () => {
  test('fills up to 0.5 s with zeros behind the samples', () => {
    for (const count of [0, 1, 200, 7999]) {
      const samples = new Random(count).floats(count);
      const padded = padShortClip(samples);
      assert.equal(padded.length, 8000);
      assert.deepEqual(padded.subarray(0, count), samples);
      assert.ok(padded.subarray(count).every((value) => value === 0));
    }
  });

  test('leaves longer clips alone', () => {
    assert.equal(MIN_CLIP_SAMPLES, 8000);
    for (const count of [8000, 8001]) {
      const samples = new Float32Array(count);
      assert.equal(padShortClip(samples), samples);
    }
  });
});

describe('prepareSamples', () => {
  test('a clip within [-1, 1] at 16 kHz is left alone, however quiet', () => {
    for (const scale of [1, 1e-3, 0]) {
      const samples = new Random(1).floats(9000, scale);
      samples[5] = -scale;
      assert.deepEqual(prepareSamples(samples, 16000), samples);
    }
  });

  test('a peak above 1, of either sign, divides the clip', () => {
    for (const peak of [1.0001, -4, 32768, 1e30]) {
      const samples = new Random(2).floats(9000);
      samples[77] = peak;
      const prepared = prepareSamples(samples, 16000);
      assert.equal(prepared[77], Math.sign(peak));
      for (const [i, value] of prepared.entries()) {
        assert.ok(Math.abs(value) <= 1 && Math.abs(value - samples[i]! / Math.abs(peak)) < 1e-7);
      }
    }
  });

  test('the peak is taken after resampling', () => {
    const square = Float32Array.from({ length: 44100 }, (_, i) => (i % 100 < 50 ? 1 : -1));
    const prepared = prepareSamples(square, 44100); // a band-limited square wave overshoots by about 9 % a side
    const peak = prepared.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
    const plateau = prepared[Math.round((125 / 441) * 160)]!; // middle of a half wave
    assert.equal(peak, 1);
    assert.ok(plateau > 0.75 && plateau < 0.95, String(plateau));
  });

  test('short clips are padded after resampling', () => {
    assert.equal(prepareSamples(new Float32Array(1), 44100).length, 8000);
    assert.equal(prepareSamples(new Float32Array(22049), 44100).length, 8000);
    assert.equal(prepareSamples(new Float32Array(22053), 44100).length, 8002);
  });

  test('no samples: an error', () => {
    const message = 'expected samples, found none';
    assert.throws(() => prepareSamples(new Float32Array(0), 16000), { code: 'audio', message });
  });
});
