import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { readResult } from '../../src/bench/output/readResult.js';
import { measuredBench } from '../support/measuredBench.js';
import { processorMs } from '../support/processorMs.js';
import { demoModelDir } from '../support/projectRoot.js';
import { runBench } from '../support/runBench.js';
import { type CliOutcome, runCli } from '../support/runCli.js';

const scratch = mkdtempSync(join(tmpdir(), 'qwen-asr-sweep-'));
after(() => rmSync(scratch, { recursive: true }));

const DEMO = demoModelDir;
const SAMPLES = join(DEMO, 'samples');
const CLIP = join(SAMPLES, 'timer-en.wav');
const bench = (...args: string[]) => runBench(['-d', DEMO, ...args]);

const measured = (name: string, ...args: string[]) => measuredBench(scratch, name, ...args);

test('a sweep measures every combination once a round, and ends with one table', async () => {
  const { code, stdout, stderr, result } = await measured(
    'sweep',
    '-s',
    '1,2',
    '--tokens',
    '3,5',
    '-n',
    '3',
    '-t',
    '1',
  );
  assert.deepEqual([code, stderr], [0, '']);
  const ids = ['s=1 tokens=3', 's=1 tokens=5', 's=2 tokens=3', 's=2 tokens=5'];
  assert.deepEqual(
    result.cells.map(({ id, runs, complete }) => [id, runs.map(({ round }) => round), complete]),
    ids.map((id) => [id, [0, 1, 2], true]),
  );
  assert.match(stdout, /^Mode: sweep {2}\| {2}4 cells {2}\| {2}3 round\(s\), interleaved$/m);
  for (const id of ids) {
    assert.match(stdout, new RegExp(`^ {2}warmup ${id} \\.\\.\\.$`, 'm'));
    assert.equal(stdout.match(new RegExp(`^ {2}${id} +run \\d/3: {2}total= *\\d+ ms `, 'gm'))?.length, 3);
  }
  for (const row of ['1 +3', '1 +5', '2 +3', '2 +5'])
    assert.match(stdout, new RegExp(`^${row} +3 +\\d`, 'm'));
  assert.doesNotMatch(stdout, /fixed ms/, 'two lengths make no line');
  // Exact work: the tokens are those that were asked for.
  assert.deepEqual(
    result.cells.map(({ runs }) => runs[0]?.tokens),
    [3, 5, 3, 5],
  );
});

test('a sweep over lengths says what a second costs', async () => {
  const { code, stdout } = await measured('lengths', '-s', '1-3', '-n', '1', '-t', '1');
  assert.equal(code, 0);
  const table = stdout.split('\n\n').find((block) => /^all cells /m.test(block)) ?? '';
  const row = table.split('\n').find((line) => line.startsWith('all cells')) ?? '';
  // Of three runs on a busy machine the intervals are as wide as they like, and titles then stand on several lines.
  const titles = table.slice(0, table.indexOf(row)).split(/\s+/);
  for (const word of ['fixed', 'second', 'token', 'R²']) assert.ok(titles.includes(word), table);
  assert.match(row, /^all cells( +-?[\d.]+ \(-?[\d.]+ … -?[\d.]+\)){2} +– +-?\d\.\d{4}$/);
});

test('a sweep over threads says which is best', async () => {
  const { code, stdout, result } = await measured('threads', '-s', '1', '-t', '1,2', '-n', '3');
  assert.equal(code, 0);
  // On the reference backend both are one thread, and there is nothing to scale.
  const threads = result.cells.map(({ settings }) => settings.threads);
  if (threads[0] === threads[1]) return assert.doesNotMatch(stdout, /^scaling/m);
  assert.match(
    stdout,
    /^scaling: best -t [12]\nthreads +total ms +speed-up +efficiency\n1 .*100 %\n2 .*x .*%$/m,
  );
});

test('a setting that this machine does not have is named; the others are measured; the exit code is 1', async () => {
  const { code, stdout, stderr, result } = await measured(
    'failing',
    '-s',
    '1',
    '-n',
    '2',
    '--isa',
    'auto,riscv',
  );
  assert.equal(code, 1);
  assert.match(stderr, /^error: isa=riscv: .*riscv.*\n$/);
  assert.match(stdout, /^note: isa=riscv: isa: expected auto or one of .*, found "riscv"$/m);
  assert.deepEqual(result.cells.map(({ runs }) => runs.length).sort(), [0, 2]);
  assert.equal(result.complete, false);
});

test('--isolate gives every setting a process of its own, with the same results', async () => {
  const { code, result } = await measured('isolated', '-i', CLIP, '-n', '2', '-t', '1,2', '--isolate');
  assert.equal(code, 0);
  for (const { settings, runs, setup } of result.cells) {
    assert.equal(settings.isolated, true);
    assert.ok((setup.loadMs ?? 0) > 0 && (setup.audioDecodeMs ?? 0) > 0);
    assert.ok(runs.every(({ text }) => text === 'Set a timer for seven minutes.'));
  }
});

