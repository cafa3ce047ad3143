import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { checkBenchResult } from '../../src/bench/output/readResult.js';
import { benchUsage } from '../../src/cli/benchOptions.js';
import { version } from '../../src/cli/commonOptions.js';
import { demoModelDir, projectRoot } from '../support/projectRoot.js';
import { runCli } from '../support/runCli.js';
import { runHere } from '../support/runHere.js';

const bench = (...args: string[]) => runHere('qwen_asr_bench', args);
/** The same as a process of its own. */
const started = (...args: string[]) => runCli('qwen_asr_bench', args);

const scratch = mkdtempSync(join(tmpdir(), 'qwen-asr-bench-'));
after(() => rmSync(scratch, { recursive: true }));

const CLIP = 'models/demo/samples/timer-en.wav';
const CLIP_TEXT = 'Set a timer for seven minutes.';
/** Seconds of the clip, as the mode line prints them. */
const CLIP_SECONDS = ((readFileSync(join(projectRoot, CLIP)).length - 44) / 2 / 16_000).toFixed(1);

const HEAD = (model: string) =>
  `system_info: n_threads = \\d+ / ${availableParallelism()}\n\nLoading model from ${model} \\.\\.\\.\n`;
const ROW = (title: string, digits: number, unit: string) =>
  `${title.padEnd(10)}(?=.{${digits === 2 ? 30 : 29}}  )( +\\d+\\.\\d{${digits}}){3}  ${unit}\n`;
const PIPELINE_TABLE = `\n               min      mean       max\n${ROW('total', 1, 'ms')}${ROW('encode', 1, 'ms')}${ROW('decode', 1, 'ms')}${ROW('rt_factor', 2, 'x RT')}`;
const ENCODER_TABLE = `\n               min      mean       max\n${ROW('encode', 1, 'ms')}${ROW('per layer', 1, 'ms/layer')}`;
const SUMMARY =
  '\\nmedian \\d+\\.\\d ms, 95 % interval from 6 runs on, disturbed: (\\d of \\d runs|not known on this system)\\n';
const runLine = (index: number, runs: number, tokens: string) =>
  `  run ${index}/${runs}:  total=[ \\d]{6} ms  enc=[ \\d]{6} ms  dec=[ \\d]{6} ms  tokens=${tokens}  rt=\\d+\\.\\d\\dx\n`;
const whole = (...parts: string[]) => new RegExp(`^${parts.join('')}$`);

test('-h prints the help and ends with 0', async () => {
  for (const option of ['-h', '--help']) {
    assert.deepEqual(await started(option), { code: 0, stdout: benchUsage(), stderr: '' });
  }
});

test('--version prints the version of package.json', async () => {
  const manifest = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8'));
  assert.deepEqual(await started('--version'), { code: 0, stdout: `${manifest.version}\n`, stderr: '' });
  assert.equal(version(), manifest.version);
});

test('without -d the mistake and the usage go to standard error and the exit code is 1', async () => {
  const stderr = `error: -d: expected a model directory, found none\n\n${benchUsage()}`;
  assert.deepEqual(await bench('-n', '2'), { code: 1, stdout: '', stderr });
});

test('-w 0 on a recording prints the lines of the contract and nothing else', async () => {
  const { code, stdout, stderr } = await started('-d', 'models/demo', '-i', CLIP, '-n', '2');
  assert.equal(stderr, '');
  assert.match(
    stdout,
    whole(
      HEAD('models/demo'),
      `Mode: full pipeline  \\|  2 run\\(s\\)  \\|  ${CLIP_SECONDS} s  \\[${CLIP}\\]\n\n  warmup \\.\\.\\.\n`,
      runLine(1, 2, '[1-9]\\d*'),
      runLine(2, 2, '[1-9]\\d*'),
      PIPELINE_TABLE,
      SUMMARY,
    ),
  );
  assert.equal(code, 0);
});

test('-w 1 on a recording prints the lines of the contract and nothing else', async () => {
  const frames = Math.floor((readFileSync(join(projectRoot, CLIP)).length - 44) / 2 / 160);
  const { code, stdout, stderr } = await bench('-d', 'models/demo', '-i', CLIP, '-n', '2', '-w', '1');
  assert.equal(stderr, '');
  assert.match(
    stdout,
    whole(
      HEAD('models/demo'),
      `Mode: encoder only  \\|  2 run\\(s\\)  \\|  ${frames} frames \\(${CLIP_SECONDS} s\\)  \\[${CLIP}\\]\n\n`,
      // 229 frames: two full chunks of 13 tokens and 29 frames, ceil(29 / 8) = 4.
      `  run 1/2:  enc=[ \\d]{6} ms  seq_len=30\n  run 2/2:  enc=[ \\d]{6} ms  seq_len=30\n`,
      ENCODER_TABLE,
      SUMMARY,
    ),
  );
  assert.equal(code, 0);
});

