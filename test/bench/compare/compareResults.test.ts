import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CompareRequest, compareResults } from '../../../src/bench/compare/compareResults.js';
import { parseFailCondition } from '../../../src/bench/compare/failCondition.js';
import {
  formatComparisonMarkdown,
  formatComparisonText,
} from '../../../src/bench/compare/formatComparison.js';
import { mergeResults } from '../../../src/bench/compare/mergeResults.js';
import { summarizeResult } from '../../../src/bench/record/summarizeResult.js';
import type { BenchResult, CellRecord } from '../../../src/bench/schema/benchResult.js';
import { checkBenchResult } from '../../../src/bench/schema/checkBenchResult.js';
import { hashMachine } from '../../../src/bench/schema/hashes.js';
import type { RunRecord } from '../../../src/bench/schema/runRecord.js';
import { benchmarkResult, MACHINE, MODEL, sweepResult } from '../support/sampleResults.js';

const before = { name: 'before', result: benchmarkResult(20, 1) };
const slower = { name: 'slower', result: benchmarkResult(20, 7, 1.04) };
const request = (options: Partial<CompareRequest> = {}): CompareRequest => ({
  across: new Set(),
  failIf: [],
  allowTokenChanges: false,
  ...options,
});
const conditions = (...texts: string[]) => request({ failIf: texts.map(parseFailCondition) });

test('a slowdown of 4 % is found in the times and, turned round, in the rate', () => {
  const { cells, failures } = compareResults(before, slower, request());
  const [cell] = cells;
  const of = (metric: string) =>
    cell?.records.find((record) => record.metric === metric)?.outcome ?? assert.fail(metric);
  for (const metric of ['total', 'decode', 'tokens_per_second']) {
    const { ratio, low, high, verdict } = of(metric);
    assert.ok(Math.abs(ratio - 1.04) < 0.01, `${metric} ${ratio}`);
    assert.ok((low ?? 0) > 1 && (high ?? 0) < 1.08);
    assert.equal(verdict, 'slower');
  }
  assert.equal(of('memory').verdict, 'same');
  assert.deepEqual(failures, []);
});

test('conditions fail on the near end of the interval, with ! on the estimate', () => {
  const { records } = compareResults(before, slower, request()).cells[0] ?? assert.fail();
  const { ratio, low } = records.find(({ metric }) => metric === 'total')?.outcome ?? assert.fail();
  const between = `${((100 * (ratio + (low ?? 0))) / 2 - 100).toFixed(3)}%`;
  assert.equal(compareResults(before, slower, conditions(`total>+${between}`)).failures.length, 0);
  assert.equal(compareResults(before, slower, conditions(`total>+${between}!`)).failures.length, 1);
  assert.equal(compareResults(before, slower, conditions('total>2%')).failures.length, 1);
  assert.equal(compareResults(before, slower, conditions('tokens_per_second<-2%')).failures.length, 1);
  assert.equal(compareResults(before, slower, conditions('tokens_per_second<-9%')).failures.length, 0);
  // A condition for improvements: B must not be faster than A by more.
  assert.equal(compareResults(slower, before, conditions('total<-2%')).failures.length, 1);
  const { passed, failures } = compareResults(before, slower, conditions('total>+1%', 'encode>+50%'));
  assert.match(failures[0] ?? '', /^total>\+1%: \+[34]\.\d % \(\+3\.\d % … \+\d\.\d %\)$/);
  assert.match(passed[0] ?? '', /^encode>\+50%: /);
});

test('too few runs cannot hold a condition, but can be judged by the estimate', () => {
  const fewer = { name: 'fewer', result: benchmarkResult(3) };
  const few = { name: 'few', result: benchmarkResult(3, 7, 1.04) };
  assert.throws(() => compareResults(fewer, few, conditions('total>+1%')), {
    code: 'compare',
    message: /^--fail-if total>\+1%: expected enough runs .* total>\+1%! decides by the estimate alone$/,
  });
  assert.equal(compareResults(fewer, few, conditions('total>+1%!')).failures.length, 1);
});

test('a condition on what was not measured is an error, not a pass', () => {
  assert.throws(() => compareResults(before, slower, conditions('per_layer>+1%')), {
    code: 'compare',
    message: /expected per_layer on both sides/,
  });
  assert.throws(() => compareResults(before, slower, conditions('wer>+1pp')), {
    code: 'compare',
    message: /expected WER on both sides, found none; measure with --ref$/,
  });
});

