import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { transcribeCommand } from '../../src/cli/transcribeCommand.js';
import { goldenDir, projectRoot } from '../support/projectRoot.js';
import { Random } from '../support/random.js';
import { runCli } from '../support/runCli.js';
import { runHere } from '../support/runHere.js';
import { FIFTEEN, speakSentences } from '../support/sentences.js';
import { wavOf16Bit } from '../support/wavWriter.js';

const asr = (...args: string[]) => runHere('qwen_asr', args);

const SAMPLES = join('models', 'demo', 'samples');
const clip = (name: string) => join(SAMPLES, `${name}.wav`);
const golden = (name: string) =>
  JSON.parse(readFileSync(join(goldenDir, 'demo', name, 'golden.json'), 'utf8'));

/** All samples, in the order of their names, and what the model hears in them. */
const ALL = [
  'lamp-zh',
  'light-en',
  'morning-en',
  'music-es',
  'silence-3s',
  'timer-en-noisy',
  'timer-en',
  'travel-de',
  'weather-de',
];

test('a directory gives a line for every recording', async () => {
  const { code, stdout, stderr } = await asr('-d', 'models/demo', '-i', SAMPLES);
  assert.deepEqual([code, stderr], [0, '']);
  const lines = ALL.map((name) => `${clip(name)}: ${golden(name).text}`);
  assert.deepEqual(stdout.split('\n'), [...lines, '']);
});

test('one bad file never stops the rest, and the exit code says so', async () => {
  const files = [clip('timer-en'), 'package.json', 'missing.wav', clip('light-en')];
  const { code, stdout, stderr } = await asr('-d', 'models/demo', ...files, '-o', 'json');
  assert.equal(code, 1);
  assert.match(stderr, /^error: missing\.wav: .*\nerror: package\.json: .*\n$/);
  const documents = JSON.parse(stdout);
  assert.deepEqual(
    documents.map(({ input, text, error }: { input: string; text?: string; error?: { code: string } }) => [
      input,
      text ?? error?.code,
    ]),
    [
      ['missing.wav', 'file'],
      // It is read while the first is decoded.
      ['package.json', 'audio'],
      [clip('timer-en'), golden('timer-en').text],
      [clip('light-en'), golden('light-en').text],
    ],
  );
});

test('-o jsonl has a line for every segment before that of its recording', async () => {
  const { stdout } = await asr(
    '-d',
    'models/demo',
    '-i',
    clip('timer-en'),
    '-i',
    clip('light-en'),
    '-o',
    'jsonl',
    '--logprobs',
  );
  const documents = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    documents.map(({ type, input, text }) => [type, input, text]),
    ['timer-en', 'light-en'].flatMap((name) =>
      ['segment', 'transcript'].map((type) => [type, clip(name), golden(name).text]),
    ),
  );
  assert.equal(documents[0].logProbabilities.length, golden('timer-en').tokens.length);
});

test('--output-dir writes a file for every recording and lists them', async () => {
  const scratch = mkdtempSync(join(tmpdir(), 'qwen-asr-out-'));
  try {
    const args = ['-i', clip('music-es'), '-i', clip('silence-3s'), '-o', 'srt', '--output-dir', scratch];
    const { code, stdout, stderr } = await asr('-d', 'models/demo', ...args);
    const [music, silence] = ['music-es', 'silence-3s'].map((name) => join(scratch, `${name}.srt`)) as [
      string,
      string,
    ];
    assert.deepEqual([code, stderr], [0, '']);
    // Where there is no speech there is nothing to wait for.
    assert.deepEqual(stdout.split('\n').sort(), ['', music, silence]);
    assert.match(
      readFileSync(music, 'utf8'),
      /^1\n00:00:00,\d{3} --> 00:00:01,\d{3}\nPon música en la cocina\.\n\n$/,
    );
    assert.equal(readFileSync(silence, 'utf8'), '');
  } finally {
    rmSync(scratch, { recursive: true });
  }
});

test('a recording is answered while standard input is still open', async () => {
  const second = readFileSync(clip('timer-en'));
  const { code, stdout, stderr } = await runCli('qwen_asr', ['-d', 'models/demo', clip('light-en'), '-'], {
    input: null,
    onOutput: (_, { stdin }) => stdin?.end(second), // not before the first is there
  });
  assert.deepEqual([code, stderr], [0, '']);
  const lines = [`${clip('light-en')}: ${golden('light-en').text}`, `-: ${golden('timer-en').text}`, ''];
  assert.deepEqual(stdout.split('\n'), lines);
});

test('--segment cuts a long recording, and its text is that of the sentences', async () => {
  const { samples, texts } = await speakSentences(FIFTEEN, 0.3);
  const input = wavOf16Bit([...samples].map((value) => Math.round(value * 32_768)));
  const run = (...args: string[]) =>
    runCli('qwen_asr', ['-d', 'models/demo', '-i', '-', '--segment', '4', ...args], { input });
  assert.deepEqual(await run(), { code: 0, stdout: `${texts.join(' ')}\n`, stderr: '' });
  const { stdout } = await run('-o', 'vtt', '--batch', '2');
  const cues = stdout
    .split('\n\n')
    .slice(1, -1)
    .map((cue) => cue.split('\n'));
  assert.deepEqual(
    cues.map(([, text]) => text),
    texts,
  );
  for (const [times] of cues) assert.match(times!, /^00:0\d:\d\d\.\d{3} --> 00:0\d:\d\d\.\d{3}$/);
});