test('silence is the default: 5 seconds, 500 frames, 65 tokens, no text', async () => {
  const pipeline = await bench('-d', 'models/demo', '-n', '1');
  assert.match(
    pipeline.stdout,
    /Mode: full pipeline {2}\| {2}1 run\(s\) {2}\| {2}5\.0 s {2}\[synthetic silence\]\n/,
  );
  assert.match(pipeline.stdout, new RegExp(runLine(1, 1, '0')));
  const encoder = await bench('--model', 'models/demo', '--runs', '1', '--what', '1');
  assert.match(encoder.stdout, /\| {2}500 frames \(5\.0 s\) {2}\[synthetic silence\]\n/);
  assert.match(encoder.stdout, /seq_len=65\n/);
});

test('-s takes decimals; --tokens decodes exactly that many', async () => {
  const { code, stdout } = await bench('-d', 'models/demo', '-n', '1', '-s', '1.5', '--tokens', '4');
  assert.match(stdout, /\| {2}1\.5 s {2}\[synthetic silence\]\n/);
  assert.match(stdout, new RegExp(runLine(1, 1, '4')));
  assert.equal(code, 0);
});

test('synthetic:tiny decodes 3 tokens a second and says that the text is meaningless', async () => {
  const { code, stdout, stderr } = await bench('-d', 'synthetic:tiny', '-n', '1', '-s', '2');
  assert.equal(stderr, '');
  assert.match(
    stdout,
    whole(
      HEAD('synthetic:tiny'),
      'Mode: full pipeline  \\|  1 run\\(s\\)  \\|  2\\.0 s  \\[synthetic silence\\]\n\n  warmup \\.\\.\\.\n',
      runLine(1, 1, '6'),
      PIPELINE_TABLE,
      '\nnote: .*meaningless.*6 tokens.*3 a second.*\n',
      SUMMARY,
    ),
  );
  assert.equal(code, 0);
});

test('-t 1 is what the reference backend runs on; more is noted on standard error', async () => {
  const args = ['-d', 'models/demo', '-n', '1', '-s', '1', '-w', '1', '--backend', 'reference'];
  const one = await bench(...args, '-t', '1');
  const three = await bench(...args, '-t', '3');
  assert.match(one.stdout, /^system_info: n_threads = 1 \/ /);
  assert.equal(one.stderr, '');
  assert.match(three.stdout, /^system_info: n_threads = 1 \/ /);
  assert.match(three.stderr, /^note: the reference backend runs on 1 thread.*\n$/);
});

test('more threads than CPUs are noted once', async () => {
  const cpus = availableParallelism();
  const args = ['-n', '1', '-s', '1', '-w', '1', '-t', `${cpus + 1},${cpus + 2}`];
  const { code, stderr } = await bench('-d', 'models/demo', ...args);
  assert.equal(code, 0);
  // The reference backend runs on one thread, whatever was asked.
  assert.match(
    stderr,
    /^note: (more threads \(-t\) than the \d+ CPUs? available: .*|the reference backend .*)\n$/,
  );
});

for (const flags of [['-o', 'json'], ['--json']]) {
  test(`${flags.join(' ')}: the data alone on standard output, the text on standard error`, async () => {
    const { code, stdout, stderr } = await bench('-d', 'models/demo', '-i', CLIP, '-n', '2', ...flags);
    assert.match(stderr, whole(HEAD('models/demo'), '[^]*', PIPELINE_TABLE, SUMMARY));
    const document = JSON.parse(stdout);
    const { kind, complete, cells, audio, models, environment } = checkBenchResult(document, 'stdout');
    assert.deepEqual([kind, complete, cells.length], ['benchmark', true, 1]);
    assert.equal(environment?.allowedCpus, availableParallelism());
    assert.equal(audio[0]?.path, CLIP);
    assert.equal(models[0]?.synthetic, false);
    const [cell] = cells;
    assert.equal(cell?.settings.mode, 'pipeline');
    assert.equal(cell?.warmups.length, 1);
    assert.equal(cell?.runs.length, 2);
    for (const { text, language, phases, encodeMs, decodeMs, totalMs } of cell?.runs ?? []) {
      assert.equal(text, CLIP_TEXT);
      assert.equal(language, 'English');
      assert.equal(encodeMs, (phases.melMs ?? 0) + (phases.convStemMs ?? 0) + (phases.encoderLayersMs ?? 0));
      assert.equal(decodeMs, (phases.prefillMs ?? 0) + (phases.decodeMs ?? 0));
      assert.ok(totalMs >= (encodeMs ?? 0) + (decodeMs ?? 0));
    }
    assert.equal(code, 0);
  });
}

const truncatedModel = join(scratch, 'truncated');
cpSync(demoModelDir, truncatedModel, { recursive: true });
truncateSync(join(truncatedModel, 'model.safetensors'), 100_000);
const brokenWav = join(scratch, 'broken.wav');
writeFileSync(brokenWav, 'RIFF, but nothing else');

