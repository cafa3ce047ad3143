import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import {
  joinTexts,
  loadModel,
  loadWav,
  type SegmentToken,
  type SpeechModel,
  segmentRecording,
  type TranscribeLongOptions,
  type TranscriptSegment,
} from '../../src/index.js';
import { oneLineError } from '../model/support/oneLineError.js';
import { readGolden } from '../support/golden.js';
import { demoModelDir } from '../support/projectRoot.js';
import { speakSentences } from '../support/sentences.js';

let demo: SpeechModel;

before(async () => {
  demo = await loadModel(demoModelDir);
});

after(() => demo.close());

async function segmentsOf(
  source: Float32Array | AsyncIterable<Float32Array>,
  options: TranscribeLongOptions,
  model = demo,
): Promise<TranscriptSegment[]> {
  const segments: TranscriptSegment[] = [];
  for await (const segment of model.transcribeLong(source, options)) segments.push(segment);
  return segments;
}

const textOf = (segments: readonly TranscriptSegment[]) => joinTexts(segments.map(({ text }) => text));
const idsOf = (segments: readonly TranscriptSegment[]) => segments.map(({ tokenIds }) => tokenIds);

test('segments decoded side by side have the tokens that they have one by one', async () => {
  const { samples } = await speakSentences([0, 1, 2, 3, 3, 2, 1, 0, 2], 0.3);
  const alone = await segmentsOf(samples, { segmentMs: 4000, batch: 1 });
  for (const batch of [2, 3, 4, 7, 16]) {
    const rows: number[] = [];
    const options = { segmentMs: 4000, batch, onDecodeStep: (_: number, count: number) => rows.push(count) };
    const found = await segmentsOf(samples, options);
    assert.deepEqual(idsOf(found), idsOf(alone), `batch ${batch}`);
    assert.equal(Math.max(...rows), Math.min(batch, alone.length));
    // Every token but each segment's first comes from a step.
    const tokens = alone.reduce((sum, { tokenIds }) => sum + tokenIds.length - 1, 0);
    assert.equal(
      rows.reduce((sum, count) => sum + count, 0),
      tokens,
    );
  }
});

test('a recording of one segment has the transcript of transcribe()', async () => {
  const { samples } = await loadWav(join(demoModelDir, 'samples', 'music-es.wav'));
  const golden = readGolden('demo/music-es');
  for (const options of [{}, { segmentMs: 4000 }, { segmentMs: Number.POSITIVE_INFINITY, batch: 1 }]) {
    const [segment, ...more] = await segmentsOf(samples, options);
    const { timings: _, ...alone } = await demo.transcribe(samples).result;
    assert.equal(more.length, 0);
    const { timings: __, index, startMs, endMs, heardMs, skipped, ...transcript } = segment!;
    assert.deepEqual(transcript, alone);
    const lengthMs = golden.samples / 16;
    assert.deepEqual([index, startMs, endMs, heardMs, skipped], [0, 0, lengthMs, lengthMs, false]);
    assert.deepEqual(transcript.tokenIds, golden.tokens);
  }
});

test('the longest segment so far waits for a larger cache, and the order stays', async () => {
  const clip = async (name: string) => (await loadWav(join(demoModelDir, 'samples', `${name}.wav`))).samples;
  const recording = new Float32Array(36 * 16_000);
  recording.set(await clip('light-en'));
  recording.set(await clip('travel-de'), 12 * 16_000);
  recording.set(await clip('timer-en'), 24 * 16_000);
  const rows: number[] = [];
  // With this budget a sentence, its silence left out, needs 1,024 positions; 10 s of audio need 2,048.
  const options = { segmentMs: 12_000, maxTokens: 900 };
  const onDecodeStep = (_: number, count: number) => rows.push(count);
  const segments = await segmentsOf(recording, { ...options, onDecodeStep });
  assert.equal(segments.length, 3);
  assert.deepEqual(
    [segments[0]!.text, segments[2]!.text],
    ['Turn on the kitchen light.', 'Set a timer for seven minutes.'],
  );
  assert.deepEqual(idsOf(segments), idsOf(await segmentsOf(recording, { ...options, batch: 1 })));
  const first = segments[0]!.tokenIds.length - 1;
  assert.ok(
    rows.slice(0, first).every((count) => count === 1),
    `rows of the steps: ${rows}`,
  );
  assert.equal(rows[first], 2);
});

