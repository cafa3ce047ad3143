import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LiveStream } from '../../../src/transcribe/live/liveStream.js';
import type { StreamEvent, StreamOptions } from '../../../src/transcribe/live/streamTypes.js';
import { byteText } from './byteText.js';
import { PerfectListener, RATE_HZ, speech, wordOf } from './perfectListener.js';

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
