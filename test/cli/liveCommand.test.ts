import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { LiveScreen } from '../../src/cli/live/liveReporter.js';
import type { StreamEvent } from '../../src/transcribe/live/streamTypes.js';
import { demoModelDir } from '../support/projectRoot.js';
import { runCli } from '../support/runCli.js';
import { emulateTerminal } from './support/emulateTerminal.js';

const scratch = mkdtempSync(join(tmpdir(), 'qwen-asr-live-'));
after(() => rmSync(scratch, { recursive: true }));

const samplesDir = join(demoModelDir, 'samples');
const TEXTS: Readonly<Record<string, { text: string }>> = JSON.parse(
  readFileSync(join(samplesDir, 'texts.json'), 'utf8'),
);
const textOf = (name: string): string => TEXTS[name]!.text;
const wavOf = (name: string): Buffer => readFileSync(join(samplesDir, `${name}.wav`));
/** The samples of a WAV file with a plain header. */
const pcmOf = (name: string): Buffer => wavOf(name).subarray(44);

const STREAM = ['-d', 'models/demo', '--stream'];

test('a WAV file comes through a pipe, and goes out as a line a segment', async () => {
  const { code, stdout, stderr } = await runCli('qwen_asr', [...STREAM, '-i', '-'], {
    input: wavOf('timer-en'),
  });
  assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: `${textOf('timer-en')}\n`, stderr: '' });
});

test('a header that does not know its length is believed in all else', async () => {
  const wav = Buffer.from(wavOf('timer-en'));
  wav.writeUInt32LE(0xffffffff, 4);
  wav.writeUInt32LE(0xffffffff, 40);
  const { code, stdout } = await runCli('qwen_asr', [...STREAM, '-i', '-'], { input: wav });
  assert.deepEqual({ code, stdout }, { code: 0, stdout: `${textOf('timer-en')}\n` });
});

test('raw samples come with their format, of several channels too', async () => {
  const mono = pcmOf('lamp-zh');
  const stereo = Buffer.alloc(2 * mono.length);
  for (let at = 0; at < mono.length; at += 2) {
    mono.copy(stereo, 2 * at, at, at + 2);
    mono.copy(stereo, 2 * at + 2, at, at + 2);
  }
  const args = [...STREAM, '-i', '-', '--raw', 's16le:16000:2', '--pace', 'max'];
  const { code, stdout } = await runCli('qwen_asr', args, { input: stereo });
  assert.deepEqual({ code, stdout }, { code: 0, stdout: `${textOf('lamp-zh')}\n` });
});

test('every event is a line of JSON, and what is committed put together is the text', async () => {
  const args = [...STREAM, '-i', join(samplesDir, 'morning-en.wav'), '--pace', 'max', '-o', 'jsonl'];
  const { code, stdout } = await runCli('qwen_asr', args);
  assert.equal(code, 0);
  const events = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as StreamEvent & { type: string });
  assert.ok(events.filter(({ type }) => type === 'step').length > 2);
  assert.equal(events.at(-1)!.type, 'segment');
  assert.equal(events.map(({ committed }) => committed).join(''), textOf('morning-en'));
});

/** A recorder that plays samples 100 ms at a time, at the pace of the clock or faster, and then does what it is told. */
function fakeRecorder(name: string, pauseMs: number, end: string): string {
  const pcm = join(scratch, `${name}.pcm`);
  writeFileSync(pcm, pcmOf(name));
  const script = join(scratch, `${name}-${pauseMs}.mjs`);
  writeFileSync(
    script,
    `import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
const bytes = readFileSync(${JSON.stringify(pcm)});
for (let at = 0; at < bytes.length; at += 3200) {
  process.stdout.write(bytes.subarray(at, at + 3200));
  await setTimeout(${pauseMs});
}
${end}
`,
  );
  return `"${process.execPath}" "${script}"`;
}

test('a machine that does not keep pace loses nothing, and it is said', async () => {
  // Plain loops, in chunks that are far too short for them, and speech at one and a half times its pace: at five times a
  // slow machine would be through after two steps.
  const env = { QWEN_ASR_RECORDER: fakeRecorder('travel-de', 60, '') };
  const args = ['-d', 'models/demo', '--mic', '--backend', 'reference', '--chunk', '0.5'];
  const { stdout, stderr } = await runCli('qwen_asr', args, { env });
  assert.equal(stdout, `${textOf('travel-de')}\n`);
  assert.match(
    stderr,
    /^note: steps take longer than the 0\.5 s of audio they are for, so text comes less often$/m,
  );
});

test('a microphone that vanishes is an error, after all that was said', async () => {
  const end = "process.stderr.write('device unplugged\\n'); process.exitCode = 3;";
  const env = { QWEN_ASR_RECORDER: fakeRecorder('timer-en', 20, end) };
  const saved = join(scratch, 'heard.wav');
  const { code, stdout, stderr } = await runCli('qwen_asr', ['-d', 'models/demo', '--mic', '--save', saved], {
    env,
  });
  assert.equal(stdout, `${textOf('timer-en')}\n`);
  assert.match(stderr, /^note: listening; Ctrl-C ends\nerror: microphone: .* ended \(device unplugged\)\n$/);
  assert.equal(code, 1);
  assert.deepEqual(readFileSync(saved).subarray(44), pcmOf('timer-en'));
  const again = await runCli('qwen_asr', ['-d', 'models/demo', '--mic', '--save', saved], { env });
  assert.equal(again.code, 1);
  assert.match(again.stderr, /heard\.wav/);
});

