import assert from 'node:assert/strict';
import { test } from 'node:test';
import { voiceWav } from './support/clips.js';
import { ENCODE, skipWithout } from './support/encoders.js';
import { decodeMutations, repairOgg } from './support/mutations.js';

test('5,000 damaged Ogg Opus files are decoded or refused in one line, part 2 of 2', {
  skip: skipWithout('opusenc'),
}, async () => {
  const file = ENCODE.opus(voiceWav({ seconds: 0.3, sampleRateHz: 44_100, channels: 2 }));
  const { decoded, failed } = await decodeMutations(file, {
    firstSeed: 5001,
    count: 5_000,
    repair: repairOgg,
  });
  assert.ok(decoded > 166 && failed > 50, `${decoded} decoded, ${failed} refused`);
});
