import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { joinSamples } from '../../../src/audio/prepareSamples.js';
import { resample } from '../../../src/audio/resample.js';
import { QwenAsrError } from '../../../src/error.js';
import type { SpeechStream, StreamEvent, StreamOptions } from '../../../src/transcribe/live/streamTypes.js';
import { loadModel } from '../../../src/transcribe/loadModel.js';
import type { SpeechModel } from '../../../src/transcribe/types.js';
import { demoModelDir } from '../../support/projectRoot.js';
import { Random } from '../../support/random.js';
import { readStreamingClip, readStreamingGolden } from './streamingSupport.js';

const SECOND = 16_000;

let model: SpeechModel;
const finalTexts = Object.fromEntries(
  Object.entries(readStreamingGolden('golden.json')).map(([clip, steps]) => [clip, steps.at(-1)!.text]),
);

before(async () => {
  model = await loadModel(demoModelDir, { precision: 'f32' });
});

after(async () => {
  await model.close();
});

/** All events, until the stream ends. */
async function eventsOf(stream: SpeechStream): Promise<StreamEvent[]> {
  const events: StreamEvent[] = [];
  for await (const event of stream) events.push(event);
  return events;
}

/** Writes a recording in pieces, each when the stream is ready for it. */
async function transcribe(
  samples: Float32Array,
  options: StreamOptions,
  pieceLength: () => number = () => SECOND,
): Promise<StreamEvent[]> {
  const stream = model.openStream({ coalesce: false, ...options });
  const events = eventsOf(stream);
  for (let at = 0; at < samples.length; ) {
    const length = pieceLength();
    await stream.write(samples.subarray(at, at + length));
    at += length;
  }
  await stream.finish();
  return events;
}

const committedOf = (events: readonly StreamEvent[]): string =>
  events.map(({ committed }) => committed).join('');

/** Events without what depends on the clock. */
const untimed = (events: readonly StreamEvent[]) =>
  events.map(({ stepMs: _, behindMs: __, figures: ___, ...event }) => event);

/** Recordings one after the other, `pauseMs` of silence between them. */
function joined(recordings: readonly Float32Array[], pauseMs: number): Float32Array {
  const pause = new Float32Array((pauseMs * SECOND) / 1000);
  return joinSamples(recordings.flatMap((recording) => [recording, pause]));
}

test('segments end at pauses, and each has its own text', async () => {
  const clips = ['00-en.wav', '03-zh.wav', '02-es.wav'];
  const samples = joined(await Promise.all(clips.map(readStreamingClip)), 1500);
  const events = await transcribe(samples, {});
  const ends = events.filter(({ segmentText }) => segmentText !== null);
  assert.deepEqual(
    ends.map(({ segmentText }) => segmentText),
    clips.map((clip) => finalTexts[clip]),
  );
  assert.deepEqual(
    ends.map(({ language }) => language),
    ['English', 'Chinese', 'Spanish'],
  );
  const [english, chinese, spanish] = clips.map((clip) => finalTexts[clip]!) as [string, string, string];
  assert.equal(committedOf(events), english + chinese + spanish); // no space beside Chinese
  for (const { audioMs, segmentStartMs } of events) assert.ok(audioMs > segmentStartMs);
  for (const { segmentText, speechEndMs, audioMs } of events) {
    if (segmentText === null) assert.equal(speechEndMs, null);
    // 0.3 s of the pause are kept.
    else assert.ok(Math.abs(audioMs - 300 - speechEndMs!) < 1, `${speechEndMs} of ${audioMs}`);
  }
});

test('however the audio is written, the events are the same', async () => {
  const clips = ['04-en.wav', '07-zh.wav'];
  const samples = joined(await Promise.all(clips.map(readStreamingClip)), 1000);
  const expected = untimed(await transcribe(samples, {}));
  assert.ok(expected.length > 8);
  const random = new Random(7);
  const cuts = [() => 160, () => samples.length, () => random.integer(1, 20_000)];
  for (const cut of cuts) assert.deepEqual(untimed(await transcribe(samples, {}, cut)), expected);
});

test('what was committed is part of everything that follows', async () => {
  for (const [clip, text] of Object.entries(finalTexts)) {
    const events = await transcribe(await readStreamingClip(clip), { chunkMs: 1000 });
    let committed = '';
    for (const event of events) {
      committed += event.committed;
      assert.ok(!/[\ufffd\p{Cs}]/u.test(event.committed + event.tentative), `${clip}: a cut character`);
    }
    assert.equal(committed, events.at(-1)!.segmentText, clip);
    assert.ok(events.filter((event) => event.committed !== '').length > 2, `${clip}: ${text}`);
  }
});

test('audio of another rate is resampled on its way', async () => {
  const samples = await readStreamingClip('01-de.wav');
  // Every sample three times: 48 kHz with images above 8 kHz, which the resampler takes away.
  const tripled = Float32Array.from({ length: 3 * samples.length }, (_, i) => samples[Math.floor(i / 3)]!);
  const events = await transcribe(tripled, { sampleRateHz: 48_000 });
  assert.equal(committedOf(events), finalTexts['01-de.wav']);
});

test('samples beyond full scale are clamped, never divided by a peak to come', async () => {
  const samples = await readStreamingClip('00-en.wav');
  const loud = samples.slice();
  loud[30_000] = 40;
  const events = await transcribe(loud, {});
  const clamped = samples.slice();
  clamped[30_000] = 1;
  assert.deepEqual(untimed(events), untimed(await transcribe(clamped, {})));
});