test('conditions that cannot be read are refused with an example', () => {
  const good = parseFailCondition(' wer > 0.5 pp ');
  assert.deepEqual([good.metric, good.direction, good.threshold], ['wer', '>', 0.005]);
  assert.equal(parseFailCondition('encode>-5%').threshold, 0.95);
  for (const text of ['encode', 'encode>5', 'encode=5%', 'encode>five%', '', 'encode>+5%?', 'Encode>5%']) {
    assert.throws(() => parseFailCondition(text), {
      code: 'usage',
      message: /expected a condition like encode>\+5%/,
    });
  }
  assert.throws(() => parseFailCondition('speed>5%'), {
    code: 'usage',
    message: /expected one of total, .* found speed$/,
  });
  assert.throws(() => parseFailCondition('wer>5%'), {
    code: 'usage',
    message: /expected wer in pp, found %/,
  });
  assert.throws(() => parseFailCondition('total<-100%'), { code: 'usage', message: /above -100%/ });
});

/** The result with its machine, model, audio, settings or runs changed. */
function altered(
  result: BenchResult,
  change: Partial<BenchResult> & { cell?: Partial<CellRecord> },
): BenchResult {
  const { cell, ...rest } = change;
  return summarizeResult({ ...result, cells: result.cells.map((one) => ({ ...one, ...cell })), ...rest });
}

test('different machines, models, audio and settings are refused unless named', () => {
  const { result } = slower;
  const machine = { ...MACHINE, cpuModel: 'Another CPU' };
  const settings = { ...(result.cells[0]?.settings ?? assert.fail()), threads: 4 };
  for (const [aspect, changed, found] of [
    ['machines', { machine: { ...machine, hash: hashMachine(machine) } }, /EPYC.* \/ Another CPU/],
    [
      'models',
      { models: [{ ...MODEL, hash: 'c'.repeat(64) }] },
      /hash aaaaaaaaaaaa\) \/ .*hash cccccccccccc/,
    ],
    [
      'audio',
      { audio: [{ id: 'a0', path: 'other.wav', durationMs: 11_000, hash: null }] },
      /clip\.wav .* \/ other\.wav/,
    ],
    ['settings', { cell: { settings } }, /threads 2 \/ 4;/],
  ] as const) {
    const other = { name: 'other', result: altered(result, changed) };
    assert.throws(
      () => compareResults(before, other, request()),
      (error) => {
        assert.ok(error instanceof Error && 'code' in error && error.code === 'compare');
        assert.match(
          error.message,
          new RegExp(`^before, other: expected the same ${aspect}, found .*; --across ${aspect} `),
        );
        assert.match(error.message, found);
        return true;
      },
    );
    assert.equal(compareResults(before, other, request({ across: new Set([aspect]) })).cells.length, 1);
  }
});

test('another way to cut the audio is another setting; files that do not tell of silence kept it', () => {
  const { result } = slower;
  const settings = result.cells[0]?.settings ?? assert.fail();
  for (const [change, found] of [
    [{ segmentSeconds: 30 }, /segmentSeconds null \/ 30;/],
    [{ batch: 4 }, /batch 1 \/ 4;/],
    [{ skipSilence: true }, /skipSilence false \/ true;/],
  ] as const) {
    const other = {
      name: 'other',
      result: altered(result, { cell: { settings: { ...settings, ...change } } }),
    };
    assert.throws(() => compareResults(before, other, request()), { code: 'compare', message: found });
    assert.equal(compareResults(before, other, request({ across: new Set(['settings']) })).cells.length, 1);
  }
  const told = altered(result, { cell: { settings: { ...settings, skipSilence: false } } });
  assert.equal(compareResults(before, { name: 'told', result: told }, request()).cells.length, 1);
});

test('an updated Node is no other machine, but is mentioned', () => {
  const updated = { ...MACHINE, node: 'v24.1.0', kernel: '7.0' };
  assert.equal(hashMachine(updated), MACHINE.hash);
  const { notes } = compareResults(
    before,
    { name: 'b', result: altered(slower.result, { machine: updated }) },
    request(),
  );
  assert.deepEqual(notes, ['node differs: v20.20.2 / v24.1.0', 'kernel differs: 6.1.0-28-amd64 / 7.0']);
});

