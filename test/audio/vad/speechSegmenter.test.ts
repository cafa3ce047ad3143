import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type SpeechEvent,
  SpeechSegmenter,
  type VadOptions,
  vadOptionsOf,
} from '../../../src/audio/vad/speechSegmenter.js';
import { oneLineError } from '../../model/support/oneLineError.js';
import { Random } from '../../support/random.js';

const SECOND = 16_000;
const FRAME = 512;

/** Speech and pauses in frames of 32 ms: positive and negative numbers of them. */
type Script = readonly number[];

const frames = (script: Script): number => script.reduce((sum, count) => sum + Math.abs(count), 0);

/** A detector that is certain of what the script says, whatever it hears. */
function scripted(script: Script, yes = 1, no = 0): { probability: () => number } {
  const answers = script.flatMap((count) => new Array<number>(Math.abs(count)).fill(count > 0 ? yes : no));
  let next = 0;
  return { probability: () => answers[next++] ?? 0 };
}

function eventsOf(
  script: Script,
  {
    samples = new Random(3).floats(frames(script) * FRAME, 0.1),
    length = 1000,
    options = {},
    maxSeconds = 30,
    detector = scripted(script),
  }: {
    samples?: Float32Array;
    length?: number;
    options?: VadOptions;
    maxSeconds?: number;
    detector?: ReturnType<typeof scripted>;
  } = {},
): SpeechEvent[] {
  const segmenter = new SpeechSegmenter(detector, options, maxSeconds);
  const events: SpeechEvent[] = [];
  for (let at = 0; at < samples.length; at += length) {
    events.push(...segmenter.write(samples.slice(at, at + length)));
  }
  return [...events, ...segmenter.finish()];
}

/** Segments as [start, end] in samples; checks that their beginnings were told and that none overlap. */
function rangesOf(events: readonly SpeechEvent[]): [start: number, end: number][] {
  const ranges: [number, number][] = [];
  let begun: number | null = null;
  let last = 0;
  for (const event of events) {
    if (event.kind === 'start') {
      assert.equal(begun, null);
      assert.ok(event.start >= last);
      begun = event.start;
      continue;
    }
    const { start, samples } = event.segment;
    assert.equal(begun, start);
    last = start + samples.length;
    ranges.push([start, last]);
    begun = null;
  }
  assert.equal(begun, null);
  return ranges;
}

test('a segment begins 300 ms before speech and keeps 300 ms of the pause of 0.8 s that ends it', () => {
  const ranges = rangesOf(eventsOf([-50, 40, -60, 30, -40]));
  assert.deepEqual(ranges, [
    [50 * FRAME - 4800, 90 * FRAME + 4800],
    [150 * FRAME - 4800, 180 * FRAME + 4800],
  ]);
});

test('a segment holds the samples of its place', () => {
  const script = [-50, 40, -60, 30, -40];
  const samples = new Random(5).floats(frames(script) * FRAME);
  for (const event of eventsOf(script, { samples })) {
    if (event.kind === 'start') continue;
    const { start, samples: found } = event.segment;
    assert.deepEqual(found, samples.slice(start, start + found.length));
  }
});

test('pauses under 0.8 s are part of a segment, longer ones end it', () => {
  assert.equal(rangesOf(eventsOf([20, -24, 20, -40])).length, 1); // 0.77 s
  assert.equal(rangesOf(eventsOf([20, -25, 20, -40])).length, 2); // 0.8 s
});

test('less than 250 ms of speech is none', () => {
  assert.deepEqual(rangesOf(eventsOf([-20, 7, -60])), []); // 224 ms
  assert.equal(rangesOf(eventsOf([-20, 8, -60])).length, 1); // 256 ms
  // What was none is still in front of the speech that follows it closely.
  assert.deepEqual(rangesOf(eventsOf([-20, 4, -30, 20, -60])), [[54 * FRAME - 4800, 74 * FRAME + 4800]]);
});

test('less than 0.7 s that the detector is never sure of is none', () => {
  const doubted = (length: number, probability: number): number => {
    const script = [-20, length, -60];
    return rangesOf(eventsOf(script, { detector: scripted(script, probability, 0) })).length;
  };
  assert.equal(doubted(21, 0.96), 0); // 0.67 s
  assert.equal(doubted(22, 0.96), 1); // 0.7 s
  assert.equal(doubted(8, 0.97), 1);
});

test('speech begins at 0.5 and goes on down to 0.35', () => {
  const steady = (probability: number, then: number): number =>
    rangesOf(eventsOf([25, -40, 25, -40], { detector: scripted([25, -40, 25, -40], probability, then) }))
      .length;
  assert.equal(steady(0.49, 0), 0);
  assert.equal(steady(0.5, 0), 2);
  assert.equal(steady(0.5, 0.36), 1);
  assert.equal(steady(0.5, 0.34), 2);
});

test('from 20 s on a pause of 0.3 s ends a segment, and the next one begins in it', () => {
  const [short, long] = [Math.floor((19.5 * SECOND) / FRAME), Math.ceil((20.2 * SECOND) / FRAME)];
  assert.equal(rangesOf(eventsOf([short, -10, 100, -60])).length, 1);
  const [first, second] = rangesOf(eventsOf([long, -10, 100, -60]));
  assert.deepEqual(first, [0, long * FRAME + 10 * (FRAME / 2)]); // 10 frames are 0.32 s
  assert.deepEqual(second, [first![1], (long + 110) * FRAME + 4800]);
});

