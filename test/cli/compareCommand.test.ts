import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { formatJson, formatJsonl } from '../../src/bench/output/formatJson.js';
import { checkBenchResult } from '../../src/bench/output/readResult.js';
import { benchmarkResult, sweepResult } from '../bench/support/sampleResults.js';
import { runCli } from '../support/runCli.js';
import { runHere } from '../support/runHere.js';

const scratch = mkdtempSync(join(tmpdir(), 'qwen-asr-compare-'));
after(() => rmSync(scratch, { recursive: true }));
const file = (name: string, content: string): string => {
  const path = join(scratch, name);
  writeFileSync(path, content);
  return path;
};

const before = file('before.json', formatJson(benchmarkResult(20, 1)));
const slower = file('slower.jsonl', formatJsonl(benchmarkResult(20, 7, 1.04)));
const sweep = file('sweep.json', formatJson(sweepResult()));
const compare = (...args: string[]) => runHere('qwen_asr_bench', ['compare', ...args]);

test('a comparison without conditions passes and says what changed', async () => {
  const { code, stdout, stderr } = await compare(before, slower, '--allowance', '0%');
  assert.equal(stderr, '');
  assert.match(stdout, /^total ms +\d+ +\d+ +\+\d\.\d % .* slower$/m);
  assert.match(stdout, /^the tokens are the same$/m);
  assert.equal(code, 0);
});

test('a condition that holds ends with exit code 3; one that does not with 0', async () => {
  const failed = await compare(
    before,
    slower,
    ...['--allowance', '0.5%', '--fail-if', 'total>+1%', '--fail-if', 'encode>+90%'],
  );
  assert.equal(failed.code, 3);
  assert.match(failed.stdout, /^passed: encode>\+90%.*\nfailed: total>\+1%: /m);
  assert.equal(failed.stderr, '');
  assert.equal((await compare(before, slower, '--fail-if', 'total>+90%')).code, 0);
});

