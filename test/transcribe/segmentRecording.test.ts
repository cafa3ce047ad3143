import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type RecordingSegment, segmentRecording } from '../../src/index.js';
import { trimDigitalSilence } from '../../src/transcribe/segmentRecording.js';
import { oneLineError } from '../model/support/oneLineError.js';
import { Random } from '../support/random.js';
import { speakSentences } from '../support/sentences.js';

const SECOND = 16_000;

const noise = (seconds: number, scale = 0.1) => new Random(7).floats(seconds * SECOND, scale);

async function* inBlocks(samples: Float32Array, length: number) {
  for (let at = 0; at < samples.length; at += length) yield samples.slice(at, at + length);
}

async function segmentsOf(...args: Parameters<typeof segmentRecording>): Promise<RecordingSegment[]> {
  const segments: RecordingSegment[] = [];
  for await (const segment of segmentRecording(...args)) segments.push(segment);
  return segments;
}

function assertInOrder(segments: readonly RecordingSegment[], durationMs: number): void {
  let atMs = 0;
  for (const [i, { index, startMs, endMs }] of segments.entries()) {
    assert.deepEqual([index, startMs], [i, atMs]);
    atMs = endMs;
  }
  assert.equal(atMs, durationMs);
}

test('up to 60 s stay whole, more becomes segments of about 30 s', async () => {
  const [whole] = await segmentsOf(noise(60), {});
  assert.deepEqual([whole!.startMs, whole!.endMs, whole!.samples], [0, 60_000, noise(60)]);
  const split = await segmentsOf(noise(61), {});
  assertInOrder(split, 61_000);
  assert.ok(split.length === 2 || split.length === 3, `${split.length} segments`);
  for (const { startMs, endMs } of split.slice(0, -1)) {
    assert.ok(endMs - startMs >= 25_000 && endMs - startMs <= 35_000, `${endMs - startMs} ms`);
  }
});

test('noise is lossless: the segments put together are the recording', async () => {
  const samples = noise(9.3);
  const segments = await segmentsOf(samples, { segmentMs: 2000 });
  assertInOrder(segments, 9300);
  assert.ok(segments.length >= 4, `${segments.length} segments`);
  const joined = segments.flatMap((segment) => [...segment.samples]);
  assert.deepEqual(Float32Array.from(joined), samples);
});

test('how the source is cut into blocks makes no difference', async () => {
  const samples = noise(65);
  for (const options of [{}, { segmentMs: 7000 }, { segmentMs: Number.POSITIVE_INFINITY }]) {
    const expected = await segmentsOf(samples, options);
    for (const length of [1000, 16_000, 700_000, 2_000_000]) {
      const found = await segmentsOf(inBlocks(samples, length), options);
      assert.deepEqual(found, expected, `blocks of ${length}, ${JSON.stringify(options)}`);
    }
  }
});

test('Infinity keeps any recording whole', async () => {
  const segments = await segmentsOf(noise(70), { segmentMs: Number.POSITIVE_INFINITY });
  assert.deepEqual([segments.length, segments[0]!.samples.length], [1, 70 * SECOND]);
});

test('digital silence at the ends of a segment is left out, unless the recording is a single segment', async () => {
  const sentence = new Float32Array(4 * SECOND);
  sentence.set(noise(2), SECOND);
  const [only] = await segmentsOf(sentence, { segmentMs: 4000 });
  assert.equal(only!.samples.length, 4 * SECOND);
  const twice = new Float32Array(8 * SECOND);
  twice.set(sentence);
  twice.set(sentence, 4 * SECOND);
  const segments = await segmentsOf(twice, { segmentMs: 4000 });
  assertInOrder(segments, 8000);
  assert.deepEqual(
    segments.map(({ samples }) => samples.length),
    [2.6 * SECOND, 2.6 * SECOND],
  );
});

test('skipSilence leaves out long silences everywhere, and segments of nothing else', async () => {
  const recording = new Float32Array(12 * SECOND);
  recording.set(noise(1), 2 * SECOND);
  recording.set(noise(0.5), 3.5 * SECOND);
  const [first, second, third] = await segmentsOf(recording, { segmentMs: 4000, skipSilence: true });
  // Cut in the middle of 100 ms of silence; 0.2 s stay at the inner end of a long one, half a second is no long one.
  assert.equal(first!.endMs, 4050);
  assert.equal(first!.samples.length, 2.25 * SECOND);
  assert.deepEqual([second!.samples.length, third!.samples.length], [0, 0]);
  const [whole] = await segmentsOf(recording, { skipSilence: true });
  assert.deepEqual([whole!.endMs, whole!.samples.length], [12_000, 2.4 * SECOND]);
});

test('a recording without samples is refused, as are segments under 1 s; errors of the source come through', async () => {
  await assert.rejects(segmentsOf(new Float32Array(0), {}), oneLineError('audio'));
  await assert.rejects(segmentsOf(new Float32Array(0), { segmentMs: 2000 }), oneLineError('audio'));
  for (const segmentMs of [999, 0, -1, Number.NaN]) {
    await assert.rejects(segmentsOf(noise(3), { segmentMs }), oneLineError('usage'));
  }
  const broken = async function* () {
    yield noise(1);
    throw new Error('broken');
  };
  await assert.rejects(segmentsOf(broken(), {}), /^Error: broken$/);
});

test('leaving early closes the source', async () => {
  let closed = 0;
  const source = async function* () {
    try {
      for (;;) yield noise(1);
    } finally {
      closed++;
    }
  };
  for (const options of [{}, { segmentMs: 2000 }]) {
    for await (const { index } of segmentRecording(source(), options)) if (index === 2) break;
  }
  assert.equal(closed, 2);
});

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

test('vad leaves out all but speech, whatever the blocks, and Infinity never splits it', async () => {
  const { samples } = await speakSentences([0, 1, 2]);
  const expected = await segmentsOf(samples, { vad: true });
  assert.deepEqual(
    expected.map(({ startMs, endMs }) => [Math.round(startMs / 4000), Math.floor(endMs / 4000)]),
    [
      [0, 0],
      [1, 1],
      [2, 2],
    ],
  );
  for (const length of [160, 5000, 200_000]) {
    assert.deepEqual(await segmentsOf(inBlocks(samples, length), { vad: true }), expected);
  }
  const joined = await segmentsOf(samples, {
    vad: { silenceMs: 10_000 },
    segmentMs: Number.POSITIVE_INFINITY,
  });
  assert.deepEqual([joined.length, joined[0]!.startMs, joined[0]!.endMs], [1, 0, expected.at(-1)!.endMs]);
  assert.deepEqual(await segmentsOf(noise(5), { vad: true }), []);
  assert.deepEqual(await segmentsOf(samples, { vad: false }), await segmentsOf(samples));
  await assert.rejects(
    segmentsOf(new Float32Array(0), { vad: true }),
    oneLineError('audio', /^expected samples, found none$/),
  );
});