test('an isolated process that cannot load says why in one line', async () => {
  const { code, stderr } = await bench('-n', '1', '-s', '1', '--isolate', '--isa', 'riscv');
  assert.equal(code, 1);
  assert.match(stderr, /^error: .*riscv.*\n$/);
});

test('--warmup auto says when the runs were steady; --warmup 0 has none', async () => {
  const auto = await bench('-s', '1', '-n', '1', '--warmup', 'auto');
  assert.match(auto.stdout, /^ {2}warmup: (steady|not steady) after \d+ runs$/m);
  const none = await measured('cold', '-s', '1', '-n', '1', '--warmup', '0');
  assert.deepEqual([none.result.cells[0]?.warmups, none.stdout.includes('warmup')], [[], false]);
});

test('--budget stops in time and says nothing of a number of runs', async () => {
  const startMs = processorMs();
  const { code, stdout, result } = await measured('budget', '-s', '1', '--budget', '1500ms');
  assert.equal(code, 0);
  assert.ok(processorMs() - startMs < 30_000);
  assert.match(stdout, /\| {2}timed runs {2}\|/);
  assert.match(stdout, /^ {2}run 1: {2}total=/m);
  assert.ok((result.cells[0]?.runs.length ?? 0) >= 1);
  assert.equal(result.complete, true);
});

test('--dry-run lists every cell and measures nothing', async () => {
  const { code, stdout, stderr } = await bench('-t', '1,2', '-s', '5-20*2', '-n', '7', '--dry-run');
  assert.deepEqual([code, stderr], [0, '']);
  assert.equal(
    stdout,
    `6 cells, 7 run(s) each, 1 before them to warm up
  t=1 s=5
  t=1 s=10
  t=1 s=20
  t=2 s=5
  t=2 s=10
  t=2 s=20
`,
  );
});

test('a sweep that Ctrl-C stops can go on, and then has every run once', async () => {
  const path = join(scratch, 'resumed.jsonl');
  const args = ['-d', 'models/demo', '-s', '1,2,3', '-n', '40', '--resume', path];
  let sent = false;
  const stopped: CliOutcome = await runCli('qwen_asr_bench', args, {
    onOutput: (stdout, child) => {
      // Once: a second Ctrl-C ends it without the table.
      if (sent || !stdout.includes('run 3/40')) return;
      sent = true;
      child.kill('SIGINT');
    },
  });
  assert.equal(stopped.code, 130);
  assert.match(stopped.stdout, /^ +total .*\nseconds .*\n1 +\d+ /m); // the table of what was finished
  const before = readResult(path);
  const done = before.cells.reduce((sum, { runs }) => sum + runs.length, 0);
  assert.ok(done >= 6 && done < 120 && !before.complete, String(done));
  assert.equal(stopped.stderr, `note: stopped by SIGINT after ${done} of 120 runs\n`);
  const resumed = await runCli('qwen_asr_bench', args);
  assert.equal(resumed.code, 0);
  const after = readResult(path);
  assert.equal(after.complete, true);
  for (const { runs } of after.cells) {
    assert.deepEqual(
      runs.map(({ round }) => round),
      Array.from({ length: 40 }, (_, round) => round),
    );
  }
  const kept = readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('{"event":"run"'));
  assert.equal(kept.length, 120);
});

test('bad input is one line, before anything is loaded or written', async () => {
  const export_ = join(scratch, 'never.jsonl');
  const cases: readonly (readonly [args: string[], message: RegExp])[] = [
    [['-t', '4-2'], /^error: -t: .*"4-2"/],
    [['-s', '1,,2'], /^error: -s: .*""/],
    [['--ref', 'x.txt'], /^error: --ref: expected recordings/],
    [['-i', CLIP, '--ref', 'no.txt'], /^error: --ref no\.txt: .*nothing there/],
    [['-i', CLIP, '--ref', scratch], /^error: --ref .*: expected .*timer-en\.txt/],
    [['-w', '1', '-i', CLIP, '--ref', CLIP], /^error: --ref: .*encoder alone/],
    [['-t', '1,2', '--vs', '-t 4'], /^error: --vs: .*sweep of 2/],
    [['--vs', '--frames 3'], /^error: --vs: unknown option --frames/],
    [['--vs', '-d no/such'], /^error: no\/such: no such model directory/],
    [['--vs-cmd', ''], /^error: --vs-cmd: expected a command/],
    [['--export', join(scratch, 'no', 'such', 'x.json')], /^error: .*its directory does not exist/],
    [['--export', 'x.doc'], /^error: --export x\.doc: .*\.json/],
    [['--save', '../up'], /^error: --save \.\.\/up: /],
    [['--resume', CLIP], /^error: .*timer-en\.wav: .*result of qwen_asr_bench/],
    [['--delay', '5'], /^error: --delay: .*500ms/],
  ];
  for (const [args, message] of cases) {
    const { code, stdout, stderr } = await bench(...args, '--export', export_);
    assert.match(stderr, message);
    assert.equal(stderr.indexOf('\n'), stderr.length - 1, stderr);
    assert.deepEqual([code, stdout], [1, ''], args.join(' '));
    assert.ok(!existsSync(export_));
  }
});