test('after 30 s speech without pauses is cut at its quietest 100 ms, and nothing is lost or doubled', () => {
  const samples = new Random(9).floats(100 * SECOND, 0.3);
  const quiet = (fromSeconds: number): void => {
    samples.subarray(fromSeconds * SECOND, (fromSeconds + 0.1) * SECOND).fill(0.001);
  };
  for (const seconds of [24, 27.5, 56.25, 86]) quiet(seconds);
  const script = [Math.ceil(samples.length / FRAME)];
  const ranges = rangesOf(eventsOf(script, { samples }));
  assert.equal(ranges[0]![0], 0);
  assert.equal(ranges.at(-1)![1], samples.length);
  for (const [i, [start]] of ranges.slice(1).entries()) assert.equal(start, ranges[i]![1]);
  const cuts = ranges.slice(0, -1).map(([, end]) => end / SECOND);
  assert.equal(cuts.length, 3);
  for (const [i, quietAt] of [27.5, 56.25, 86].entries()) {
    assert.ok(cuts[i]! >= quietAt && cuts[i]! <= quietAt + 0.1, `cut at ${cuts[i]}`);
  }
});

test('the length that no segment exceeds may be another', () => {
  for (const maxSeconds of [1, 4, 7.3]) {
    const ranges = rangesOf(eventsOf([1000], { maxSeconds }));
    for (const [start, end] of ranges) assert.ok(end - start <= maxSeconds * SECOND);
    assert.equal(
      ranges.reduce((sum, [start, end]) => sum + end - start, 0),
      1000 * FRAME,
    );
  }
  assert.equal(rangesOf(eventsOf([2000], { maxSeconds: Number.POSITIVE_INFINITY })).length, 1);
});

test('how a stream is cut into writes makes no difference', () => {
  const script = [-5, 40, -60, 1200, -12, 7, -70, 9, -3];
  const samples = new Random(11).floats(frames(script) * FRAME - 100, 0.2);
  const expected = eventsOf(script, { samples, length: samples.length });
  assert.ok(rangesOf(expected).length >= 3);
  for (const length of [160, 511, 512, 513, 20_000]) {
    assert.deepEqual(eventsOf(script, { samples, length }), expected, `writes of ${length}`);
  }
});

test('what is asked for of threshold, prefix and silence is what happens', () => {
  const options = { threshold: 0.8, prefixMs: 100, silenceMs: 400 };
  const script = [-20, 20, -13, 20, -40];
  assert.deepEqual(rangesOf(eventsOf(script, { options })), [
    [20 * FRAME - 1600, 40 * FRAME + 1600],
    [53 * FRAME - 1600, 73 * FRAME + 1600],
  ]);
  assert.deepEqual(rangesOf(eventsOf(script, { options, detector: scripted(script, 0.79) })), []);
});

test('the segment that is open can be looked at', () => {
  const segmenter = new SpeechSegmenter(scripted([-20, 30, -60]));
  const samples = new Random(13).floats(110 * FRAME);
  segmenter.write(samples.subarray(0, 21 * FRAME));
  assert.equal(segmenter.current, null);
  segmenter.write(samples.subarray(21 * FRAME, 40 * FRAME + 100));
  const start = 20 * FRAME - 4800;
  assert.deepEqual(segmenter.current, { start, samples: samples.slice(start, 40 * FRAME) });
  segmenter.write(samples.subarray(40 * FRAME + 100));
  assert.equal(segmenter.current, null);
});

test('a sample that is not finite is named by its place in the stream', () => {
  const segmenter = new SpeechSegmenter({ probability: (frame) => frame.reduce((a, b) => a + b) });
  segmenter.write(new Float32Array(1000));
  const samples = new Float32Array(2000).fill(Number.NaN, 600);
  assert.throws(
    () => segmenter.write(samples),
    oneLineError('audio', /^audio: sample 1600 is NaN, expected a finite value$/),
  );
});

test('options of voice activity that cannot be carried out name themselves', () => {
  assert.equal(vadOptionsOf(false), null);
  assert.equal(vadOptionsOf(undefined), null);
  assert.deepEqual(vadOptionsOf({ prefixMs: 0, silenceMs: null }), { prefixMs: 0 });
  for (const [vad, message] of [
    ['yes', /^vad: expected true, false or an object, found "yes"$/],
    [[], /^vad: .*found an Array$/],
    [{ threshold: 1 }, /^vad\.threshold: expected a number over 0 and below 1, found 1$/],
    [{ prefixMs: -1 }, /^vad\.prefixMs: expected a number from 0 to 10000, found -1$/],
    [{ silenceMs: '800' }, /^vad\.silenceMs: .*found "800"$/],
    [{ silenceMs: Number.NaN }, /^vad\.silenceMs: .*found NaN$/],
  ] as const) {
    assert.throws(() => vadOptionsOf(vad), oneLineError('usage', message));
  }
});
