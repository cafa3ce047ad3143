import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BENCH_OPTIONS } from '../../src/cli/benchOptions.js';
import { parseOptions } from '../../src/cli/options.js';
import { planBenchmark, shellWords } from '../../src/cli/planBenchmark.js';
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

test('segments and batches are axes too; without --segment nothing is cut', () => {
  assert.deepEqual(ids('--segment', '10,30'), ['segment=10', 'segment=30']);
  assert.deepEqual(ids('--segment', '10-40*2'), ['segment=10', 'segment=20', 'segment=40']);
  assert.deepEqual(ids('--segment', '30', '--batch', '1,2,4'), ['batch=1', 'batch=2', 'batch=4']);
  assert.deepEqual(ids('--segment', '0,30', '--batch', '1,4'), [
    'segment=0',
    'segment=30 batch=1',
    'segment=30 batch=4',
  ]);
  const cutting = (...args: string[]) =>
    plan(...args).cells.map((cell) => {
      assert.ok(cell.kind === 'model');
      return [cell.segmentSeconds, cell.batch, cell.skipSilence];
    });
  assert.deepEqual(cutting(), [[null, 1, false]]);
  assert.deepEqual(cutting('--segment', '0'), [[null, 1, false]]);
  assert.deepEqual(cutting('--segment', '2.5'), [[2.5, 4, false]]);
  assert.deepEqual(cutting('-i', 'a.wav', '--segment', '30', '--batch', '2', '--skip-silence'), [
    [30, 2, true],
  ]);
  assert.deepEqual(cutting('-i', 'a.wav', '--skip-silence'), [[null, 1, true]]);
  assert.deepEqual(cutting('-w', '1', '--segment', '0'), [[null, 1, false]]);
});

test('--vad makes segments without --segment too, and is something to compare with', () => {
  const cutting = (...args: string[]) =>
    plan('-i', 'a.wav', ...args).cells.map((cell) => {
      assert.ok(cell.kind === 'model');
      return [cell.vad, cell.segmentSeconds, cell.batch];
    });
  assert.deepEqual(cutting('--vad'), [[true, null, 4]]);
  assert.deepEqual(cutting('--vad', '--segment', '0'), [[true, null, 4]]);
  assert.deepEqual(cutting('--vad', '--batch', '1,2'), [
    [true, null, 1],
    [true, null, 2],
  ]);
  assert.deepEqual(cutting('--vad', '--segment', '10', '--batch', '2'), [[true, 10, 2]]);
  assert.deepEqual(cutting('--vs', '--vad'), [
    [false, null, 1],
    [true, null, 4],
  ]);
  assert.deepEqual(cutting('--vad', '--batch', '2', '--vs', '--segment 5'), [
    [true, null, 2],
    [true, 5, 2],
  ]);
});

test('--stream is live; chunk and clock are axes of it', () => {
  const streams = (...args: string[]) =>
    plan('-i', 'a.wav', ...args).cells.map((cell) => {
      assert.ok(cell.kind === 'model');
      return cell.stream;
    });
  assert.deepEqual(streams(), [null]);
  assert.deepEqual(streams('--stream'), [{ chunkSeconds: 2, pace: 'simulated' }]);
  assert.deepEqual(ids('--stream', '--chunk', '0.5-2*2'), ['chunk=0.5', 'chunk=1', 'chunk=2']);
  assert.deepEqual(ids('--stream', '--pace', 'recording,simulated', '-t', '1,2').length, 4);
  assert.deepEqual(streams('--stream', '--chunk', '1', '--vs', '--chunk 4 --pace recording'), [
    { chunkSeconds: 1, pace: 'simulated' },
    { chunkSeconds: 4, pace: 'recording' },
  ]);
  assert.deepEqual(streams('--vs', '--stream'), [null, { chunkSeconds: 2, pace: 'simulated' }]);
});

