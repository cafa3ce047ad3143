import assert from 'node:assert/strict';
import { test } from 'node:test';
import { voiceWav } from './support/clips.js';
import { ENCODE, skipWithout } from './support/encoders.js';
import { decodeMutations } from './support/mutations.js';

test('10,000 damaged MP3 files are decoded or refused in one line', {
  skip: skipWithout('lame'),
}, async () => {
  const file = ENCODE.mp3(voiceWav({ seconds: 0.3, channels: 1 }));
  const { decoded, failed } = await decodeMutations(file, { firstSeed: 1, count: 10_000 });
  assert.ok(decoded > 333 && failed > 100, `${decoded} decoded, ${failed} refused`);
});