test('endSegment ends a segment where the caller wants, without voice activity', async () => {
  const stream = model.openStream({ vad: false, coalesce: false });
  const events = eventsOf(stream);
  for (const clip of ['00-en.wav', '03-zh.wav']) {
    await stream.write(await readStreamingClip(clip));
    stream.endSegment();
    stream.endSegment(); // ends nothing
  }
  await stream.finish();
  const ends = (await events).filter(({ segmentText }) => segmentText !== null);
  assert.deepEqual(
    ends.map(({ segmentText }) => segmentText),
    [finalTexts['00-en.wav'], finalTexts['03-zh.wav']],
  );
});

test('at another rate, too: what the filter still holds is no segment of its own', async () => {
  const stream = model.openStream({ vad: false, coalesce: false, sampleRateHz: 48_000 });
  const events = eventsOf(stream);
  const clip = resample(await readStreamingClip('00-en.wav'), 16_000, 48_000);
  for (let turn = 0; turn < 2; turn++) {
    await stream.write(clip);
    stream.endSegment();
  }
  await stream.finish();
  const ends = (await events).filter(({ segmentText }) => segmentText !== null);
  assert.deepEqual(
    ends.map(({ segmentText, segmentStartMs }) => [segmentText, segmentStartMs]),
    [0, clip.length / 48].map((startMs) => [finalTexts['00-en.wav'], startMs]),
  );
});

test('clear forgets what is not committed, and what follows is heard', async () => {
  const stream = model.openStream({ coalesce: false });
  const events = eventsOf(stream);
  await stream.write((await readStreamingClip('02-es.wav')).subarray(0, SECOND));
  stream.clear();
  await stream.write(await readStreamingClip('00-en.wav'));
  await stream.finish();
  assert.equal(committedOf(await events), finalTexts['00-en.wav']);
  assert.ok((await events).every(({ committed }) => !committed.includes('alarma')));
});

test('several streams at once on one model do not disturb each other', async () => {
  const clips = ['00-en.wav', '01-de.wav', '03-zh.wav'];
  const texts = await Promise.all(
    clips.map(async (clip) => committedOf(await transcribe(await readStreamingClip(clip), {}))),
  );
  assert.deepEqual(
    texts,
    clips.map((clip) => finalTexts[clip]),
  );
});

test('who does not wait is taken all at once, and told when the step came late', async () => {
  const stream = model.openStream();
  const events = eventsOf(stream);
  void stream.write(await readStreamingClip('05-de.wav'));
  await stream.finish();
  const found = await events;
  assert.ok(found.length <= 2, `${found.length} steps`);
  assert.equal(committedOf(found), finalTexts['05-de.wav']);
});

test('a backlog has an end, and nothing is dropped in silence', async () => {
  const stream = model.openStream();
  const events = eventsOf(stream);
  const minute = new Float32Array(61 * SECOND);
  const first = stream.write(minute);
  await assert.rejects(stream.write(minute), (error) => {
    assert.ok(error instanceof QwenAsrError);
    assert.equal(error.code, 'memory');
    assert.match(error.message, /61 s of audio wait/);
    return true;
  });
  await first;
  await stream.finish();
  assert.deepEqual(await events, []);
});

test('leaving the loop closes the stream', async () => {
  const stream = model.openStream({ coalesce: false });
  const written = stream.write(await readStreamingClip('05-de.wav')).catch((error) => error);
  for await (const { tentative } of stream) {
    assert.ok(tentative.length > 0);
    break;
  }
  const refused = await written;
  assert.ok(refused === undefined || refused.code === 'closed');
  await assert.rejects(stream.write(new Float32Array(10)), { code: 'closed' });
  await stream.close();
});

test('a signal stops a stream, and everybody who waits hears of it', async () => {
  const stop = new AbortController();
  const stream = model.openStream({ signal: stop.signal });
  const events = eventsOf(stream);
  const written = stream.write(await readStreamingClip('05-de.wav'));
  stop.abort();
  await assert.rejects(written, { code: 'aborted' });
  await assert.rejects(events, { code: 'aborted' });
  await assert.rejects(stream.finish(), { code: 'aborted' });
  await stream.close();
});

test('a closed model ends its streams', async () => {
  const other = await loadModel(demoModelDir, { precision: 'f32', threads: 1 });
  const stream = other.openStream({ coalesce: false });
  const events = eventsOf(stream);
  const written = stream.write(await readStreamingClip('05-de.wav'));
  written.catch(() => {});
  await other.close();
  await assert.rejects(events, { code: 'closed' });
  await assert.rejects(written, { code: 'closed' });
  assert.throws(() => other.openStream(), { code: 'closed' });
});

test('what cannot be carried out is refused, in one line that names it', async () => {
  const refusals: readonly (readonly [options: object, expected: RegExp])[] = [
    [{ chunkMs: 100 }, /^chunkMs: expected a number from 500 to 30000, found 100$/],
    [{ language: 'Klingon' }, /Klingon/],
    [{ vad: { threshold: 2 } }, /^vad.threshold: expected/],
    [{ sampleRateHz: 12 }, /12/],
    [{ signal: 1 }, /^signal: expected an AbortSignal/],
  ];
  for (const [options, expected] of refusals) {
    assert.throws(
      () => model.openStream(options),
      (error) => error instanceof QwenAsrError && expected.test(error.message),
      JSON.stringify(options),
    );
  }
  const stream = model.openStream();
  await assert.rejects(stream.write(Float32Array.of(0, Number.NaN)), { code: 'audio' });
  await assert.rejects(stream.write([0] as unknown as Float32Array), { code: 'audio' });
  await stream.finish();
  await assert.rejects(stream.write(new Float32Array(1)), { code: 'closed' });
});
