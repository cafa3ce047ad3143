import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { readResult } from '../../src/bench/output/readResult.js';
import { loadNative } from '../../src/runtime/system/loadNative.js';
import { demoModelDir } from '../support/projectRoot.js';
import { runBench } from '../support/runBench.js';
import { CLI_ENTRIES, type CliOutcome, FALLBACK_NOTE, runCli } from '../support/runCli.js';

const scratch = mkdtempSync(join(tmpdir(), 'qwen-asr-resume-'));
after(() => rmSync(scratch, { recursive: true }));

const CLIP = join(demoModelDir, 'samples', 'timer-en.wav');
const at = (name: string): string => join(scratch, name);

/** The lines after the last run: table and what follows it. */
const figuresOf = (stdout: string): string =>
  stdout.slice(stdout.indexOf('\n\n', stdout.lastIndexOf('  run ')));

const reference = at('timer-en.txt');
writeFileSync(reference, 'set a timer for seven minutes');
for (const [name, args] of [
  ['the encoder alone', ['-w', '1', '-s', '2']],
  ['the full pipeline', ['-i', CLIP, '--ref', reference]],
  ['a sweep', ['-s', '1,2', '-t', '1']],
  ['a comparison', ['-i', CLIP, '--vs', '-t 1']],
  ['a measurement by time', ['-s', '1', '--budget', '100ms']],
  // Results name what it was.
  ...(typeof (await loadNative()) === 'string'
    ? []
    : ([['machine code', ['-w', '1', '-s', '1', '--backend', 'native']]] as const)),
] as const) {
  test(`a finished file says the same when it is run again and stays as it is: ${name}`, async () => {
    const path = at(`${name}.jsonl`);
    const exported = at(`${name}.again.jsonl`);
    const runs = name.endsWith('time') ? [] : ['-n', '3'];
    const again = ['-d', demoModelDir, ...args, ...runs, '--resume', path];
    const first = await runBench(again);
    const bytes = readFileSync(path);
    const second = await runBench([...again, '--export', exported]);
    assert.deepEqual([first.code, first.stderr, second.code], [0, '', 0]);
    assert.equal(
      second.stderr,
      `note: --resume ${path}: nothing was left to measure; these are the runs that are there\n`,
    );
    assert.doesNotMatch(second.stdout, /NaN/);
    assert.equal(second.stdout, figuresOf(first.stdout).slice(1));
    assert.deepEqual(readFileSync(path), bytes);
    // Another output gets what the file has.
    assert.deepEqual(readFileSync(exported), bytes);
    assert.ok(!existsSync(`${path}.lock`));
  });
}

test('a file that was cut anywhere goes on, and then has every run once', async () => {
  const path = at('cut.jsonl');
  const args = ['-d', demoModelDir, '-w', '1', '-s', '1', '-n', '2', '--resume', path];
  await runBench(args);
  const whole = readFileSync(path);
  const starts = [...whole.toString('latin1').matchAll(/^/gm)].map(({ index }) => index);
  // In the first line and in each other, right before a line feed, and with the last line gone.
  const cuts = [
    5,
    40,
    ...starts.slice(1, -1).flatMap((start) => [start - 1, start + 20]),
    starts.at(-2) ?? 0,
  ];
  for (const cut of cuts) {
    writeFileSync(path, whole.subarray(0, cut));
    const { code, stdout, stderr } = await runBench(args);
    assert.deepEqual([code, stderr.replace(/^note: .*\n/, '')], [0, ''], `cut at ${cut}`);
    assert.match(stdout, /\nper layer +\d/);
    const { cells, complete } = readResult(path);
    assert.deepEqual([cells.length, cells[0]?.runs.length, complete], [1, 2, true], `cut at ${cut}`);
  }
});

test('a larger -n that goes on is what the result says was asked for, finished or not', async () => {
  const path = at('more.jsonl');
  const args = (runs: string) => ['-d', demoModelDir, '-w', '1', '-s', '1,2', '-n', runs, '--resume', path];
  await runBench(args('1'));
  const short = readFileSync(path, 'utf8');
  await runBench(args('3'));
  const asked = () => readResult(path).cells.map(({ settings, runs }) => [settings.runs, runs.length]);
  assert.deepEqual(asked(), [
    [3, 3],
    [3, 3],
  ]);
  // Cut off in the middle of what came after.
  const whole = readFileSync(path, 'utf8');
  const firstNewRun = whole.indexOf('{"event":"run"', short.length);
  writeFileSync(path, whole.slice(0, whole.indexOf('\n', firstNewRun) + 1));
  // The second round begins with the second cell.
  assert.deepEqual(asked(), [
    [3, 1],
    [3, 2],
  ]);
});

