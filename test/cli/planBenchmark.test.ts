import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BENCH_OPTIONS } from '../../src/cli/benchOptions.js';
import { parseOptions } from '../../src/cli/options.js';
import { planBenchmark } from '../../src/cli/planBenchmark.js';
import { shellWords } from '../../src/cli/shellWords.js';
import { QwenAsrError } from '../../src/error.js';

/** The plan of a command line on models that need no file. */
function plan(...args: string[]) {
  const { values } = parseOptions(BENCH_OPTIONS, ['-d', 'synthetic:tiny', ...args]);
  return planBenchmark(values, values.model ?? []);
}
const ids = (...args: string[]) => plan(...args).cells.map(({ id }) => id);

test('the bare command line plans what the seed did', () => {
  const { cells, ...rest } = plan();
  assert.deepEqual(rest, {
    kind: 'benchmark',
    runs: 5,
    warmup: 1,
    delayMs: 0,
    budgetMs: null,
    isolated: false,
    roofline: false,
  });
  assert.equal(cells.length, 1);
  const [cell] = cells;
  assert.ok(cell?.kind === 'model');
  assert.deepEqual(
    [cell.id, cell.mode, cell.load, cell.audio],
    ['base', 'pipeline', {}, { kind: 'silence', seconds: 5 }],
  );
});

test('values of one kind each are one benchmark; more are a sweep', () => {
  const one = plan(
    '-t',
    '3',
    '-w',
    '1',
    '--precision',
    'f32',
    '--backend',
    'x64',
    '--isa',
    'avx2',
    '-i',
    'a.wav',
  );
  assert.equal(one.kind, 'benchmark');
  const [cell] = one.cells;
  assert.ok(cell?.kind === 'model');
  assert.deepEqual(cell.load, { threads: 3, backend: 'x64', precision: 'f32', isa: 'avx2' });
  assert.deepEqual([cell.mode, cell.audio], ['encoder', { kind: 'file', path: 'a.wav' }]);
  assert.equal(plan('-t', '1,2').kind, 'sweep');
});

test('every axis takes several values', () => {
  assert.deepEqual(ids('-t', '1-3'), ['t=1', 't=2', 't=3']);
  assert.deepEqual(ids('-s', '5-60*2'), ['s=5', 's=10', 's=20', 's=40']);
  assert.deepEqual(ids('-s', '5-20+5,60'), ['s=5', 's=10', 's=15', 's=20', 's=60']);
  assert.deepEqual(ids('-w', '0,1'), ['w=0', 'w=1']);
  assert.deepEqual(ids('--precision', 'f32,bf16'), ['precision=f32', 'precision=bf16']);
  assert.deepEqual(ids('--backend', 'x64,wasm'), ['backend=x64', 'backend=wasm']);
  assert.deepEqual(ids('--isa', 'avx2,avx512f'), ['isa=avx2', 'isa=avx512f']);
  assert.deepEqual(ids('--tokens', '8,16'), ['tokens=8', 'tokens=16']);
  assert.deepEqual(ids('-i', 'a.wav', '-i', 'b.wav', '-i', 'a.wav'), ['i=a.wav', 'i=b.wav']);
  assert.deepEqual(ids('-d', 'synthetic:tiny:2'), ['d=synthetic:tiny', 'd=synthetic:tiny:2']);
  assert.equal(ids('-t', '1-4', '-s', '5-40*2', '-w', '0,1').length, 32);
});

test('-s is not looked at when there is a recording', () => {
  assert.deepEqual(ids('-i', 'a.wav', '-s', 'anything'), ['base']);
});

test('how it is measured: warm-up, pauses, budget', () => {
  const { warmup, delayMs, budgetMs, runs } = plan('--warmup', 'auto', '--delay', '500ms', '--budget', '1m');
  assert.deepEqual([warmup, delayMs, budgetMs, runs], ['auto', 500, 60_000, null]);
  assert.deepEqual([plan('--warmup', '0').warmup, plan('--budget', '9s', '-n', '3').runs], [0, 3]);
});

