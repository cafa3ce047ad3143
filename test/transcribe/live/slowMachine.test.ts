import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { playRecording } from '../../../src/bench/stream/playRecording.js';
import type { StepInput, StepOutcome } from '../../../src/transcribe/live/liveStep.js';
import { LiveStream } from '../../../src/transcribe/live/liveStream.js';
import { byteText } from './byteText.js';
import { PerfectListener, RATE_HZ, speech, wordOf } from './perfectListener.js';

/** A listener who makes no mistakes, on a machine whose steps take as long as a test says. */
class SlowListener extends PerfectListener {
  readonly #work: (seconds: number) => void;

  /** @param work moves the clock on, for a step over so much of a segment */
  constructor(work: (seconds: number) => void) {
    super();
    this.#work = work;
  }

  override step(input: StepInput): Promise<StepOutcome> {
    this.#work(input.samples.length / RATE_HZ);
    return super.step(input);
  }
}

const WORDS = 240;

/** Two minutes without a pause, spoken by a clock that goes on by what steps take, and heard in chunks of 2 s. */
async function hear(t: TestContext, stepMs: (seconds: number) => number) {
  let nowMs = 0;
  t.mock.method(performance, 'now', () => nowMs);
  const listener = new SlowListener((seconds) => {
    nowMs += stepMs(seconds);
  });
  const stream = new LiveStream(byteText, { vad: false, language: 'German' }, () => listener);
  const heard = await playRecording(stream, speech(WORDS), { pace: 'simulated' });
  const text = heard.map(({ event }) => event.committed).join('');
  assert.equal(text, Array.from({ length: WORDS }, (_, index) => wordOf(index)).join(' '));
  return heard.filter(({ event }) => event.segmentText === null);
}

test('steps that keep pace are on time, also where one segment ends and the next has begun', async (t) => {
  const steps = await hear(t, () => 950);
  assert.ok(steps.length > 45, `${steps.length} steps`);
  assert.ok(steps.every(({ event }) => !event.lagging));
});

for (const [what, stepMs] of [
  ['of 2.6 s each', () => 2600],
  ['that take longer the more of a segment there is', (seconds: number) => 1500 + 60 * seconds],
] as const) {
  test(`steps ${what}: chunks lengthen until they keep pace, every word is heard, and it is said`, async (t) => {
    const steps = await hear(t, stepMs);
    const late = steps.filter(({ event }) => event.lagging);
    assert.ok(late.length > steps.length / 4, `${late.length} of ${steps.length}`);
    let longestMs = 0;
    for (const [i, { atMs, event }] of steps.entries()) {
      const before = steps[i - 1];
      if (before === undefined || before.event.segment !== event.segment) continue;
      const chunkMs = event.audioMs - before.event.audioMs;
      longestMs = Math.max(longestMs, chunkMs);
      // What came while the steps before were made, and no less than a chunk.
      assert.ok(chunkMs >= 2000 && chunkMs <= 2 * stepMs(30) + 100, `step ${i}: ${chunkMs} ms`);
      assert.equal(event.lagging, chunkMs >= 2250, `step ${i}: ${chunkMs} ms`);
      // Text is never further behind than two steps: the backlog does not grow.
      assert.ok(atMs - event.audioMs <= 2 * stepMs(30) + 200, `step ${i}: ${atMs - event.audioMs} ms behind`);
    }
    assert.ok(longestMs > 2250);
  });
}
