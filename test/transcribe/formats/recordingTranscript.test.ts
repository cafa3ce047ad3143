import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recordingOf, segmentSaying } from './support.js';

test('texts, languages and truncation of the segments are those of the recording', () => {
  const segments = [
    segmentSaying('Good morning.', { index: 0 }),
    segmentSaying('', { index: 1 }),
    segmentSaying('Guten Tag.', { index: 2, language: 'German', truncated: true }),
  ];
  const { text, language, truncated, durationMs } = recordingOf(segments);
  assert.deepEqual(
    [text, language, truncated, durationMs],
    ['Good morning. Guten Tag.', 'English,German', true, 6000],
  );
  assert.equal(recordingOf(segments.slice(0, 2)).truncated, false);
});

test('phases are summed, and the rest of the wall time is other', () => {
  // A segment's phases are 1, 2, 4, 8, 16 and 32 ms.
  const { timings } = recordingOf([segmentSaying('a'), segmentSaying('b', { index: 1 })]);
  assert.deepEqual(timings, {
    audioMs: 16,
    melMs: 2,
    convStemMs: 4,
    encoderLayersMs: 8,
    prefillMs: 16,
    decodeMs: 32,
    detokenizeMs: 64,
    otherMs: 1000 - 16 - 126,
    totalMs: 1000,
  });
});
