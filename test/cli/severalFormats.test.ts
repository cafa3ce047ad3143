import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, test } from 'node:test';
import { demoModelDir } from '../support/projectRoot.js';
import { runHere } from '../support/runHere.js';

const folder = mkdtempSync(join(tmpdir(), 'qwen-asr-several-'));
after(() => rmSync(folder, { recursive: true }));

const asr = (...args: string[]) => runHere('qwen_asr', ['-d', 'models/demo', ...args]);
const TEXT = 'Set a timer for seven minutes.';

beforeEach(() => {
  for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true });
  copyFileSync(join(demoModelDir, 'samples', 'timer-en.wav'), join(folder, 'timer.wav'));
  copyFileSync(join(demoModelDir, 'samples', 'light-en.wav'), join(folder, 'light.wav'));
});

const read = (name: string) => readFileSync(join(folder, name), 'utf8');

test('several formats are files beside the recording, and standard output lists them', async () => {
  const outcome = await asr(join(folder, 'timer.wav'), '-o', 'txt,srt,json');
  const names = ['timer.txt', 'timer.srt', 'timer.json'];
  assert.deepEqual(outcome, {
    code: 0,
    stdout: names.map((name) => `${join(folder, name)}\n`).join(''),
    stderr: '',
  });
  assert.equal(read('timer.txt'), `${TEXT}\n`);
  assert.match(
    read('timer.srt'),
    /^1\n00:00:00,\d{3} --> 00:00:02,\d{3}\nSet a timer for seven minutes\.\n\n$/,
  );
  assert.equal(JSON.parse(read('timer.json')).text, TEXT);
});

test('with --output-dir they are there, for every recording', async () => {
  const out = join(folder, 'out');
  const outcome = await asr('-i', folder, '-o', 'vtt', '-o', 'lrc', '--output-dir', out);
  assert.deepEqual([outcome.code, outcome.stderr], [0, '']);
  const names = ['light.vtt', 'light.lrc', 'timer.vtt', 'timer.lrc'];
  assert.deepEqual(
    outcome.stdout.trimEnd().split('\n'),
    names.map((name) => join(out, name)),
  );
  assert.match(
    read(join('out', 'light.lrc')),
    /^\[00:00\.\d\d\]Turn on the kitchen light\.\n\[00:01\.\d\d\]\n$/,
  );
});

test('a format that is given twice is one, and then goes to standard output', async () => {
  const outcome = await asr(join(folder, 'timer.wav'), '-o', 'txt,txt', '-otxt');
  assert.deepEqual(outcome, { code: 0, stdout: `${TEXT}\n`, stderr: '' });
  assert.deepEqual(readdirSync(folder).sort(), ['light.wav', 'timer.wav']);
});

test('beside a recording nothing is replaced', async () => {
  writeFileSync(join(folder, 'timer.txt'), 'what somebody wrote');
  const refused = await asr(join(folder, 'timer.wav'), '-o', 'srt,txt');
  assert.match(refused.stderr, /^error: \S+timer\.txt: exists already; --output-dir DIR says where .*\n$/);
  assert.deepEqual([refused.code, refused.stdout, read('timer.txt')], [1, '', 'what somebody wrote']);
  assert.ok(!readdirSync(folder).includes('timer.srt'));
  const replaced = await asr(join(folder, 'timer.wav'), '-o', 'srt,txt', '--output-dir', folder);
  assert.deepEqual([replaced.code, read('timer.txt')], [0, `${TEXT}\n`]);
});

for (const [what, args, message] of [
  [
    'standard input',
    ['-i', '-', '-o', 'txt,srt'],
    /^error: standard input: expected --output-dir for several/,
  ],
  ['an unknown one of several', ['x.wav', '-o', 'txt,doc'], /^error: -o: expected txt or .*, found "doc"\n$/],
  [
    'log-probabilities without JSON',
    ['x.wav', '-o', 'txt,srt', '--logprobs'],
    /^error: (--logprobs|x\.wav): /,
  ],
] as const) {
  test(`refused: ${what}`, async () => {
    const { code, stdout, stderr } = await asr(...args);
    assert.match(stderr, message);
    assert.deepEqual([code, stdout], [1, '']);
  });
}