/** The last `count` runs decoded something else. */
function otherTokens(result: BenchResult, count: number): BenchResult {
  const [cell] = result.cells;
  const change = (run: RunRecord, index: number): RunRecord =>
    index < result.cells[0]!.runs.length - count
      ? run
      : { ...run, tokenIds: [11528, 6364, 7], tokenHash: 'd'.repeat(64), text: 'Other.' };
  return altered(result, { cell: { runs: cell?.runs.map(change) ?? [] } });
}

test('changed tokens fail, even of a single run, and are shown', () => {
  const all = { name: 'b', result: otherTokens(slower.result, 20) };
  const { failures } = compareResults(before, all, request());
  assert.match(
    failures[0] ?? '',
    /^the tokens differ from token 3 on \(34 \/ 3 tokens\): "Ask not .*" \/ "Other\."$/,
  );
  const one = { name: 'b', result: otherTokens(slower.result, 1) };
  assert.deepEqual(compareResults(before, one, request()).failures, [
    'not every run decoded the same tokens',
  ]);
  assert.equal(compareResults(before, all, request({ allowTokenChanges: true })).failures.length, 0);
});

test('changed tokens do not fail where the text is meaningless', () => {
  const changed = otherTokens(slower.result, 20);
  const synthetic = [{ ...MODEL, synthetic: true }];
  const meaningless = compareResults(
    { name: 'a', result: altered(before.result, { models: synthetic }) },
    { name: 'b', result: altered(changed, { models: synthetic }) },
    request(),
  );
  assert.deepEqual(meaningless.failures, []);
  assert.equal(meaningless.cells[0]?.tokens.same, false);
  const exact = { ...(changed.cells[0]?.settings ?? assert.fail()), exactTokens: 30 };
  const fixed = compareResults(
    { name: 'a', result: altered(before.result, { cell: { settings: exact } }) },
    { name: 'b', result: altered(changed, { cell: { settings: exact } }) },
    request(),
  );
  assert.deepEqual(fixed.failures, []);
});

test('sweeps are compared cell by cell; cells without a partner are named', () => {
  const sweep = sweepResult();
  const shorter = { ...sweep, cells: sweep.cells.slice(1) };
  const { cells, notes } = compareResults(
    { name: 'a', result: sweep },
    { name: 'b', result: shorter },
    request(),
  );
  assert.equal(cells.length, 15);
  assert.deepEqual(notes, ['a: t=1 s=5 has no partner']);
  assert.ok(cells.every(({ pair }) => pair.a.id === pair.b.id));
  assert.throws(() => compareResults(before, { name: 'b', result: sweep }, request()), {
    code: 'compare',
    message: /expected cells with the same model, audio and settings, found none/,
  });
  const audio = request({ across: new Set(['audio'] as const) });
  assert.throws(() => compareResults({ name: 'a', result: sweep }, { name: 'b', result: shorter }, audio), {
    code: 'compare',
    message: /found t=1 s=5 and t=1 s=10 alike; leave out --across/,
  });
});

test('the merged document is a valid result that holds both sides and the failures', () => {
  const comparison = compareResults(before, slower, conditions('total>+1%'));
  const merged = checkBenchResult(
    JSON.parse(JSON.stringify(mergeResults(comparison, ['compare']))),
    'merged',
  );
  assert.deepEqual(
    merged.cells.map(({ id, runs }) => [id, runs.length]),
    [
      ['A: base', 20],
      ['B: base', 20],
    ],
  );
  assert.equal(merged.comparisons[0]?.a, 'A: base');
  assert.match(merged.errors[0]?.message ?? '', /^total>\+1%/);
  assert.equal(merged.kind, 'comparison');
});

test('text and Markdown say what changed and whether it passed', () => {
  const failed = compareResults(before, slower, conditions('total>+1%', 'encode>+50%'));
  assert.match(formatComparisonText(failed), /^total ms +\d{4} +\d{4} +\+\d\.\d % .* <0\.001 +slower$/m);
  assert.match(formatComparisonText(failed), /passed: encode>.*\nfailed: total>\+1%: .*\n$/);
  assert.match(formatComparisonMarkdown(failed), /^### qwen\\_asr\\_bench compare: ❌ failed\n/);
  const passed = compareResults(before, slower, conditions('encode>+50%'));
  assert.match(formatComparisonMarkdown(passed), /^### qwen\\_asr\\_bench compare: ✅ passed\n/);
  const plain = compareResults(before, slower, request());
  assert.match(formatComparisonMarkdown(plain), /no condition was given/);
});
