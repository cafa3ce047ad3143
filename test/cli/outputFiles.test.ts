import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { demoModelDir, projectRoot } from '../support/projectRoot.js';
import { runBench } from '../support/runBench.js';
import { CLI_ENTRIES, type CliOutcome, runCli } from '../support/runCli.js';

const scratch = mkdtempSync(join(tmpdir(), 'qwen-asr-outputs-'));
after(() => rmSync(scratch, { recursive: true }));

const CLIP = readFileSync(join(demoModelDir, 'samples', 'timer-en.wav'));
const TEXT = 'Set a timer for seven minutes.\n';

/** A folder of its own for a test, with recordings of these names in it. */
function folderWith(...names: string[]): string {
  const folder = mkdtempSync(join(scratch, 'case-'));
  for (const name of names) writeFileSync(join(folder, name), CLIP);
  return folder;
}

const asr = (...args: string[]) => runCli('qwen_asr', ['-d', demoModelDir, ...args]);

function assertRefused({ code, stdout, stderr }: CliOutcome, message: RegExp): void {
  assert.match(stderr, message);
  assert.equal(stderr.indexOf('\n'), stderr.length - 1, stderr);
  assert.deepEqual([code, stdout], [1, '']);
}

test('a transcript never takes the place of its recording', async () => {
  const folder = folderWith('rec.txt');
  const path = join(folder, 'rec.txt');
  assertRefused(
    await asr('-i', path, '--output-dir', folder),
    /^error: .*rec\.txt: expected a file of its own, found the recording .*rec\.txt$/m,
  );
  assert.deepEqual(readFileSync(path), CLIP);
});

test('nor that of any other recording, whatever links lead to it', async () => {
  for (const link of [symlinkSync, linkSync]) {
    const folder = folderWith('a.wav', 'b.wav');
    mkdirSync(join(folder, 'out'));
    link(join(folder, 'b.wav'), join(folder, 'out', 'a.srt'));
    assertRefused(
      await asr('-i', folder, '-o', 'srt', '--output-dir', join(folder, 'out')),
      /^error: .*a\.srt: expected a file of its own, found the recording .*b\.wav$/m,
    );
  }
  const folder = folderWith('rec.txt');
  symlinkSync(folder, join(scratch, 'linked'));
  assertRefused(
    await asr('-i', join(folder, 'rec.txt'), '--output-dir', join(scratch, 'linked')),
    /found the recording/,
  );
});

test('nor that of what standard input is redirected from', () => {
  const folder = folderWith('standard-input.txt');
  const file = openSync(join(folder, 'standard-input.txt'), 'r');
  const { status, stderr } = spawnSync(
    process.execPath,
    [CLI_ENTRIES.qwen_asr, '-d', demoModelDir, '-i', '-', '--output-dir', folder],
    { stdio: [file, 'pipe', 'pipe'], encoding: 'utf8' },
  );
  closeSync(file);
  assert.equal(status, 1);
  assert.match(stderr, /^error: .*standard-input\.txt: expected a file of its own, found the recording -\n$/);
});