test('every segment has its own budget, and says when it ended it', async () => {
  const { samples } = await speakSentences([1, 0, 2]);
  const goldens = ['light-en', 'timer-en', 'weather-de'].map((name) => readGolden(`demo/${name}`));
  const maxTokens = Math.min(...goldens.map(({ tokens }) => tokens.length));
  const segments = await segmentsOf(samples, { segmentMs: 4000, maxTokens });
  assert.deepEqual(
    idsOf(segments),
    goldens.map(({ tokens }) => tokens.slice(0, maxTokens)),
  );
  assert.deepEqual(
    segments.map(({ truncated }) => truncated),
    goldens.map(({ tokens }) => tokens.length > maxTokens),
  );
  const exact = await segmentsOf(samples, { segmentMs: 4000, exactTokens: 3 });
  assert.deepEqual(
    exact.map(({ tokenIds, truncated }) => [tokenIds.length, truncated]),
    [
      [3, false],
      [3, false],
      [3, false],
    ],
  );
});

test('language and context reach every segment', async () => {
  const { samples, texts } = await speakSentences([0, 1]);
  const segments = await segmentsOf(samples, { segmentMs: 4000, language: 'en', context: 'kitchen' });
  assert.deepEqual(
    segments.map(({ text, language, raw }) => [text, language, raw]),
    texts.map((text) => [text, 'English', text]),
  );
});

test('tokens arrive with their log-probabilities, segment and order', async () => {
  const { samples } = await speakSentences([3, 1, 0]);
  const tokens: SegmentToken[] = [];
  const options = { segmentMs: 4000, batch: 2, onToken: (token: SegmentToken) => tokens.push(token) };
  for (const { index, tokenIds, logProbabilities } of await segmentsOf(samples, options)) {
    const own = tokens.filter(({ segment }) => segment === index);
    assert.deepEqual(
      own.map((token) => [token.index, token.id, token.logProbability]),
      tokenIds.map((id, i) => [i, id, logProbabilities[i]]),
    );
    assert.ok(logProbabilities.every((value) => value <= 1e-4 && value > -20));
  }
  const times = tokens.map(({ atMs }) => atMs);
  assert.deepEqual(
    times,
    times.toSorted((a, b) => a - b),
  );
});

test('the shares of the decode steps add up to the steps', async () => {
  const { samples } = await speakSentences([0, 1, 2, 3, 0]);
  let stepsMs = 0;
  const onDecodeStep = (ms: number) => {
    stepsMs += ms;
  };
  const segments = await segmentsOf(samples, { segmentMs: 4000, batch: 3, onDecodeStep });
  const sharesMs = segments.reduce((sum, { timings }) => sum + timings.decodeMs, 0);
  assert.ok(Math.abs(sharesMs - stepsMs) < 1e-6 * stepsMs, `${sharesMs} ${stepsMs}`);
  for (const { timings, tokenIds } of segments) {
    assert.equal(timings.decodeStepsMs.length, tokenIds.length - 1);
    const { melMs, convStemMs, encoderLayersMs, prefillMs, decodeMs, detokenizeMs, otherMs } = timings;
    const sumMs = melMs + convStemMs + encoderLayersMs + prefillMs + decodeMs + detokenizeMs + otherMs;
    assert.ok(Math.abs(sumMs - timings.totalMs) < 1e-6 * timings.totalMs, JSON.stringify(timings));
  }
});

test('skipSilence computes nothing for silence; without it the model says that it heard none', async () => {
  const silence = new Float32Array(12 * 16_000);
  const skipped = await segmentsOf(silence, { segmentMs: 4000, skipSilence: true });
  assert.deepEqual(
    skipped.map((segment) => [segment.skipped, segment.text, segment.tokenIds.length, segment.endMs]),
    [
      [true, '', 0, 4000],
      [true, '', 0, 8000],
      [true, '', 0, 12_000],
    ],
  );
  for (const { skipped: left, language, raw } of await segmentsOf(silence, { segmentMs: 4000 })) {
    assert.deepEqual([left, language, raw], [false, '', readGolden('demo/silence-3s').raw]);
  }
});

