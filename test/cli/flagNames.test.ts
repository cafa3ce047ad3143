import assert from 'node:assert/strict';
import { test } from 'node:test';
import { messageWithFlags } from '../../src/cli/runCommand.js';
import { QwenAsrError } from '../../src/error.js';
import { runHere } from '../support/runHere.js';

const said = (option: string | undefined, ...args: string[]) =>
  messageWithFlags(
    new QwenAsrError('usage', 'expected 1, found 2', option === undefined ? {} : { option }),
    args,
  );

test('an option of the library is called by the flag that was typed', () => {
  assert.equal(said('threads', '-t', '2'), '-t: expected 1, found 2');
  assert.equal(said('threads', '--threads=2'), '--threads: expected 1, found 2');
  assert.equal(said('isa', '--isa', 'x'), '--isa: expected 1, found 2');
  assert.equal(said('maxTokens', '--max-tokens', '2'), '--max-tokens: expected 1, found 2');
  assert.equal(said('context', '--prompt', 'x'), '--prompt: expected 1, found 2');
  assert.equal(said(undefined, '-t', '2'), 'expected 1, found 2');
});

const CLIP = 'models/demo/samples/light-en.wav';

for (const [args, message] of [
  [['-t', '100000'], /^error: -t: expected a whole number .*, found 100000\n$/],
  [['--threads', '100000'], /^error: --threads: expected a whole number .*, found 100000\n$/],
  [['--isa', 'foo'], /^error: --isa: expected auto or one of .*, found "foo"\n$/],
  [
    ['--backend', 'reference', '--precision', 'bf16'],
    /^error: --precision: expected auto .*, found "bf16"\n$/,
  ],
  [
    ['--language', 'klingon'],
    /^error: --language: expected auto or one of English \(en\), .*; found "klingon"\n$/,
  ],
  [
    ['--batch', '99999999999'],
    /^error: --batch: expected a whole number from 1 to 1024, found 99999999999\n$/,
  ],
  [['--max-tokens', '99999999999'], /^error: --max-tokens: expected .* to 1048576, found 99999999999\n$/],
] as const) {
  test(`qwen_asr ${args.join(' ')}`, async () => {
    const { code, stdout, stderr } = await runHere('qwen_asr', ['-d', 'models/demo', '-i', CLIP, ...args]);
    assert.match(stderr, message);
    assert.deepEqual([code, stdout], [1, '']);
  });
}