test('nor that of a file of the model', async () => {
  const folder = folderWith('config.wav');
  const model = join(folder, 'model');
  mkdirSync(model);
  writeFileSync(join(model, 'config.json'), '{}');
  const args = ['-i', join(folder, 'config.wav'), '-o', 'json', '--output-dir', model];
  assertRefused(await runCli('qwen_asr', ['-d', model, ...args]), /found the model's .*config\.json$/m);
  assert.equal(readFileSync(join(model, 'config.json'), 'utf8'), '{}');
});

test('names that differ in the case of letters are one file where the file system says so', async () => {
  const folder = folderWith('A.wav');
  const tellsCaseApart = !existsSync(join(folder, 'a.wav'));
  const other = folderWith('a.wav');
  const inputs = [join(folder, 'A.wav'), join(other, 'a.wav')];
  const outcome = await asr(...inputs, '--output-dir', join(folder, 'out'));
  if (!tellsCaseApart) return assertRefused(outcome, /expected a file of its own, found .*A\.txt$/m);
  assert.deepEqual([outcome.code, outcome.stderr], [0, '']);
  assert.deepEqual(readdirSync(join(folder, 'out')).sort(), ['A.txt', 'a.txt']);
});

test('a planted link is not followed, and nothing is left beside the transcript', async () => {
  const folder = folderWith('talk.wav');
  const out = join(folder, 'out');
  mkdirSync(out);
  const victim = join(folder, 'victim');
  writeFileSync(victim, 'precious');
  symlinkSync(victim, join(out, 'talk.txt.part'));
  symlinkSync(victim, join(out, 'talk.txt'));
  const { code } = await asr('-i', join(folder, 'talk.wav'), '--output-dir', out);
  assert.equal(code, 0);
  assert.equal(readFileSync(victim, 'utf8'), 'precious');
  assert.equal(readFileSync(join(out, 'talk.txt'), 'utf8'), TEXT);
  assert.deepEqual(readdirSync(out).sort(), ['talk.txt', 'talk.txt.part']);
});

test('names as long as the file system takes are written; longer ones are refused before the work', {
  skip: process.platform !== 'linux' && 'other systems count the length of names in other units',
}, async () => {
  const longest = 255; // bytes, on every common file system of Linux
  for (const stem of ['x'.repeat(longest - 4), 'é'.repeat(125)]) {
    const folder = folderWith(`${stem}.wav`);
    const { code, stderr } = await asr(
      '-i',
      join(folder, `${stem}.wav`),
      '--output-dir',
      join(folder, 'out'),
    );
    assert.deepEqual([code, stderr], [0, '']);
    assert.equal(readFileSync(join(folder, 'out', `${stem}.txt`), 'utf8'), TEXT);
  }
  const stem = `${'é'.repeat(125)}x`;
  const folder = folderWith(`${stem}.wav`);
  const json = ['-i', join(folder, `${stem}.wav`), '-o', 'jsonl', '--output-dir', join(folder, 'out')];
  assertRefused(await asr(...json), /^error: .*\.jsonl: the name is too long$/m);
});

test('a temporary folder that is missing is named', async () => {
  const env = { TMPDIR: join(scratch, 'nowhere') };
  const pipe = await runCli('qwen_asr', ['-d', demoModelDir, '-i', '-'], {
    input: new Uint8Array(9_000_000), // more than is kept in memory
    env,
  });
  const named = /^error: .*nowhere: no temporary folder can be made there \(TMPDIR sets the place\)/m;
  assertRefused(pipe, named);
  const bench = await runCli(
    'qwen_asr_bench',
    ['-d', demoModelDir, '-s', '1', '-n', '1', '--vs-cmd', 'cat {audio}'],
    { env },
  );
  assert.equal(bench.code, 1);
  assert.match(bench.stderr, named);
});

test('the benchmark writes over nothing that it reads, and into no file twice', async () => {
  const folder = folderWith('rec.txt');
  const at = (name: string) => join(folder, name);
  const model = at('model');
  mkdirSync(model);
  for (const name of ['ref.txt', 'old.json', 'model/config.json']) writeFileSync(at(name), 'kept');
  linkSync(at('old.json'), at('same.json'));
  const cases: readonly (readonly [args: string[], message: RegExp])[] = [
    [['-i', at('rec.txt'), '--export', at('rec.txt')], /found the recording .*rec\.txt$/m],
    [['-i', at('rec.txt'), '--resume', at('rec.txt')], /^error: --resume .*found the recording .*rec\.txt$/m],
    [
      ['-i', at('rec.txt'), '--ref', at('ref.txt'), '--export', at('ref.txt')],
      /found the reference .*ref\.txt$/m,
    ],
    [['--export', at('model/config.json')], /found the model's .*config\.json$/m],
    [['--export', at('old.json'), '--export', at('same.json')], /found --export .*old\.json$/m],
    [['--export', at('new.json'), '--export', `${folder}/./new.json`], /found --export .*new\.json$/m],
    [['--export', at('new.jsonl'), '--resume', at('new.jsonl')], /found --export .*new\.jsonl$/m],
    [
      ['--save', 'today', '--baseline-dir', folder, '--export', at('today.json')],
      /^error: the baseline .*found --export .*today\.json$/m,
    ],
    [['--resume', join(folder, 'no', 'runs.jsonl')], /^error: .*runs\.jsonl: .*its directory does not exist/],
    [['--export', at(`${'x'.repeat(251)}.json`)], /^error: .*: the name is too long$/m],
  ];
  for (const [args, message] of cases) {
    assertRefused(await runBench(['-d', model, '-n', '1', ...args]), message);
  }
  for (const name of ['ref.txt', 'old.json', 'model/config.json'])
    assert.equal(readFileSync(at(name), 'utf8'), 'kept');
  assert.deepEqual(readFileSync(at('rec.txt')), CLIP);
  const left = ['rec.txt', 'model', 'ref.txt', 'old.json', 'same.json'];
  assert.deepEqual(readdirSync(folder).sort(), left.sort());
});

test('compare and report do not write over the results that they read', async () => {
  const folder = folderWith();
  const [a, b] = [join(folder, 'a.json'), join(folder, 'b.json')];
  for (const path of [a, b]) writeFileSync(path, 'kept');
  for (const args of [
    ['compare', a, b, '--export', b],
    ['compare', 'a', b, '--baseline-dir', folder, '--export', a],
    ['report', a, '--export', a],
  ]) {
    assertRefused(
      await runCli('qwen_asr_bench', args),
      /^error: --export .*: expected a file of its own, found the result/,
    );
  }
  assert.equal(readFileSync(a, 'utf8') + readFileSync(b, 'utf8'), 'keptkept');
});

test('a benchmark whose export has a name as long as possible writes it', {
  skip: process.platform !== 'linux' && 'other systems count the length of names in other units',
}, async () => {
  const path = join(folderWith(), `${'é'.repeat(125)}.json`);
  const args = ['-d', join(projectRoot, 'models', 'demo'), '-n', '1', '-s', '1', '-w', '1', '--export', path];
  const { code, stderr } = await runBench(args);
  assert.deepEqual([code, stderr], [0, '']);
  assert.ok(existsSync(path));
});
