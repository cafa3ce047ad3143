import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { transcribeCommand } from '../../src/cli/transcribeCommand.js';
import { transcribeUsage } from '../../src/cli/transcribeOptions.js';
import { goldenDir, projectRoot } from '../support/projectRoot.js';
import { runCli } from '../support/runCli.js';
import { runHere } from '../support/runHere.js';

const asr = (...args: string[]) => runHere('qwen_asr', args);

const clip = (name: string) => join('models', 'demo', 'samples', `${name}.wav`);
const SAMPLES = join('models', 'demo', 'samples');
const golden = (name: string) =>
  JSON.parse(readFileSync(join(goldenDir, 'demo', name, 'golden.json'), 'utf8'));

test('the text of a recording goes to standard output, alone', async () => {
  for (const [name, text] of [
    ['timer-en', 'Set a timer for seven minutes.'],
    ['weather-de', 'Wie ist das Wetter heute in Hamburg?'],
  ] as const) {
    assert.deepEqual(await asr('-d', 'models/demo', '-i', clip(name)), {
      code: 0,
      stdout: `${text}\n`,
      stderr: '',
    });
  }
});

test('silence is an empty line; the sub-command has a name too', async () => {
  const outcome = await asr('transcribe', '-d', 'models/demo', '-i', clip('silence-3s'));
  assert.deepEqual(outcome, { code: 0, stdout: '\n', stderr: '' });
});

test('-i - reads the WAV from standard input', async () => {
  const input = readFileSync(join(projectRoot, clip('light-en')));
  const outcome = await runCli('qwen_asr', ['-d', 'models/demo', '-i', '-'], { input });
  assert.deepEqual(outcome, { code: 0, stdout: 'Turn on the kitchen light.\n', stderr: '' });
});

test('--json has the text, language, token ids and timings of the golden', async () => {
  const { code, stdout, stderr } = await asr('-d', 'models/demo', '-i', clip('music-es'), '--json');
  assert.deepEqual([code, stderr], [0, '']);
  const document = JSON.parse(stdout);
  const expected = golden('music-es');
  assert.deepEqual([document.schema, document.version], ['qwen-asr-transcript', 1]);
  assert.equal(document.text, expected.text);
  assert.equal(document.language, expected.language);
  assert.deepEqual(document.tokenIds, expected.tokens);
  assert.equal(document.truncated, false);
  const { timings } = document;
  const parts = ['audio', 'mel', 'convStem', 'encoderLayers', 'prefill', 'decode', 'detokenize', 'other'];
  const sumMs = parts.reduce((sum, part) => sum + timings[`${part}Ms`], 0);
  assert.ok(Math.abs(sumMs - timings.totalMs) < 1e-6 * timings.totalMs, JSON.stringify(timings));
});

test('--json on silence: no text, and null for the language that nobody spoke', async () => {
  const { stdout } = await asr('-d', 'models/demo', '-i', clip('silence-3s'), '--json');
  const { text, language } = JSON.parse(stdout);
  assert.deepEqual([text, language], ['', null]);
});

test('--language and --prompt reach the model', async () => {
  const forced = golden('timer-en-forced');
  const json = (...args: string[]) => asr('-d', 'models/demo', '--json', ...args);
  const { stdout } = await json('-i', clip('timer-en'), '--language', 'english');
  assert.deepEqual(JSON.parse(stdout).tokenIds, forced.tokens);
  // The context whose prompt ids the golden lists.
  const context = 'Lights: kitchen, bedroom.\nPlain text: <|im_end|>';
  const prompted = JSON.parse((await json('-i', clip('light-en'), '--prompt', context)).stdout);
  const expected = golden('light-en-context');
  assert.deepEqual([prompted.tokenIds, prompted.promptTokens], [expected.tokens, expected.prompt_ids.length]);
});

test('--max-tokens ends early and says so', async () => {
  const { code, stdout, stderr } = await asr(
    '-d',
    'models/demo',
    '-i',
    clip('timer-en'),
    '--max-tokens',
    '4',
    '--json',
  );
  assert.equal(code, 0);
  assert.match(stderr, /^note: stopped after 4 tokens.*--max-tokens.*\n$/);
  const document = JSON.parse(stdout);
  assert.equal(document.truncated, true);
  assert.deepEqual(document.tokenIds, golden('timer-en').tokens.slice(0, 4));
});

test('random weights: the text is labelled as meaningless', async () => {
  const { code, stderr } = await asr('-d', 'synthetic:tiny', '-i', clip('light-en'), '--max-tokens', '2');
  assert.equal(code, 0);
  assert.match(stderr, /^note: .*random.*meaningless\n/);
});

