import assert from 'node:assert/strict';
import { test } from 'node:test';
import { transcriptDifference, transcriptIn } from '../../../src/bench/run/commandTranscript.js';

const OURS = 'Set a timer for seven minutes.';
const difference = (stdout: string, ours = OURS, language: string | null = 'English') =>
  transcriptDifference(ours, transcriptIn(stdout) ?? '', language);

test('the transcript is found in plain text, between times, in colours, in JSON and beside other lines', () => {
  for (const stdout of [
    'set a timer for 7 minutes\n',
    '[00:00:00.000 --> 00:00:01.100]   Set a timer\n[00:00:01.100 --> 00:00:02.400]   for seven minutes.\n',
    '\u001b[32mSet a timer for seven minutes.\u001b[0m\n',
    JSON.stringify({ text: 'Set a timer for seven minutes', duration: 2.4 }),
    'model loaded in 3 s\nSet a timer for seven minutes.\ndone\n',
  ]) {
    assert.equal(difference(stdout), null, stdout);
  }
  assert.equal(transcriptIn(' \n'), null);
  assert.equal(transcriptIn('{"segments": 3}'), null);
});

test('a difference is named with its size and both texts; another recording is no transcript of this one', () => {
  assert.deepEqual(difference('loading ...\nSet a time for seven minutes.'), {
    message:
      'its transcript differs from ours in 1 of 6 words: "set a time for 7 minutes", ours "set a timer for 7 minutes"',
    unrelated: false,
  });
  assert.equal(difference('hello')?.unrelated, true);
  assert.equal(difference('anything', ''), null); // silence: there is nothing to compare
  assert.match(difference('今天天气很好', '今天天气真好', 'Chinese')?.message ?? '', /in 1 of 6 characters/);
});
