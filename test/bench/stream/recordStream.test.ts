import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StreamPlan } from '../../../src/bench/plan/benchPlan.js';
import { BLANK_RUN } from '../../../src/bench/run/recordRun.js';
import type { HeardEvent } from '../../../src/bench/stream/playRecording.js';
import { recordStream } from '../../../src/bench/stream/recordStream.js';
import { liveEvent, liveFigures } from '../support/liveResult.js';

const SIMULATED: StreamPlan = { chunkSeconds: 2, pace: 'simulated' };

function record(result: readonly HeardEvent[], plan = SIMULATED, isMeasured = false, totalMs = 500) {
  const observed = { result, startedAt: '2026-03-01T12:00:00Z', totalMs, interference: null, memory: null };
  return recordStream(observed, plan, isMeasured);
}

/** Two segments: one of ten equal words, and one that is quieter. */
const HEARD: readonly HeardEvent[] = [
  {
    atMs: 3100,
    event: liveEvent({
      segmentStartMs: 1000,
      audioMs: 3000,
      tentative: '',
      stepMs: 100,
      figures: liveFigures(),
    }),
  },
  {
    atMs: 5200,
    event: liveEvent({
      ...{ segmentStartMs: 1000, audioMs: 5000, stepMs: 120, lagging: true },
      ...{ committed: 'aa bb', tentative: ' cc dd', figures: liveFigures({ floorMoved: true }) },
    }),
  },
  {
    atMs: 6900,
    event: liveEvent({
      ...{ segmentStartMs: 1000, audioMs: 6300, stepMs: 80, speechEndMs: 6000 },
      ...{
        committed: ' cc dd ee',
        segmentText: 'aa bb cc dd ee',
        figures: liveFigures({ decodedTokens: 4 }),
      },
    }),
  },
  {
    atMs: 9000,
    event: liveEvent({
      ...{ segment: 1, segmentStartMs: 7000, audioMs: 8300, speechEndMs: 8000, language: 'German' },
      ...{ committed: ' ff', segmentText: 'ff', figures: liveFigures({ draftTokens: 0, acceptedTokens: 0 }) },
    }),
  },
];

test('delays are counted from when it was spoken to when it could be read', () => {
  const { stream, text, language } = record(HEARD);
  assert.deepEqual([text, language], ['aa bb cc dd ee ff', 'English,German']);
  assert.deepEqual(
    stream?.segments.map(({ firstWordsMs, finalMs, text: of }) => [firstWordsMs, finalMs, of]),
    [
      [4200, 900, 'aa bb cc dd ee'], // shown at 5.2 s, 4.2 s after 1 s; speech ended at 6 s, its text came at 6.9 s
      [2000, 1000, 'ff'],
    ],
  );
  // Five words share the speech from 1 to 6 s: they end at 2, 3, 4, 5 and 6 s. One of two columns takes 250 ms each at most.
  const delays = stream!.commitDelaysMs;
  assert.deepEqual(
    delays.map((ms) => Math.round(ms)),
    [5200 - 1500, 5200 - 2000, 6900 - 2500, 6900 - 3000, 6900 - 3500, 9000 - 7500],
  );
});

test('steps have what they cost; what was shown and said otherwise is counted', () => {
  const { stream, phases, totalMs, tokens, encodeMs, decodeMs } = record(HEARD);
  assert.deepEqual(
    stream?.steps.map(({ heardMs, stepMs, late, floorMoved, ends }) => [
      heardMs,
      stepMs,
      late,
      floorMoved,
      ends,
    ]),
    [
      [2000, 100, false, false, false],
      [4000, 120, true, true, false],
      [5300, 80, false, false, true],
      [1300, 0, false, false, true],
    ],
  );
  assert.equal(tokens, 6 + 6 + 4 + 6);
  assert.deepEqual([stream?.revisedTokens, stream?.shownTokens], [3 * (5 - 3), 22]);
  assert.deepEqual([encodeMs, decodeMs], [4 * (1 + 2 + 4), 4 * (8 + 16)]);
  // 300 of 500 ms are of steps; what of them is in no phase is the rest.
  assert.equal(phases.segmentMs, 200);
  assert.equal(phases.otherMs, 300 - 4 * (1 + 2 + 4 + 8 + 16));
  const parts = Object.values(phases).reduce<number>((sum, ms) => sum + (ms ?? 0), 0);
  assert.equal(parts, totalMs);
});

test("at the recording's pace the waiting is the rest; random weights revise nothing that means anything", () => {
  const { stream, phases } = record(HEARD, { ...SIMULATED, pace: 'recording' }, true, 9000);
  assert.deepEqual([phases.segmentMs, phases.otherMs], [null, 9000 - 4 * 31]);
  assert.deepEqual([stream?.revisedTokens, stream?.shownTokens], [null, null]);
  assert.deepEqual(stream?.commitDelaysMs, []);
  assert.deepEqual(
    stream?.segments.map(({ firstWordsMs, finalMs }) => [firstWordsMs, finalMs]),
    [
      [null, 900],
      [null, 1000],
    ],
  );
});

test('a recording without speech has neither steps nor segments', () => {
  const { stream, text } = record([]);
  assert.deepEqual([text, stream?.steps, stream?.segments, stream?.commitDelaysMs], ['', [], [], []]);
  assert.equal(BLANK_RUN.stream, null);
});
