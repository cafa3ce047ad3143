import assert from 'node:assert/strict';
import { test } from 'node:test';
import { audioTokenCount } from '../../src/encoder/tokenCounts.js';

/** Outputs of a convolution, from the general formula: ⌊(n + 2·padding − kernel)/stride⌋ + 1. */
function convolved(length: number, kernel = 3, stride = 2, padding = 1): number {
  return Math.floor((length + 2 * padding - kernel) / stride) + 1;
}

/** Splits frames into chunks, pads nothing, and counts what three convolutions leave of each. */
function simulated(frames: number, chunkFrames: number): number {
  let tokens = 0;
  for (let start = 0; start < frames; start += chunkFrames) {
    tokens += convolved(convolved(convolved(Math.min(chunkFrames, frames - start))));
  }
  return tokens;
}

test('token counts are those of the convolutions, for every length up to 50 s', () => {
  for (let frames = 0; frames <= 5000; frames++) {
    assert.equal(audioTokenCount(frames), simulated(frames, 100), `${frames} frames`);
  }
  for (const chunkFrames of [8, 50, 64, 200]) {
    for (let frames = 0; frames <= 700; frames++) {
      assert.equal(audioTokenCount(frames, chunkFrames), simulated(frames, chunkFrames));
    }
  }
});

test('known counts', () => {
  assert.deepEqual(
    [0, 1, 8, 9, 99, 100, 101, 500].map((n) => audioTokenCount(n)),
    [0, 1, 1, 2, 13, 13, 14, 65],
  );
});