test('Markdown and JSON go to standard output; exports hold the same', async () => {
  const [page, data] = [join(scratch, 'c.html'), join(scratch, 'c.json')];
  const markdown = await compare(before, slower, '-o', 'md', '--export', page, '--export', data);
  assert.match(markdown.stdout, /^### qwen\\_asr\\_bench compare: no condition was given\n\n\|/);
  const json = await compare(before, slower, '-o', 'json');
  const document = checkBenchResult(JSON.parse(json.stdout), 'stdout');
  const exported = checkBenchResult(JSON.parse(readFileSync(data, 'utf8')), 'exported');
  assert.deepEqual(document.comparisons, exported.comparisons);
  assert.equal(document.kind, 'comparison');
  assert.match(readFileSync(page, 'utf8'), /<h3>B against A<\/h3>/);
});

test('several sessions a side stand before and after --with', async () => {
  const day = (name: string, seed: number, factor: number) =>
    file(
      name,
      formatJson({ ...benchmarkResult(5, seed, factor), createdAt: `2026-03-0${seed}T12:00:00.000Z` }),
    );
  const [a1, a2, a3] = [day('a1.json', 1, 1), day('a2.json', 2, 1.01), day('a3.json', 3, 0.99)];
  const [b1, b2, b3] = [day('b1.json', 4, 1.2), day('b2.json', 5, 1.22), day('b3.json', 6, 1.19)];
  const many = await compare(a1, a2, a3, '--with', b1, '--fail-if', 'total>+3%', b2, b3);
  assert.equal(many.stderr, '');
  assert.match(many.stdout, /^total ms .* slower$/m);
  assert.match(many.stdout, /^3 \+ 3 sessions: total deviates by /m);
  assert.match(many.stdout, /^failed: total>\+3%: /m);
  assert.equal(many.code, 3);
  const one = await compare(a1, a2, a3, '--with', b1, '-o', 'json');
  const { comparisons } = checkBenchResult(JSON.parse(one.stdout), 'stdout');
  assert.deepEqual(
    comparisons[0]?.design === 'independent' && [
      comparisons[0].outcome?.sessionsA,
      comparisons[0].outcome?.sessionsB,
    ],
    [3, 1],
  );
});

const early = file('early.json', JSON.stringify({ schema: 'qwen-asr-bench', version: 1, runs: [] }));
const newer = file('newer.json', JSON.stringify({ schema: 'qwen-asr-bench-result', version: 2 }));
const broken = file('broken.json', formatJson(benchmarkResult(3)).slice(0, 500));
for (const [name, args, message] of [
  ['one result', [before], /^error: compare: expected two results, found 1; -h explains\n$/],
  [
    'three results without --with',
    [before, before, slower],
    /^error: compare: expected two results, found 3; several sessions a side: compare A1 A2 --with B1 B2\n$/,
  ],
  [
    'a side without results',
    [before, '--with'],
    /^error: compare: .* both sides of --with, found 1 and 0\n$/,
  ],
  [
    'an allowance that is none',
    [before, slower, '--allowance', 'x%'],
    /^error: --allowance: expected a percentage/,
  ],
  [
    'an allowance beside measured sessions',
    [before, '--with', slower, slower, '--allowance', '1%'],
    /^error: .*slower\.jsonl: expected sessions that were measured apart/,
  ],
  ['a missing file', [before, 'nowhere'], /^error: nowhere: expected a result file or a baseline, found /],
  ['a broken file', [before, broken], /^error: .*broken\.json: expected a result .* not JSON/],
  ['an early file', [early, before], /^error: .*early\.json: .* the format before the first release/],
  ['a newer file', [newer, before], /^error: .*newer\.json: expected version 1 .* found 2/],
  ['cells that do not compare', [before, sweep], /^error: .* expected cells with the same model, audio/],
  [
    'a bad condition',
    [before, slower, '--fail-if', 'total'],
    /^error: --fail-if "total": expected a condition/,
  ],
  ['an unknown aspect', [before, slower, '--across', 'time'], /^error: --across: expected machines or /],
  [
    'an unwritable export',
    [before, slower, '--export', '/nowhere/x.md'],
    /^error: \/nowhere\/x\.md: .* does not exist\n$/,
  ],
  [
    'an unknown extension',
    [before, slower, '--export', 'x.pdf'],
    /^error: --export x\.pdf: expected a name that ends in/,
  ],
] as const) {
  test(`${name} is one line and exit code 1`, async () => {
    const { code, stdout, stderr } = await compare(...args);
    assert.match(stderr, message);
    assert.match(stderr, /^[^\n]*\n$/);
    assert.equal(stdout, '');
    assert.equal(code, 1);
  });
}

test('report turns results into every format, interrupted ones too', async () => {
  const interrupted = file('cut.jsonl', readFileSync(slower, 'utf8').split('\n').slice(0, 15).join('\n'));
  const json = await runHere('qwen_asr_bench', ['report', interrupted, '-o', 'json']);
  const document = checkBenchResult(JSON.parse(json.stdout), 'stdout');
  assert.equal(document.complete, false);
  assert.ok((document.cells[0]?.runs.length ?? 0) > 3);
  const page = join(scratch, 'r.html');
  const both = await runHere('qwen_asr_bench', ['report', before, sweep, '--export', page]);
  assert.deepEqual([both.code, both.stdout, both.stderr], [0, '', '']);
  assert.match(
    readFileSync(page, 'utf8'),
    /<h1 class="part">Benchmark: before<[\s\S]*<h2 class="part">Sweep: sweep</,
  );
  const two = await runHere('qwen_asr_bench', ['report', before, sweep, '-o', 'csv']);
  assert.deepEqual([two.code, two.stderr], [1, 'error: report: expected one result for csv, found 2\n']);
  const none = await runHere('qwen_asr_bench', ['report']);
  assert.deepEqual(
    [none.code, none.stderr],
    [1, 'error: report: expected at least one result, found none; -h explains\n'],
  );
  const plot = await runCli('qwen_asr_bench', ['report', before, '--plot'], { env: { LC_ALL: 'C' } });
  assert.match(plot.stdout, /^\ntotal, ms, 20 runs, median \d+\n {2}[ #]+\n/);
});

test('help of each sub-command goes to standard output', async () => {
  for (const name of ['compare', 'report', 'completion']) {
    const { code, stdout, stderr } = await runHere('qwen_asr_bench', [name, '-h']);
    assert.match(stdout, new RegExp(`^Usage: qwen_asr_bench ${name} .*\\n[\\s\\S]*\\nExamples:\\n`));
    assert.ok(Math.max(...stdout.split('\n').map((line) => line.length)) <= 120);
    assert.deepEqual([code, stderr], [0, '']);
  }
});

const CLIP = 'models/demo/samples/timer-en.wav';
const MEASURE = ['-d', 'models/demo', '-i', CLIP];

test('a measurement is saved, exported, and compared with itself', async () => {
  const folder = join(scratch, 'baselines');
  const names = ['json', 'jsonl', 'csv', 'md', 'txt', 'html'].map((extension) =>
    join(scratch, `all.${extension}`),
  );
  const exports = names.flatMap((name) => ['--export', name]);
  const args = [...MEASURE, '-n', '4', '-o', 'csv', '--save', 'first', '--baseline-dir', folder, ...exports];
  const { code, stdout, stderr } = await runCli('qwen_asr_bench', args);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /^ {2}run 4\/4: /m);
  assert.equal(stdout.split('\n').length, 1 + 1 + 4 + 1);
  assert.equal(stdout, readFileSync(join(scratch, 'all.csv'), 'utf8'));
  const document = checkBenchResult(JSON.parse(readFileSync(join(scratch, 'all.json'), 'utf8')), 'all.json');
  assert.equal(document.cells[0]?.runs.length, 4);
  assert.deepEqual(readdirSync(folder), ['first.json']);
  const same = await compare(
    'first',
    join(scratch, 'all.jsonl'),
    '--baseline-dir',
    folder,
    '--fail-if',
    'total>+1%',
  );
  assert.deepEqual([same.code, same.stderr], [0, '']);
  assert.match(same.stdout, /the tokens are the same/);
});

for (const [args, message] of [
  [['--export', '/nowhere/x.json'], /^error: \/nowhere\/x\.json: .* its directory does not exist\n$/],
  [['--export', 'x.zip'], /^error: --export x\.zip: expected a name that ends in /],
  [['--save', '../x'], /^error: --save \.\.\/x: expected a name of letters/],
  [['-o', 'xml'], /^error: -o: expected text or md or csv or json or jsonl, found "xml"\n$/],
] as const) {
  test(`${args.join(' ')} is an error before anything is loaded`, async () => {
    const { code, stdout, stderr } = await runHere('qwen_asr_bench', ['-d', 'synthetic:tiny', ...args]);
    assert.match(stderr, message);
    assert.deepEqual([code, stdout], [1, '']);
  });
}

test('standard output as JSONL has every finished run when the process is killed', async () => {
  let seen = '';
  const { code } = await runCli('qwen_asr_bench', [...MEASURE, '-n', '1000', '-o', 'jsonl'], {
    onOutput: (stdout, child) => {
      seen = stdout;
      if (stdout.split('{"event":"run"').length > 3) child.kill('SIGKILL');
    },
  });
  assert.equal(code, null);
  const cut = file('killed.jsonl', seen);
  const { stdout } = await runHere('qwen_asr_bench', ['report', cut, '-o', 'json']);
  const document = checkBenchResult(JSON.parse(stdout), 'stdout');
  assert.ok((document.cells[0]?.runs.length ?? 0) >= 3);
  assert.equal(document.complete, false);
});