test('the first Ctrl-C ends what is heard, and the rest is transcribed', async () => {
  const env = { QWEN_ASR_RECORDER: fakeRecorder('weather-de', 10, 'await setTimeout(1e9);') };
  const { code, stdout, stderr } = await runCli('qwen_asr', ['-d', 'models/demo', '--mic', '-o', 'jsonl'], {
    env,
    onStart: (child) => setTimeout(() => child.kill('SIGINT'), 6000),
  });
  assert.equal(stderr, 'note: listening; Ctrl-C ends\n');
  assert.equal(code, 0);
  const events = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as StreamEvent);
  assert.equal(events.map(({ committed }) => committed).join(''), textOf('weather-de'));
});

test('SIGTERM ends with 143, and what stood is out', async () => {
  const env = { QWEN_ASR_RECORDER: fakeRecorder('morning-en', 30, 'await setTimeout(1e9);') };
  const { code, stdout, stderr } = await runCli('qwen_asr', ['-d', 'models/demo', '--mic', '--chunk', '1'], {
    env: { ...env },
    onStart: (child) => setTimeout(() => child.kill('SIGTERM'), 8000),
  });
  assert.equal(stderr, 'note: listening; Ctrl-C ends\n');
  assert.equal(code, 143);
  assert.ok(stdout === '' || textOf('morning-en').startsWith(stdout.trimEnd().split('\n').join(' ')), stdout);
});

test('a reader that leaves ends the command', async () => {
  const args = [...STREAM, '-i', join(samplesDir, 'morning-en.wav'), '--pace', 'max', '-o', 'jsonl'];
  const { code } = await runCli('qwen_asr', args, {
    onOutput: (_, child) => child.stdout?.destroy(),
  });
  assert.equal(code, 0);
});

test('without a recorder the command says what it looked for', async () => {
  const { code, stderr } = await runCli('qwen_asr', ['-d', 'models/demo', '--mic'], {
    env: { PATH: scratch },
  });
  assert.equal(code, 1);
  assert.match(stderr, /^error: microphone: expected one of parecord, arecord, .* on the PATH, found none/);
});

const REFUSALS: readonly (readonly [args: string[], expected: RegExp])[] = [
  [['--stream'], /^error: -i: expected a recording, or -, found none/],
  [['--stream', '-i', 'a.wav', 'b.wav'], /^error: --stream: expected one recording, found 2/],
  [['--mic', '-i', 'a.wav'], /^error: --mic: expected no recording beside it, found a\.wav/],
  [['--stream', '-i', '-', '-o', 'srt'], /^error: --stream: expected -o txt or jsonl, found srt/],
  [['--stream', '-i', '-', '--batch', '2'], /^error: --stream: --batch is for recordings/],
  [['--stream', '-i', 'a.wav', '--raw', 's16le:16000'], /^error: --raw: describes standard input/],
  [['--stream', '-i', '-', '--raw', 'mp3'], /^error: --raw: expected a format such as s16le:16000/],
  [['-i', 'a.wav', '--save', 'b.wav'], /^error: --save: is for text while it is spoken/],
];
for (const [args, expected] of REFUSALS) {
  test(`${args.join(' ')} is refused`, async () => {
    const { code, stdout, stderr } = await runCli('qwen_asr', ['-d', 'models/demo', ...args]);
    assert.match(stderr, expected);
    assert.deepEqual({ code, stdout }, { code: 1, stdout: '' });
  });
}

test('what is no WAV file is refused, with what would describe it', async () => {
  const { code, stderr } = await runCli('qwen_asr', [...STREAM, '-i', '-'], { input: pcmOf('timer-en') });
  assert.equal(code, 1);
  assert.match(stderr, /^error: standard input: expected a WAV file .* raw samples need their format/);
});

test('on a terminal what stands stays, and what may change is drawn anew', () => {
  const event = (committed: string, tentative: string, segmentText: string | null = null): StreamEvent => ({
    committed,
    tentative,
    segmentText,
    speechEndMs: null,
    audioMs: 0,
    segment: 0,
    segmentStartMs: 0,
    language: '',
    lagging: false,
    behindMs: 0,
    stepMs: 0,
    figures: null,
  });
  for (const columns of [10, 24, 80]) {
    let output = '';
    const screen = new LiveScreen(
      (text) => {
        output += text;
      },
      () => ({ columns, rows: 24 }),
    );
    const shown = (): string => emulateTerminal(output, columns).join('').replaceAll(' ', '');
    screen.event(event('', 'Gut tag'));
    assert.equal(shown(), 'Guttag');
    screen.event(event('Guten', ' Tag, wie geht es ihm denn heute'));
    assert.equal(shown(), 'GutenTag,wiegehtesihmdennheute');
    screen.event(event(' Tag, wie geht es', ' Ihnen?'));
    screen.event(event(' Ihnen?', '', 'Guten Tag, wie geht es Ihnen?'));
    screen.event(event('', ' 从十二数'));
    screen.event(event(' 从十二数到五十。', '', '从十二数到五十。'));
    screen.close();
    assert.equal(shown(), 'GutenTag,wiegehtesIhnen?从十二数到五十。');
    assert.ok(output.includes('\u001b[90m'));
  }
});
