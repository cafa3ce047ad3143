import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MAX_GAIN, PeakMeter } from '../../src/audio/audioStream.js';
import { KERNEL_RADIUS, sincKernel } from '../../src/audio/polyphaseFilter.js';
import { peakOf } from '../../src/audio/prepareSamples.js';
import { resample } from '../../src/audio/resample.js';
import { Random } from '../support/random.js';

/** Loud and quiet stretches of noise and of alternating samples, which enlarge most between the samples. */
function clip(length: number, random: Random): Float32Array {
  const samples = new Float32Array(length);
  for (let at = 0; at < length; ) {
    const end = Math.min(length, at + random.integer(10, 30_000));
    const level = [0.05, 0.35, 0.4, 0.7, 1][random.integer(0, 4)]!;
    const noise = random.uniform() < 0.5;
    for (; at < end; at++) samples[at] = level * (noise ? 2 * random.uniform() - 1 : at % 4 < 2 ? 1 : -1);
  }
  return samples;
}

describe('PeakMeter', () => {
  test('finds the peak after resampling to the last bit, where it exceeds 1', () => {
    const random = new Random(1);
    let above = 0;
    for (const rateHz of [8000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000, 12_345]) {
      for (let round = 0; round < 8; round++) {
        const samples = clip(random.integer(1, 120_000), random).map(
          (value) => value * (round % 2 === 0 ? 1 : 0.6),
        );
        const expected = peakOf(resample(samples, rateHz));
        const meter = new PeakMeter(rateHz);
        for (let at = 0; at < samples.length; ) {
          const end = at + random.integer(1, 20_000);
          meter.push(samples.subarray(at, end));
          at = end;
        }
        const found = meter.finish();
        if (expected > 1) assert.equal(found, expected, `${rateHz} Hz`);
        else assert.ok(found <= 1, `${rateHz} Hz: ${found}`);
        if (expected > 1) above++;
      }
    }
    assert.ok(above > 12, `${above} clips exceed 1`);
  });

  test('the bound on what the resampler can enlarge', () => {
    const kernel = sincKernel();
    let largest = 0;
    for (const down of [0.1, 0.5, 1, 1.001, 1.1, 1.37, 2, 2.756, 3, 6, 12, 48]) {
      const taps = 2 * Math.ceil(KERNEL_RADIUS * Math.max(1, down));
      for (let phase = 0; phase < 1; phase += 1 / 128) {
        let [sum, magnitudes] = [0, 0];
        for (let k = 0; k < taps; k++) {
          const value = kernel(Math.abs(k + 1 - taps / 2 - phase) * Math.min(1, 1 / down));
          sum += value;
          magnitudes += Math.abs(value);
        }
        largest = Math.max(largest, magnitudes / sum);
      }
    }
    assert.ok(largest < MAX_GAIN && largest > MAX_GAIN - 0.01, `${largest}`);
  });
});
