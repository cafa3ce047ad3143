import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StepComputer, StepInput, StepOutcome } from '../../../src/transcribe/live/liveStep.js';
import { LiveStream } from '../../../src/transcribe/live/liveStream.js';
import type { StreamEvent, StreamOptions } from '../../../src/transcribe/live/streamTypes.js';
import { byteText, byteTokenizer } from './byteText.js';

/*
 * Speech without pauses, heard by a listener who makes no mistakes: every word is a level that its samples hold for 0.4 s,
 * and 0.1 s that are nearly quiet follow. A word that has not ended is heard wrong. So whatever is missing, double or wrong
 * in the text was made so by the stream.
 */

const RATE_HZ = 16_000;
const WORD_SAMPLES = 0.4 * RATE_HZ;
const GAP_SAMPLES = 0.1 * RATE_HZ;
const LEVELS = 1000;

const wordOf = (index: number): string => `word${index}`;

/** So many words, one after the other. */
function speech(words: number): Float32Array {
  const samples = new Float32Array(words * (WORD_SAMPLES + GAP_SAMPLES));
  for (let index = 0; index < words; index++) {
    const start = index * (WORD_SAMPLES + GAP_SAMPLES);
    samples.fill((index + 1) / LEVELS, start, start + WORD_SAMPLES);
  }
  return samples;
}

/** What is heard in samples. */
function textOf(samples: Float32Array): string {
  const words: string[] = [];
  for (let at = 0; at < samples.length; ) {
    let end = at + 1;
    while (end < samples.length && samples[end] === samples[at]) end++;
    const index = Math.round(samples[at]! * LEVELS) - 1;
    if (index >= 0) words.push(end - at === WORD_SAMPLES ? wordOf(index) : `x${index}`);
    at = end;
  }
  return words.join(' ');
}

class PerfectListener implements StepComputer {
  /** The longest segment that was heard, in samples. */
  longest = 0;

  async step({ samples, prefixIds }: StepInput): Promise<StepOutcome> {
    this.longest = Math.max(this.longest, samples.length);
    const prefix = byteTokenizer.decode(prefixIds);
    const text = textOf(samples);
    // What stands is gone on with, right or wrong, as a model would.
    const rest = text.startsWith(prefix) ? text.slice(prefix.length) : ' (something else)';
    return { ids: byteTokenizer.encode(rest), ended: true, figures: FIGURES };
  }

  reset(): void {}

  release(): void {}
}

const FIGURES = {
  melMs: 0,
  convStemMs: 0,
  encoderLayersMs: 0,
  prefillMs: 0,
  decodeMs: 0,
  audioTokens: 0,
  encodedTokens: 0,
  prefilledTokens: 0,
  draftTokens: 0,
  acceptedTokens: 0,
  decodedTokens: 0,
  floorMoved: false,
};

async function transcribe(samples: Float32Array, options: StreamOptions, pieceLength: number) {
  const listener = new PerfectListener();
  const stream = new LiveStream(byteText, { vad: false, language: 'German', ...options }, () => listener);
  const events: StreamEvent[] = [];
  const written = (async () => {
    for (let at = 0; at < samples.length; at += pieceLength) {
      await stream.write(samples.subarray(at, at + pieceLength));
    }
    await stream.finish();
  })();
  for await (const event of stream) events.push(event);
  await written;
  return { events, listener };
}

for (const coalesce of [true, false]) {
  for (const [chunkMs, pieceLength] of [
    [2000, 1600],
    [2000, 7777],
    [700, 512],
    [5000, 40_000],
  ] as const) {
    test(`three minutes without a pause: no word twice, none lost (${chunkMs} ms, ${pieceLength} at once, coalesce ${coalesce})`, async () => {
      const words = 360;
      const { events, listener } = await transcribe(speech(words), { coalesce, chunkMs }, pieceLength);
      const expected = Array.from({ length: words }, (_, index) => wordOf(index)).join(' ');
      assert.equal(events.map(({ committed }) => committed).join(''), expected);
      const ends = events.filter(({ segmentText }) => segmentText !== null);
      assert.ok(ends.length >= 6 && ends.length <= 8, `${ends.length} segments`);
      assert.ok(listener.longest <= 30 * RATE_HZ);
      // Text stands long before the segment ends.
      const early = events.filter(({ committed, segmentText }) => committed !== '' && segmentText === null);
      assert.ok(early.length > (chunkMs === 5000 ? 10 : 40) / (coalesce ? 2 : 1), `${early.length} commits`);
    });
  }
}

test('what is tentative behind a possible cut is said again by the next segment, not before', async () => {
  const { events } = await transcribe(speech(120), { coalesce: false }, 1600);
  let committed = '';
  for (const event of events) {
    committed += event.committed;
    const seconds = event.audioMs / 1000;
    const spoken = Math.floor(seconds / 0.5) + 1;
    const count = committed.split(' ').filter((word) => word !== '').length;
    assert.ok(count <= spoken, `${count} words stand after ${seconds} s`);
    assert.ok(!committed.includes('x'), committed.slice(-60));
  }
});