test('nothing runs but while the next segment is awaited, and leaving stops it', async () => {
  const { samples } = await speakSentences([0, 1, 2, 3, 0, 1]);
  let read = 0;
  let closed = false;
  const source = async function* () {
    try {
      for (let at = 0; at < samples.length; at += 16_000) {
        read++;
        yield samples.subarray(at, at + 16_000);
      }
    } finally {
      closed = true;
    }
  };
  const segments = demo.transcribeLong(source(), { segmentMs: 4000, batch: 2 });
  assert.equal(read, 0);
  await segments.next();
  const before = read;
  // Other calls on the model are not held up by somebody who does not go on.
  assert.equal(
    (await demo.transcribe(samples.subarray(0, 40_000)).result).text,
    'Set a timer for seven minutes.',
  );
  assert.equal(read, before);
  assert.ok(read < 24, `${read} seconds were read`);
  await segments.return();
  assert.ok(closed);
});

test('two long transcriptions share the model', async () => {
  const [first, second] = [await speakSentences([0, 1, 2]), await speakSentences([3, 2, 1])];
  const found = await Promise.all([
    segmentsOf(first.samples, { segmentMs: 4000, batch: 2 }),
    segmentsOf(second.samples, { segmentMs: 4000, batch: 2 }),
  ]);
  assert.deepEqual(found.map(textOf), [first.texts.join(' '), second.texts.join(' ')]);
});

test('a signal stops it, in the middle too, and the model stays usable', async () => {
  const { samples, texts } = await speakSentences([0, 1, 2, 3]);
  await assert.rejects(segmentsOf(samples, { signal: AbortSignal.abort() }), oneLineError('aborted'));
  const abort = new AbortController();
  const onToken = ({ segment, index }: SegmentToken) => {
    if (segment === 1 && index === 2) abort.abort();
  };
  await assert.rejects(
    segmentsOf(samples, { segmentMs: 4000, signal: abort.signal, onToken }),
    oneLineError('aborted'),
  );
  assert.equal(textOf(await segmentsOf(samples, { segmentMs: 4000 })), texts.join(' '));
});

test('close ends it', async () => {
  const model = await loadModel(demoModelDir);
  const { samples } = await speakSentences([0, 1, 2, 3, 0, 1]);
  const segments = model.transcribeLong(samples, { segmentMs: 4000, batch: 2 });
  await segments.next();
  await model.close();
  await assert.rejects(async () => {
    for await (const { index } of segments) assert.ok(index < 3, 'only what was finished before');
  }, oneLineError('closed'));
  await assert.rejects(model.transcribeLong(samples).next(), oneLineError('closed'));
});

for (const [what, options, source] of [
  ['batch 0', { batch: 0 }, new Float32Array(9000)],
  ['half a batch', { batch: 1.5 }, new Float32Array(9000)],
  ['segments under 1 s', { segmentMs: 500 }, new Float32Array(9000)],
  ['an unknown language', { language: 'Klingon' }, new Float32Array(9000)],
  ['no tokens', { maxTokens: 0 }, new Float32Array(9000)],
] as const) {
  test(`refused: ${what}`, async () => {
    await assert.rejects(segmentsOf(source, options), oneLineError('usage'));
  });
}

test('samples that are none are refused', async () => {
  await assert.rejects(segmentsOf(new Float32Array(0), {}), oneLineError('audio'));
  await assert.rejects(segmentsOf(Float32Array.of(0, Number.NaN), {}), oneLineError('audio'));
});

test('segments of several recordings are decoded together, and come out as they were given', async () => {
  const [first, second] = [await speakSentences([0, 1, 2]), await speakSentences([3, 2])];
  const given = async function* () {
    for (const { samples } of [first, second]) yield* segmentRecording(samples, { segmentMs: 4000 });
  };
  const rows: number[] = [];
  const found: TranscriptSegment[] = [];
  const numbers = new Set<number>();
  const options = {
    batch: 8,
    onDecodeStep: (_: number, count: number) => rows.push(count),
    onToken: ({ segment }: SegmentToken) => numbers.add(segment),
  };
  for await (const segment of demo.transcribeSegments(given(), options)) found.push(segment);
  assert.equal(textOf(found), [...first.texts, ...second.texts].join(' '));
  const starts = found.flatMap(({ index }, i) => (index === 0 ? [i] : []));
  assert.equal(starts.length, 2);
  assert.equal(found[starts[1]!]!.startMs, 0);
  assert.deepEqual(
    [...numbers].toSorted((a, b) => a - b),
    found.map((_, i) => i),
  );
  assert.equal(Math.max(...rows), found.length);
});