test('--skip-silence leaves out what is silent', async () => {
  const { stdout } = await asr('-d', 'models/demo', '-i', clip('silence-3s'), '--skip-silence', '-o', 'json');
  const { text, language, tokenIds, segments } = JSON.parse(stdout);
  assert.deepEqual([text, language, tokenIds], ['', null, []]);
  assert.deepEqual([segments.length, segments[0].skipped, segments[0].endMs], [1, true, 3000]);
});

test('--vad gives a cue for every sentence, at its time, with noise between them too', async () => {
  const { samples, texts } = await speakSentences([0, 1, 2, 3, 1, 0]);
  const random = new Random(21);
  const codes = [...samples].map((value) => Math.round(value * 32_768) + random.integer(-60, 60));
  const { stdout, stderr } = await runCli(
    'qwen_asr',
    ['-d', 'models/demo', '-i', '-', '--vad', '-o', 'srt'],
    { input: wavOf16Bit(codes) },
  );
  assert.equal(stderr, '');
  const cues = stdout
    .split('\n\n')
    .slice(0, -1)
    .map((cue) => cue.split('\n'));
  assert.deepEqual(
    cues.map(([, , text]) => text),
    texts,
  );
  for (const [i, [, times]] of cues.entries()) {
    const [start, end] = times!.split(' --> ').map(cueSeconds);
    // A sentence begins within 0.1 s of every fourth second and takes 2 to 3 s; 0.3 s before it and after it are kept.
    assert.ok(Math.abs(start! - Math.max(0, 4 * i - 0.25)) < 0.35, `cue ${i}: ${times}`);
    assert.ok(end! > 4 * i + 1.5 && end! < 4 * i + 3, `cue ${i}: ${times}`);
  }
});

/** Seconds of `HH:MM:SS,mmm`. */
function cueSeconds(time: string): number {
  const [hours, minutes, seconds] = time.replace(',', '.').split(':').map(Number);
  return 3600 * hours! + 60 * minutes! + seconds!;
}

test('--vad writes nothing for silence, noise and hum, and says how much was heard', async () => {
  const random = new Random(23);
  const recordings: Readonly<Record<string, (index: number) => number>> = {
    silence: () => 0,
    noise: () => random.integer(-9000, 9000),
    hum: (i) => Math.round(9000 * Math.sin((2 * Math.PI * 50 * i) / 16_000)),
  };
  const scratch = mkdtempSync(join(tmpdir(), 'qwen-asr-no-speech-'));
  try {
    const paths = Object.entries(recordings).map(([name, code]) => {
      const path = join(scratch, `${name}.wav`);
      writeFileSync(path, wavOf16Bit(Array.from({ length: 5 * 16_000 }, (_, i) => code(i))));
      return path;
    });
    const run = await asr('-d', 'models/demo', ...paths, '--vad', '-o', 'json', '--prompt', 'kitchen');
    assert.deepEqual([run.code, run.stderr], [0, '']);
    for (const { text, language, segments, durationMs, heardMs } of JSON.parse(run.stdout)) {
      assert.deepEqual([text, language, segments, durationMs, heardMs], ['', null, [], 5000, 0]);
    }
    const plain = await asr('-d', 'models/demo', '-i', paths[0]!, '--vad');
    assert.deepEqual([plain.code, plain.stdout], [0, '\n']);
  } finally {
    rmSync(scratch, { recursive: true });
  }
});

test('--segment bounds the length of what --vad finds', async () => {
  const run = await asr(
    '-d',
    'models/demo',
    '-i',
    clip('morning-en'),
    '--vad',
    '--segment',
    '3',
    '-o',
    'json',
  );
  const { segments, heardMs, durationMs } = JSON.parse(run.stdout);
  assert.ok(segments.length >= 4, `${segments.length} segments`);
  for (const { startMs, endMs } of segments) assert.ok(endMs - startMs <= 3000, `${endMs - startMs} ms`);
  assert.ok(heardMs > 8000 && heardMs <= durationMs, `${heardMs} of ${durationMs} ms`);
});

test('progress and the time left are drawn on a terminal, and nowhere else', async () => {
  const { samples } = await speakSentences([0, 1, 2, 3]);
  const scratch = mkdtempSync(join(tmpdir(), 'qwen-asr-progress-'));
  const path = join(scratch, 'four.wav');
  writeFileSync(path, wavOf16Bit([...samples].map((value) => Math.round(value * 32_768))));
  const run = async (errIsTerminal: boolean) => {
    const drawn: string[] = [];
    await transcribeCommand({
      args: ['-d', join(projectRoot, 'models', 'demo'), '-i', path, '--segment', '4', '--batch', '1'],
      signal: new AbortController().signal,
      out: () => {},
      err: (text) => drawn.push(text),
      outIsTerminal: false,
      errIsTerminal,
    });
    return drawn.join('');
  };
  assert.match(await run(true), /0:00 of 0:16/);
  assert.equal(await run(false), '');
  rmSync(scratch, { recursive: true });
});
