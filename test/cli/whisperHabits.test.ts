import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseOptions } from '../../src/cli/options.js';
import { TRANSCRIBE_OPTIONS } from '../../src/cli/transcribeOptions.js';
import { WHISPER_HABITS, withoutHabits } from '../../src/cli/whisperHabits.js';
import { oneLineError } from '../model/support/oneLineError.js';
import { runHere } from '../support/runHere.js';

const ours = (...args: string[]) => withoutHabits(TRANSCRIBE_OPTIONS, args);

/** Command lines from the help of both programs, and what they are in ours. */
const MEANT: readonly (readonly [theirs: string, ours: string])[] = [
  // whisper.cpp
  ['-m model -l de a.wav', '--model model --language de a.wav'],
  ['-m model --file a.wav -t 4', '--model model --input a.wav -t 4'],
  ['a.wav -otxt -osrt -ovtt', 'a.wav --format txt --format srt --format vtt'],
  ['a.wav -olrc -oj -ojf', 'a.wav --format lrc --format json --format json'],
  ['--output-srt --output-txt a.wav', '--format srt --format txt a.wav'],
  ['--output-vtt --output-lrc --output-json', '--format vtt --format lrc --format json'],
  ['--output-json-full a.wav', '--format json a.wav'],
  ['-nt -np -pp -ng a.wav', 'a.wav'],
  ['--no-timestamps --no-prints --print-progress --no-gpu a.wav', 'a.wav'],
  // openai-whisper
  ['a.mp3 --model 0.6b --language German', 'a.mp3 --model 0.6b --language German'],
  ['a.mp3 --output_format srt --output_dir out', 'a.mp3 --format srt --output-dir out'],
  ['a.mp3 --output_format=vtt --output_dir=out', 'a.mp3 --format=vtt --output-dir=out'],
  ['a.mp3 --output_format all', 'a.mp3 --format txt,vtt,srt,tsv,json'],
  ['a.mp3 --word_timestamps True --output_format=srt', 'a.mp3 --timestamps word --format=srt'],
  ['a.mp3 --initial_prompt names --threads 2', 'a.mp3 --prompt names --threads 2'],
  ['a.mp3 --task transcribe --device cpu --fp16 False', 'a.mp3'],
  ['a.mp3 --task=transcribe', 'a.mp3'],
  // Values and what follows -- are nobody's habits.
  ['--prompt -m -i -l -d -np', '--prompt -m -i -l -d -np'],
  ['-i a.wav -- -m -osrt', '-i a.wav -- -m -osrt'],
  ['-osrt,vtt a.wav', '-osrt,vtt a.wav'],
];

for (const [theirs, expected] of MEANT) {
  test(`${theirs}: ${expected}`, () => assert.deepEqual(ours(...theirs.split(' ')).join(' '), expected));
}

test('what could mean two things, or nothing here, is answered with what to write', () => {
  for (const [args, advice] of [
    [['-f', 'a.wav'], /^-f: write -i FILE for a recording, -o FORMAT for an output format; -h/],
    [['-f', 'srt'], /^-f: write -i FILE .*-o FORMAT/],
    [['-of', 'out'], /^-of: write --output-dir DIR/],
    [['--task', 'translate'], /^--task: leave it out: the models write what is spoken/],
    [['--task=translate'], /^--task: leave it out/],
    [['--device', 'cuda'], /^--device: leave it out: everything runs on the CPU/],
    [['--fp16', 'True'], /^--fp16: write --precision bf16/],
    [['-tr'], /^-tr: leave it out/],
    [['-ocsv'], /^-ocsv: write -o tsv/],
    [['-bs', '5'], /^-bs: leave it out: the likeliest token/],
    [['-ml', '1'], /^-ml: leave it out: cues have at most two lines of 42 columns/],
  ] as const) {
    assert.throws(() => ours(...args), oneLineError('usage', advice), args.join(' '));
  }
});

test('every habit is one of ours in the end, or advice', () => {
  for (const [typed, habit] of Object.entries(WHISPER_HABITS)) {
    if ('advice' in habit && !('isSo' in habit)) {
      assert.throws(() => ours(typed, 'x'), oneLineError('usage'), typed);
      continue;
    }
    const value =
      'to' in habit
        ? [typed === '--word_timestamps' ? 'True' : 'srt']
        : 'isSo' in habit && habit.isSo !== null
          ? [habit.isSo]
          : [];
    const { positionals } = parseOptions(TRANSCRIBE_OPTIONS, ours(typed, ...value, 'a.wav'), 1);
    assert.deepEqual(positionals, ['a.wav'], typed);
  }
});

test('none of our own options is a habit of others', () => {
  for (const [name, { short }] of Object.entries(TRANSCRIBE_OPTIONS) as [string, { short?: string }][]) {
    assert.ok(!(`--${name}` in WHISPER_HABITS), name);
    assert.ok(short === undefined || !(`-${short}` in WHISPER_HABITS), short);
  }
});

test('a command of whisper.cpp and one of openai-whisper, with our model', async () => {
  const clip = 'models/demo/samples/timer-en.wav';
  const cpp = await runHere('qwen_asr', ['-m', 'models/demo', '-l', 'en', '-nt', '-np', clip]);
  assert.deepEqual(cpp, { code: 0, stdout: 'Set a timer for seven minutes.\n', stderr: '' });
  const openai = ['--model', 'models/demo', '--language', 'English', '--output_format', 'tsv', clip];
  const tsv = await runHere('qwen_asr', openai);
  assert.match(tsv.stdout, /^start\tend\ttext\n\d+\t\d+\tSet a timer for seven minutes\.\n$/);
});