test('--vs changes how the audio is cut', () => {
  const sides = (...args: string[]) =>
    plan('-i', 'a.wav', ...args).cells.map((cell) => {
      assert.ok(cell.kind === 'model');
      return [cell.label, cell.segmentSeconds, cell.batch, cell.skipSilence];
    });
  assert.deepEqual(sides('--segment', '30', '--vs', '--batch 1'), [
    ['--batch 4', 30, 4, false],
    ['--batch 1', 30, 1, false],
  ]);
  assert.deepEqual(sides('--segment', '30', '--batch', '2', '--vs', '--segment 0'), [
    ['--segment 30', 30, 2, false],
    ['--segment 0', null, 1, false],
  ]);
  assert.deepEqual(sides('--vs', '--segment 10', '--vs', '--segment 20 --batch 6 --skip-silence'), [
    ['--segment 0 --batch 1 without --skip-silence', null, 1, false],
    ['--segment 10', 10, 4, false],
    ['--segment 20 --batch 6 --skip-silence', 20, 6, true],
  ]);
  assert.deepEqual(
    sides('--skip-silence', '--vs', '-t 1').map(([, , , skips]) => skips),
    [true, true],
  );
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

test('a comparison has more runs than five, which decide nothing, unless told otherwise', () => {
  assert.deepEqual(
    [plan('--vs', '-t 1').runs, plan('--vs', '-t 1', '-n', '3').runs, plan().runs],
    [10, 3, 5],
  );
});

test('an empty --vs runs the same again, and ids stay unique', () => {
  const { cells } = plan('--vs', '', '--vs', '-t 2', '--vs', '-t 2');
  assert.deepEqual(
    cells.map(({ id }) => id),
    ['base', 'the same again', '-t 2', '-t 2 #2'],
  );
});

test('a command is called by its program, quoted or not', () => {
  const labelOf = (command: string) => plan('--vs-cmd', command).cells[1]?.label;
  assert.equal(labelOf("'/opt/my tools/asr' -t 2"), 'asr');
  assert.equal(labelOf('"/usr/bin/node" other.js'), 'node');
  assert.equal(labelOf('./build/asr.sh {audio}'), 'asr.sh');
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
    [['--segment', '0.5'], /^--segment: expected 0 \(never\), or seconds from 1 to 1200, found "0\.5"$/],
    [['--segment', '10,x'], /^--segment: expected .*, found "x"$/],
    [['--segment', '2000'], /^--segment: expected .* to 1200, found "2000"$/],
    [['--segment', '30', '--batch', '0'], /^--batch: expected a whole number from 1 to 1024, found "0"$/],
    [['--segment', '30', '--batch', '4,2000'], /^--batch: .* to 1024, found "2000"$/],
    [['--segment', '30', '--vs', '--batch 2000'], /^--vs: --batch: .* to 1024, found "2000"$/],
    [['--segment', '30', '--batch', '1,two'], /^--batch: .*"two"$/],
    [['--batch', '2'], /^--batch: expected segments .*\(--segment\), found audio that is not cut$/],
    [['--segment', '0', '--batch', '2'], /^--batch: expected segments/],
    [
      ['-w', '1', '--segment', '30'],
      /^--segment: expected the full pipeline \(-w 0\), found the encoder alone \(-w 1\)$/,
    ],
    [['-w', '0,1', '--segment', '0,30'], /^--segment: expected the full pipeline/],
    [['-w', '1', '-i', 'a.wav', '--skip-silence'], /^--skip-silence: expected the full pipeline/],
    [['--skip-silence'], /^--skip-silence: expected recordings \(-i\), found nothing but silence$/],
    [['-w', '1', '-i', 'a.wav', '--vad'], /^--vad: expected the full pipeline/],
    [['--vad'], /^--vad: expected recordings \(-i\), found nothing but silence$/],
    [['--vs', '--batch 1'], /^--vs: --batch: expected segments/],
    [['--segment', '30', '--vs', '--segment 0 --batch 2'], /^--vs: --batch: expected segments/],
    [['-w', '1', '--vs', '--segment 30'], /^--vs: --segment: expected the full pipeline/],
    [['--vs', '--skip-silence'], /^--vs: --skip-silence: expected recordings/],
    [['--vs', '--segment 1,2'], /^--vs: --segment: expected .*, found "1,2"$/],
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

test('--language auto is no language, on either side', () => {
  const languagesOf = (...args: string[]) =>
    plan(...args).cells.map((cell) => (cell.kind === 'model' ? cell.language : null));
  assert.deepEqual(languagesOf('--language', 'auto'), [undefined]);
  assert.deepEqual(languagesOf('--language', 'de', '--vs', '--language auto', '--vs', '-t 1'), [
    'de',
    undefined,
    'de',
  ]);
});