test('a file of something else is refused by name, and stays as it is', async () => {
  const path = at('other.jsonl');
  const base = ['-s', '1', '-n', '1', '--resume', path];
  await runBench(['-d', demoModelDir, ...base]);
  const text = readFileSync(path, 'utf8');
  const refuses = async (args: readonly string[], message: RegExp, content = text): Promise<void> => {
    writeFileSync(path, content);
    const { code, stdout, stderr } = await runBench(args);
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(stderr, message);
    assert.equal(readFileSync(path, 'utf8'), content);
  };
  const demo = ['-d', demoModelDir, ...base];
  await refuses(
    ['-d', 'synthetic:tiny', ...base],
    /^error: --resume .*: expected model synthetic:tiny in base, found /,
  );
  await refuses([...demo, '-t', '64'], /expected threads 64 in base, found \d+\n$/);
  await refuses([...demo, '--warmup', '2'], /expected warm-up 2 in base, found 1\n$/);
  await refuses([...demo, '--isolate'], /expected isolation true in base, found false\n$/);
  await refuses([...demo, '--delay', '5ms'], /expected delay 5 ms in base, found 0 ms\n$/);
  const older = text.replace(/("tool":\{"name":"qwen_asr_bench","version":)"[^"]*"/, '$1"0.0.1"');
  await refuses(demo, /expected runs of version .*, found those of 0\.0\.1\n$/, older);
  const twoRuns = ['-d', demoModelDir, ...base.slice(0, 3), '2', ...base.slice(4)];
  writeFileSync(path, text);
  assert.equal((await runBench(twoRuns)).code, 0); // more runs of the same go on
  await refuses(demo, /expected at most 1 run\(s\) in base, found 2\n$/, readFileSync(path, 'utf8'));
  await refuses(
    [...twoRuns, '--export', path],
    /^error: --resume .*: expected a file of its own, found --export /,
  );
});

test('two measurements do not write one file: the second says who does', async () => {
  const path = at('shared.jsonl');
  const args = ['-d', 'models/demo', '-s', '1', '-n', '100000', '--resume', path];
  let second: Promise<CliOutcome> | undefined;
  let pid: number | undefined;
  const first = await runCli('qwen_asr_bench', args, {
    onOutput: (stdout, child) => {
      if (second !== undefined || !stdout.includes('run 2/')) return;
      pid = child.pid;
      second = runCli('qwen_asr_bench', args).finally(() => child.kill('SIGKILL'));
    },
  });
  const { code, stdout, stderr } = (await second) ?? first;
  assert.deepEqual([code, stdout], [1, '']);
  assert.match(
    stderr,
    new RegExp(`^error: --resume .*shared\\.jsonl: .* found process ${pid} writing it .*\\n$`),
  );
  const { cells } = readResult(path);
  const runs = cells[0]?.runs.length ?? 0;
  assert.ok(runs >= 2, String(runs));
  // The first was killed with its lock in place: that holds nobody up.
  const { code: resumed } = await runBench([
    '-d',
    'models/demo',
    '-s',
    '1',
    '-n',
    String(runs + 1),
    '--resume',
    path,
  ]);
  assert.deepEqual([resumed, readResult(path).cells[0]?.runs.length], [0, runs + 1]);
});

test('a lock whose process number belongs to another process by now is none', async () => {
  const path = at('reused.jsonl');
  const { pid } = spawnSync(process.execPath, ['-e', '']);
  for (const holder of [`${pid} 12345\n`, ...(existsSync('/proc/self/stat') ? [`${process.pid} 1\n`] : [])]) {
    writeFileSync(`${path}.lock`, holder);
    const { code, stderr } = await runBench(['-d', demoModelDir, '-s', '1', '-n', '1', '--resume', path]);
    assert.deepEqual([code, stderr.startsWith('error')], [0, false], stderr);
  }
});

test('a file that cannot be written, as on a full disk, is named, and leaves no lock', {
  skip: process.platform === 'win32' && 'there is no limit on the size of files',
}, () => {
  const path = at('full.jsonl');
  const command = [process.execPath, CLI_ENTRIES.qwen_asr_bench, '-d', demoModelDir, '--resume', path];
  const limited = `trap '' XFSZ; ulimit -f 0; exec "$@"`;
  const { status, stderr } = spawnSync('sh', ['-c', limited, 'sh', ...command], { encoding: 'utf8' });
  assert.equal(status, 1);
  assert.match(stderr.replace(FALLBACK_NOTE, ''), /^error: .*full\.jsonl.*: cannot be (used|written): .*\n$/);
  assert.ok(!existsSync(`${path}.lock`));
});