/** Every misuse: one line on standard error that names what and why, nothing on standard output, exit code 1. */
const MISUSES: readonly [what: string, args: readonly string[], message: RegExp][] = [
  ['-n 0', ['-d', 'models/demo', '-n', '0'], /^error: -n: .*1.*"0"/],
  ['-n huge', ['-d', 'models/demo', '-n', '99999999999'], /^error: -n: .*100000.*"99999999999"/],
  ['--warmup huge', ['-d', 'models/demo', '--warmup', '1e9'], /^error: --warmup: .*"1e9"/],
  ['-n word', ['-d', 'models/demo', '-n', 'many'], /^error: -n: .*"many"/],
  ['-t 0', ['-d', 'models/demo', '-t', '0'], /^error: -t: .*1 or more.*"0"/],
  ['-t negative', ['-d', 'models/demo', '-t', '-1'], /^error: -t: .*"-1"/],
  ['--tokens 0', ['-d', 'models/demo', '--tokens', '0'], /^error: --tokens: .*"0"/],
  ['-w 2', ['-d', 'models/demo', '-w', '2'], /^error: -w: expected 0 or 1, found "2"/],
  ['-s 0.5', ['-d', 'models/demo', '-s', '0.5'], /^error: -s: .*1 to 300.*"0\.5"/],
  ['-s 301', ['-d', 'models/demo', '-s', '301'], /^error: -s: .*"301"/],
  ['-s word', ['-d', 'models/demo', '-s', 'long'], /^error: -s: .*"long"/],
  ['unknown option', ['-d', 'models/demo', '--fast'], /^error: unknown option --fast/],
  ['mistyped option', ['-d', 'models/demo', '--langauge', 'de'], /--langauge \(did you mean --language\?\)/],
  [
    'one dash too few',
    ['-d', 'models/demo', '-threads', '2'],
    /option -threads \(did you mean --threads\?\)/,
  ],
  ['mistyped sub-command', ['comapre', 'a', 'b'], /sub-command comapre \(did you mean compare\?\)/],
  ['mistyped option of --vs', ['-d', 'models/demo', '--vs', '--thread 2'], /--vs: .*mean --threads\?/],
  [
    'unknown language',
    ['-d', 'models/demo', '--language', 'Klingon'],
    /^error: --language: .*English.*"Klingon"/,
  ],
  [
    'unknown language of --vs',
    ['-d', 'models/demo', '--vs', '--language Klingon'],
    /^error: --language: .*"Klingon"/,
  ],
  ['unknown option, no -d', ['-x'], /^error: unknown option -x/],
  ['missing value', ['-d', 'models/demo', '-i'], /^error: -i: expected a value \(FILE\)/],
  ['stray argument', ['-d', 'models/demo', 'clip.wav'], /^error: unexpected argument "clip\.wav"/],
  ['unknown format', ['-d', 'models/demo', '-o', 'xml'], /^error: -o: .*"xml"/],
  ['unknown backend', ['-d', 'models/demo', '--backend', 'gpu'], /^error: --backend: .*"gpu"/],
  ['missing directory', ['-d', 'no/such/model'], /^error: no\/such\/model: /],
  ['file as directory', ['-d', CLIP], /^error: models\/demo\/samples\/timer-en\.wav: .*directory/],
  ['not a model', ['-d', 'docs'], /^error: docs: /],
  ['broken model', ['-d', truncatedModel], /^error: .*model\.safetensors/],
  ['unknown synthetic size', ['-d', 'synthetic:huge'], /^error: .*"huge"/],
  ['unknown synthetic seed', ['-d', 'synthetic:tiny:x'], /^error: .*"x"/],
  ['missing file', ['-d', 'models/demo', '-i', 'no.wav'], /^error: no\.wav: /],
  ['directory as file', ['-d', 'models/demo', '-i', 'docs'], /^error: docs: /],
  ['broken WAV', ['-d', 'models/demo', '-i', brokenWav], /^error: .*broken\.wav: /],
];

for (const [what, args, message] of MISUSES) {
  test(`misuse: ${what}`, async () => {
    const { code, stdout, stderr } = await bench(...args);
    assert.match(stderr, message);
    assert.equal(stderr.indexOf('\n'), stderr.length - 1, stderr);
    // Only a model that turns out to be broken has been announced before.
    assert.match(stdout, what === 'broken model' || what === 'not a model' ? /^system_info/ : /^$/);
    assert.equal(code, 1);
  });
}

test('a recording that is cut short is measured with a note of how much is there', async () => {
  const path = join(scratch, 'cut.wav');
  const whole = readFileSync(join(projectRoot, CLIP));
  writeFileSync(path, whole.subarray(0, whole.length / 2));
  const { code, stdout } = await bench('-d', 'models/demo', '-i', path, '-n', '1');
  assert.equal(code, 0);
  assert.ok(stdout.includes(`note: ${path}: 1.1 s of 2.3 s are there\n`), stdout);
});
