import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type AudioSegment, splitAudio, splitPoints, splitRule } from '../../src/audio/splitAudio.js';
import { Random } from '../support/random.js';
import { joined } from './support/decodeAll.js';

async function segmentsOf(blocks: Iterable<Float32Array>, seconds: number): Promise<AudioSegment[]> {
  const segments: AudioSegment[] = [];
  for await (const segment of splitAudio(blocks, seconds)) segments.push(segment);
  return segments;
}

/** Sound with pauses of digital silence and of noise, quantised coarsely so that there are ties. */
function recording(length: number, random: Random): Float32Array {
  const samples = new Float32Array(length);
  for (let at = 0; at < length; ) {
    const end = Math.min(length, at + random.integer(500, 20_000));
    const level = [0, 0, 0.001, 0.02, 0.5][random.integer(0, 4)]!;
    for (; at < end; at++) samples[at] = Math.round(level * (2 * random.uniform() - 1) * 256) / 256;
  }
  return samples;
}

/** The same, blocks of any sizes. */
function cut(samples: Float32Array, random: Random): Float32Array[] {
  const blocks: Float32Array[] = [];
  for (let at = 0; at < samples.length; at += blocks.at(-1)!.length) {
    blocks.push(samples.subarray(at, at + random.integer(1, 40_000)));
  }
  return blocks;
}

/**
 * The rule, tried on every window and sample: segments end at the sample of least magnitude in the window of 1600 samples
 * with the least sum of magnitudes; among equal windows the one nearest to the target, among equal samples the one nearest
 * to the window's middle, then the earliest.
 */
function bruteForcePoints(samples: Float32Array, target: number, reach: number): number[] {
  const points: number[] = [];
  // The samples are multiples of 1/256, so sums of them are exact.
  for (let start = 0; samples.length - start > target; start = points.at(-1)!) {
    const middle = start + target;
    const end = Math.min(samples.length, middle + reach);
    const windows: { at: number; sum: number; distance: number }[] = [];
    for (let at = middle - reach; at + 1600 <= end; at++) {
      let sum = 0;
      for (let i = at; i < at + 1600; i++) sum += Math.abs(samples[i]!);
      windows.push({ at, sum, distance: Math.abs(at + 800 - middle) });
    }
    windows.sort((a, b) => a.sum - b.sum || a.distance - b.distance || a.at - b.at);
    const quietest = windows[0]!.at;
    const candidates = Array.from({ length: 1600 }, (_, i) => quietest + i);
    const size = (i: number) => Math.abs(samples[i]!);
    const offCentre = (i: number) => Math.abs(i - quietest - 800);
    candidates.sort((a, b) => size(a) - size(b) || offCentre(a) - offCentre(b) || a - b);
    points.push(candidates[0]!);
  }
  return points;
}

describe('splitAudio', () => {
  test('splits where the rule says, tried by brute force', () => {
    const random = new Random(1);
    for (let round = 0; round < 12; round++) {
      const samples = recording(random.integer(16_000, 120_000), random);
      const seconds = 1 + random.integer(0, 4) / 4;
      const { targetSamples, reachSamples } = splitRule(seconds);
      assert.deepEqual(splitPoints(samples, seconds), bruteForcePoints(samples, targetSamples, reachSamples));
    }
  });

  test('the same segments whatever the blocks, and nothing lost', async () => {
    const random = new Random(2);
    for (let round = 0; round < 40; round++) {
      const samples = recording(random.integer(1, 400_000), random);
      const seconds = 1 + random.uniform() * 6;
      const points = splitPoints(samples, seconds);
      const segments = await segmentsOf(cut(samples, random), seconds);
      assert.deepEqual(
        segments.map(({ start }) => start),
        [0, ...points],
      );
      const { targetSamples, reachSamples } = splitRule(seconds);
      for (const [i, { start, length, samples: padded, paddingSamples }] of segments.entries()) {
        const last = i === segments.length - 1;
        if (!last) assert.ok(Math.abs(length - targetSamples) <= reachSamples);
        assert.equal(segments[i + 1]?.start ?? samples.length, start + length);
        assert.equal(padded.length, length + paddingSamples);
        assert.equal(paddingSamples, length < 8000 ? 8000 - length : 0);
        assert.ok(padded.subarray(length).every((value) => value === 0));
      }
      assert.deepEqual(joined(segments.map(({ samples: s, length }) => s.subarray(0, length))), samples);
    }
  });

  test('a recording that is not longer than a segment stays whole', async () => {
    const samples = recording(16_000, new Random(3));
    assert.deepEqual(await segmentsOf([samples], 1), [
      { samples, start: 0, length: 16_000, paddingSamples: 0 },
    ]);
    assert.deepEqual(await segmentsOf([], 1), []);
    assert.deepEqual(splitPoints(new Float32Array(0), 1), []);
  });

  test('digital silence is split at the target, and sentences 4 s apart between them', async () => {
    assert.deepEqual(splitPoints(new Float32Array(16_000 * 10), 3), [48_000, 96_000, 144_000]);
    const random = new Random(4);
    for (const jitter of [0, 0.3]) {
      const sentences = Array.from({ length: 15 }, (_, i) => {
        const start = Math.round((4 * i + 0.35 + jitter * (2 * random.uniform() - 1)) * 16_000);
        return { start, end: start + random.integer(16_000, 48_000) };
      });
      const samples = new Float32Array(60 * 16_000);
      for (const { start, end } of sentences) samples.set(random.floats(end - start, 0.3), start);
      const points = splitPoints(samples, 4);
      assert.equal(points.length, 14);
      for (const [i, point] of points.entries()) {
        assert.ok(
          point >= sentences[i]!.end && point <= sentences[i + 1]!.start,
          `jitter ${jitter}, point ${i}`,
        );
      }
    }
  });

  test('reaches 5 s or a quarter', () => {
    assert.deepEqual(splitRule(30), { targetSamples: 480_000, reachSamples: 80_000 });
    assert.deepEqual(splitRule(4), { targetSamples: 64_000, reachSamples: 16_000 });
    for (const seconds of [0, 0.99, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      const message = `segments: expected a length of at least 1 s, found ${seconds}`;
      assert.throws(() => splitRule(seconds), { code: 'usage', message });
    }
  });

  test('segments come as soon as they are known', async () => {
    let given = 0;
    function* endless() {
      for (;;) {
        given += 1000;
        yield new Float32Array(1000).fill(0.1);
      }
    }
    for await (const { start } of splitAudio(endless(), 2)) {
      assert.ok(given - start <= 2.5 * 16_000 + 1000);
      if (start > 200_000) break;
    }
  });
});