test('on a terminal the text appears piece by piece and is not printed twice', async () => {
  const pieces: string[] = [];
  const code = await transcribeCommand({
    args: ['-d', join(projectRoot, 'models', 'demo'), '-i', join(projectRoot, clip('timer-en'))],
    signal: new AbortController().signal,
    out: (text) => pieces.push(text),
    err: (text) => assert.fail(text),
    outIsTerminal: true,
    errIsTerminal: true,
  });
  assert.equal(code, 0);
  assert.equal(pieces.join(''), 'Set a timer for seven minutes.\n');
  assert.ok(pieces.filter((piece) => piece !== '').length > 3, JSON.stringify(pieces));
});

test('-h prints the help', async () => {
  assert.deepEqual(await asr('-h'), { code: 0, stdout: transcribeUsage(), stderr: '' });
  assert.match(transcribeUsage(), /^Examples:\n {2}qwen_asr -d /m);
});

test('more threads than CPUs are noted once', async () => {
  const threads = String(availableParallelism() + 1);
  const { code, stderr } = await asr('-d', 'models/demo', '-i', clip('timer-en'), '-t', threads);
  assert.equal(code, 0);
  assert.match(
    stderr,
    /^note: (more threads \(-t\) than the \d+ CPUs? available: .*|the reference backend .*)\n$/,
  );
});

for (const [what, args, message] of [
  ['missing model', ['-d', 'nowhere', '-i', clip('timer-en')], /^error: nowhere: /],
  ['missing recording', ['-d', 'models/demo', '-i', 'no.wav'], /^error: no\.wav: /],
  ['not a recording', ['-d', 'models/demo', '-i', 'package.json'], /^error: package\.json: /],
  ['nothing on standard input', ['-d', 'models/demo', '-i', '-'], /^error: standard input: /],
  [
    'unknown language',
    ['-d', 'models/demo', '-i', clip('timer-en'), '--language', 'Klingon'],
    /^error: .*English.*"Klingon"/,
  ],
  ['no model', ['-i', clip('timer-en')], /^error: -d: expected a model directory, found none; .*-h/],
  ['no recording', ['-d', 'models/demo'], /^error: -i: expected a recording, found none; .*-h/],
  ['nothing', [], /^error: -d: /],
  ['check without a model', ['check'], /^error: check: -d: expected a model directory, found none/],
  [
    'synthesize without a directory',
    ['synthesize', 'tiny'],
    /^error: synthesize: expected a size .* tiny alone/,
  ],
  [
    'mistyped option',
    ['-d', 'models/demo', '--ouput-dir', 'x'],
    /^error: unknown option --ouput-dir \(did you mean --output-dir\?\); -h lists the options$/m,
  ],
  [
    'the beginning of an option',
    ['--lang=de'],
    /unknown option --lang=de \(did you mean --language\?\)|unknown option --lang \(did/,
  ],
  ['one dash too few', ['-input', 'x'], /unknown option -input \(did you mean --input\?\)/],
  [
    'mistyped sub-command',
    ['chekc', '-d', 'models/demo'],
    /^error: unknown sub-command chekc \(did you mean check\?\)/,
  ],
  ['no sub-command', ['gibberish', '-d', 'models/demo'], /^error: gibberish: no such file/],
  ['unknown format', ['-d', 'models/demo', '-i', clip('timer-en'), '-o', 'doc'], /^error: -o: .*"doc"/],
  [
    'half a second',
    ['-d', 'models/demo', '-i', clip('timer-en'), '--segment', '0.5'],
    /^error: --segment: .*"0\.5"/,
  ],
  ['no batch', ['-d', 'models/demo', '-i', clip('timer-en'), '--batch', '0'], /^error: --batch: .*"0"/],
  [
    'nowhere to list them',
    ['-d', 'models/demo', '-i', clip('timer-en'), '--logprobs'],
    /^error: --logprobs: .*jsonl/,
  ],
  [
    'a file for a directory',
    ['-d', 'models/demo', '-i', clip('timer-en'), '--output-dir', 'package.json'],
    /^error: package\.json: /,
  ],
  ['one SRT of several', ['-d', 'models/demo', '-i', SAMPLES, '-o', 'srt'], /^error: -o srt: .*--output-dir/],
] as const) {
  test(`misuse: ${what}`, async () => {
    const { code, stdout, stderr } = await asr(...args);
    assert.match(stderr, message);
    assert.equal(stderr.indexOf('\n'), stderr.length - 1, stderr);
    assert.deepEqual([code, stdout], [1, '']);
  });
}

test('stack traces are for people who ask for them', async () => {
  const args = ['-d', 'nowhere', '-i', clip('timer-en')];
  const { stderr } = await runCli('qwen_asr', args, { env: { QWEN_ASR_DEBUG: '1' } });
  assert.match(stderr, /^error: nowhere: .*\nQwenAsrError: .*\n {4}at /);
});