test('--vs replaces options of the base; both sides are called by what differs', () => {
  const { kind, cells } = plan(
    '-t',
    '4',
    '-i',
    'a.wav',
    '--vs',
    '-t 1 --precision f32',
    '--vs',
    "-d 'synthetic:tiny:7'",
  );
  assert.equal(kind, 'comparison');
  assert.deepEqual(
    cells.map(({ id, label }) => [id, label]),
    [
      ['base', '-d synthetic:tiny -t 4 --precision auto'],
      ['-t 1 --precision f32', '-t 1 --precision f32'],
      ["-d 'synthetic:tiny:7'", "-d 'synthetic:tiny:7'"],
    ],
  );
  const [base, first, second] = cells;
  assert.ok(base?.kind === 'model' && first?.kind === 'model' && second?.kind === 'model');
  assert.deepEqual(first.load, { threads: 1, precision: 'f32' });
  assert.deepEqual([second.model, second.load], ['synthetic:tiny:7', { threads: 4 }]);
  assert.ok(cells.every(({ audio }) => audio.kind === 'file' && audio.path === 'a.wav'));
});

test('an empty --vs runs the same again, and ids stay unique', () => {
  const { cells } = plan('--vs', '', '--vs', '-t 2', '--vs', '-t 2');
  assert.deepEqual(
    cells.map(({ id }) => id),
    ['base', 'the same again', '-t 2', '-t 2 #2'],
  );
});

test('--vs-cmd becomes a cell of its own', () => {
  const { cells, kind } = plan('-t', '2', '--vs-cmd', '/opt/other/bin/asr -t {threads} {audio}');
  assert.equal(kind, 'comparison');
  assert.deepEqual(cells[1], {
    kind: 'command',
    id: 'asr',
    label: 'asr',
    command: '/opt/other/bin/asr -t {threads} {audio}',
    audio: { kind: 'silence', seconds: 5 },
    model: 'synthetic:tiny',
    threads: 2,
  });
});

test('what cannot be planned is refused in one line', () => {
  const refused: [string[], RegExp][] = [
    [['-t', '4-1'], /^-t: expected a range from the lower to the higher number, found "4-1"$/],
    [['-s', '5,500'], /^-s: expected seconds from 1 to 300, found "500"$/],
    [['-w', '0,2'], /^-w: expected 0 or 1, found "2"$/],
    [['--budget', '60'], /^--budget: expected a time such as 500ms, 60s or 2m, found "60"$/],
    [['--warmup', 'some'], /^--warmup: .*"some"/],
    [['-t', '1,2', '--vs', '-t 3'], /^--vs: expected one setting to compare with, found a sweep of 2$/],
    [['-t', '1,2', '--vs-cmd', 'x'], /^--vs-cmd: expected one setting/],
    [['--vs', '-t 0'], /^--vs: -t: expected a whole number of 1 or more, found "0"$/],
    [['--vs', '-i other.wav'], /^--vs: unknown option -i \(--vs takes --model, --threads, .*\)$/],
    [['--vs', 'f32'], /^--vs: unexpected argument "f32"$/],
    [['--vs', "-d 'open"], /^--vs: expected closed quotes, found "-d 'open"$/],
    [['--vs', '-d no/such'], /^no\/such: no such model directory$/],
    [['--vs-cmd', ' '], /^--vs-cmd: expected a command, found an empty one$/],
    [['--vs-cmd', 'x {model}'], /^--vs-cmd: expected a model directory for \{model\}, found synthetic:tiny$/],
    [['--vs-cmd', 'x {wav}'], /^--vs-cmd: expected the placeholders .* found \{wav\}/],
    [['-d', 'no/such'], /^no\/such: no such model directory$/],
  ];
  for (const [args, message] of refused) {
    assert.throws(
      () => plan(...args),
      (error) => error instanceof QwenAsrError && message.test(error.message),
      args.join(' '),
    );
  }
});

test('words are split as a shell does', () => {
  const cases: [string, string[]][] = [
    ['', []],
    ['  -t  2 ', ['-t', '2']],
    [`-d 'my models/0.6b' --isa avx2`, ['-d', 'my models/0.6b', '--isa', 'avx2']],
    [`-d "a \\"quoted\\" one"`, ['-d', 'a "quoted" one']],
    [`-d my\\ models`, ['-d', 'my models']],
    [`--model=a'b 'c`, ['--model=ab c']],
    [`-d ''`, ['-d', '']],
  ];
  for (const [text, words] of cases) assert.deepEqual(shellWords(text, '--vs'), words, text);
  for (const text of [`'`, `a "b`, 'a \\']) assert.throws(() => shellWords(text, '--vs'), /closed quotes/);
});
