import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Resampler, resample } from '../../src/audio/resample.js';
import { processorMs } from '../support/processorMs.js';
import { Random } from '../support/random.js';

const RATES = [8000, 11025, 12345, 22050, 32000, 44100, 44101, 48000, 96000];

/** Outputs this close to the ends hear the silence outside the clip: the filter's radius at the lowest rate here. */
const EDGE = 100;

function sine(hz: number, rateHz: number, seconds: number, phase = 0): Float32Array {
  return Float32Array.from({ length: Math.round(rateHz * seconds) }, (_, i) =>
    Math.sin((2 * Math.PI * hz * i) / rateHz + phase),
  );
}

function largest(values: Float32Array, edge = 0): number {
  return values
    .subarray(edge, values.length - edge)
    .reduce((max, value) => Math.max(max, Math.abs(value)), 0);
}

function difference(a: Float32Array, b: Float32Array, edge = 0): number {
  const count = Math.min(a.length, b.length);
  return largest(
    Float32Array.from({ length: count }, (_, i) => a[i]! - b[i]!),
    edge,
  );
}

function joined(pieces: readonly Float32Array[]): Float32Array {
  return Float32Array.from(pieces.flatMap((piece) => [...piece]));
}

describe('frequency response', () => {
  for (const rateHz of RATES) {
    test(`${rateHz} Hz: tones of the passband come out with amplitude and phase unchanged`, () => {
      const edgeHz = 0.44 * Math.min(rateHz, 16000);
      for (const part of [0.003, 0.1, 0.33, 0.5, 0.77, 0.9, 0.97, 1]) {
        const hz = part * edgeHz;
        for (const phase of [0, 1.2]) {
          const found = resample(sine(hz, rateHz, 0.12, phase), rateHz);
          const error = difference(found, sine(hz, 16000, 0.12, phase), EDGE);
          assert.ok(error < 1e-4, `${hz} Hz: off by ${error}`);
        }
      }
    });
  }

  for (const rateHz of RATES.filter((rate) => rate > 16000)) {
    test(`${rateHz} Hz: tones from 8 kHz on are gone by 88 dB`, () => {
      const step = (rateHz / 2 - 8000) / 24;
      for (let hz = 8000; hz < rateHz / 2; hz += step) {
        const residue = largest(resample(sine(hz, rateHz, 0.12, 0.7), rateHz), EDGE);
        assert.ok(residue < 10 ** (-88 / 20), `${hz} Hz: ${20 * Math.log10(residue)} dB`);
      }
    });
  }

  test('an impulse comes out centred where it was, and symmetric', () => {
    const x = new Float32Array(4410);
    x[2205] = 1; // 50 ms
    const y = resample(x, 44100);
    assert.equal(y.indexOf(largest(y)), 800);
    for (let i = 1; i < 60; i++) assert.ok(Math.abs(y[800 - i]! - y[800 + i]!) < 1e-7);
  });

  test('a constant keeps its value', () => {
    for (const rateHz of RATES) {
      const found = resample(new Float32Array(rateHz / 10).fill(0.7), rateHz);
      assert.ok(found.subarray(EDGE, -EDGE).every((value) => value === Math.fround(0.7)));
    }
  });
});

test('linear: the image of a sum is the sum of the images', () => {
  const random = new Random(3);
  for (const rateHz of RATES) {
    const a = random.floats(2000);
    const b = random.floats(2000);
    const both = resample(
      Float32Array.from(a, (value, i) => 2 * value - 3 * b[i]!),
      rateHz,
    );
    const [ofA, ofB] = [resample(a, rateHz), resample(b, rateHz)];
    const sum = ofA.map((value, i) => 2 * value - 3 * ofB[i]!);
    assert.ok(difference(both, sum) < 3e-6, `${rateHz}: ${difference(both, sum)}`);
  }
});

test('n samples become ceil(n·16000/rate)', () => {
  const random = new Random(11);
  const cases = RATES.flatMap((rateHz) =>
    [0, 1, 2, 441, 442, 16383, 16384, 16385].map((n) => [n, rateHz] as const),
  );
  const drawn = Array.from(
    { length: 60 },
    () => [random.integer(0, 3000), random.integer(1000, 99999)] as const,
  );
  for (const [n, rateHz] of [...cases, ...drawn]) {
    const expected = Math.ceil((n * 16000) / rateHz);
    assert.equal(resample(new Float32Array(n), rateHz).length, expected, `${n} samples at ${rateHz} Hz`);
  }
});

test('to another rate than 16 kHz: tones unchanged, as many samples as there have to be', () => {
  for (const [rateHz, toHz] of [
    [16_000, 24_000],
    [44_100, 24_000],
    [48_000, 24_000],
  ] as const) {
    const edgeHz = 0.44 * Math.min(rateHz, toHz);
    for (const part of [0.1, 0.5, 1]) {
      const clip = sine(part * edgeHz, rateHz, 0.12, 1.2);
      const found = resample(clip, rateHz, toHz);
      assert.equal(found.length, Math.ceil((clip.length * toHz) / rateHz));
      const error = difference(found, sine(part * edgeHz, toHz, 0.12, 1.2), EDGE);
      assert.ok(error < 1e-4, `${part * edgeHz} Hz from ${rateHz} to ${toHz}: off by ${error}`);
    }
  }
  assert.throws(() => resample(new Float32Array(1), 16_000, 999), /expected an integer rate/);
});

test('16 kHz passes through untouched', () => {
  const x = new Random(1).floats(1000);
  assert.equal(resample(x, 16000), x);
  const resampler = new Resampler(16000);
  assert.deepEqual(resampler.push(x), x);
  assert.equal(resampler.flush().length, 0);
});

test('piece by piece gives the same, bit for bit, and the resampler can be used again', () => {
  const random = new Random(9);
  for (const rateHz of [1000, 768000, ...RATES]) {
    const x = random.floats(rateHz > 90000 ? 50000 : 20000);
    const whole = resample(x, rateHz);
    const resampler = new Resampler(rateHz);
    for (const largestPiece of [7, 700, 30000]) {
      const pieces: Float32Array[] = [];
      for (let at = 0; at < x.length; ) {
        const end = Math.min(x.length, at + random.integer(0, largestPiece));
        pieces.push(resampler.push(x.subarray(at, end)));
        at = end;
      }
      pieces.push(resampler.flush());
      assert.deepEqual(joined(pieces), whole, `${rateHz} Hz in pieces up to ${largestPiece}`);
    }
  }
});

test('outputs come as soon as the filter has what it needs: 48 samples of the lower rate', () => {
  const resampler = new Resampler(48000);
  assert.equal(resampler.push(new Float32Array(48 * 3)).length, 0);
  assert.equal(resampler.push(new Float32Array(1)).length, 1);
  assert.equal(resampler.push(new Float32Array(300)).length, 100);
});

test('other rates are refused', () => {
  for (const rateHz of [0, -8000, 999, 768001, 44100.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    const message = `resampler: expected an integer rate of 1000 to 768000 Hz, found ${rateHz}`;
    assert.throws(() => resample(new Float32Array(10), rateHz), { code: 'audio', message });
  }
});

test('a minute of 44.1 kHz is resampled in less than a tenth of a minute', () => {
  const x = new Random(2).floats(60 * 44100);
  resample(x.subarray(0, 100_000), 44100);
  const startMs = processorMs();
  resample(x, 44100);
  const tookMs = processorMs() - startMs;
  assert.ok(tookMs < 6000, `${tookMs} ms`); // 150 ms; the rest is room for slower processors, and for two threads of one core
});
