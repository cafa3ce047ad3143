import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { soundRanges } from '../../src/audio/splitAudio.js';
import { Random } from '../support/random.js';
import { joined } from './support/decodeAll.js';

const SECOND = 16_000;
const tone = (seconds: number, level = 0.1) =>
  Float32Array.from({ length: seconds * SECOND }, (_, i) => level * Math.SQRT2 * Math.sin(i * 0.3));
const join = (...parts: Float32Array[]) => joined(parts);
const silence = (seconds: number) => new Float32Array(seconds * SECOND);
const seconds = (samples: Float32Array, dbfs?: number) =>
  soundRanges(samples, dbfs).map(({ start, end }) => [start / SECOND, end / SECOND]);

describe('soundRanges', () => {
  test('silence of a second or more is left out, but for 200 ms at its ends', () => {
    assert.deepEqual(seconds(join(silence(2), tone(1), silence(3), tone(2), silence(1))), [
      [1.8, 3.2],
      [5.8, 8.2],
    ]);
    assert.deepEqual(seconds(join(tone(1), silence(0.99), tone(1))), [[0, 2.99]]);
    assert.deepEqual(seconds(tone(1)), [[0, 1]]);
  });

  test('all silent, or nothing at all', () => {
    assert.deepEqual(seconds(silence(3)), []);
    assert.deepEqual(seconds(silence(0.1)), []);
    assert.deepEqual(seconds(new Float32Array(0)), []);
  });

  test('the threshold is a root mean square in dBFS', () => {
    const quiet = tone(2, 10 ** (-50 / 20));
    assert.deepEqual(seconds(quiet, -49.9), []);
    assert.deepEqual(seconds(quiet, -50.1), [[0, 2]]);
    assert.deepEqual(seconds(quiet), [[0, 2]]);
    assert.throws(() => soundRanges(quiet, 0), { code: 'usage' });
    assert.throws(() => soundRanges(quiet, Number.NaN), { code: 'usage' });
  });

  test('what is promised of the rest holds for any recording', () => {
    const random = new Random(1);
    for (let round = 0; round < 60; round++) {
      const parts = Array.from({ length: random.integer(1, 12) }, () =>
        random.floats(random.integer(1, 40_000), [0, 1e-5, 5e-4, 2e-3, 0.3][random.integer(0, 4)]!),
      );
      const samples = join(...parts);
      const ranges = soundRanges(samples);
      let from = 0;
      for (const { start, end } of [...ranges, { start: samples.length, end: samples.length }]) {
        assert.ok(start >= from && end >= start && end <= samples.length);
        for (let frame = Math.ceil(from / 160) * 160; frame + 160 <= start; frame += 160) {
          const sum = samples.subarray(frame, frame + 160).reduce((total, value) => total + value * value, 0);
          assert.ok(Math.sqrt(sum / 160) < 1e-3, `frame at ${frame}`);
        }
        if (start > from && from > 0 && start < samples.length) assert.ok(start - from >= 0.6 * SECOND);
        from = end;
      }
      // Whatever is loud enough is in a range.
      for (let i = 0; i < samples.length; i += 97) {
        if (Math.abs(samples[i]!) < 0.02) continue;
        assert.ok(
          ranges.some(({ start, end }) => i >= start && i < end),
          `sample ${i}`,
        );
      }
    }
  });
});
