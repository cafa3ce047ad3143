import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { openJsonlFile } from '../../../src/bench/output/formatJson.js';
import { checkBenchResult, readResult } from '../../../src/bench/output/readResult.js';
import type { BenchPlan } from '../../../src/bench/plan/benchPlan.js';
import type { BenchEvent } from '../../../src/bench/record/benchEvent.js';
import { readFinishedPart } from '../../../src/bench/run/finishedPart.js';
import { type RunPlanOptions, runPlan } from '../../../src/bench/run/runPlan.js';
import type { RunRecord } from '../../../src/bench/schema/runRecord.js';
import { QwenAsrError } from '../../../src/error.js';
import { fakeCell, fakeCells, fakePlan, fakeRun } from '../support/fakeCells.js';

const scratch = mkdtempSync(join(tmpdir(), 'qwen-asr-run-'));
after(() => rmSync(scratch, { recursive: true }));

/** Any lower-case hexadecimal SHA-256. */
const HASH = 'ab'.repeat(32);
const OTHER_HASH = 'cd'.repeat(32);
const speech = (totalMs: number, rest: Partial<RunRecord> = {}) =>
  fakeRun(totalMs, {
    encodeMs: totalMs / 2,
    decodeMs: totalMs / 4,
    tokens: 6,
    textTokens: 4,
    tokenHash: HASH,
    tokenIds: [1, 2],
    text: 'Good morning.',
    language: 'English',
    ...rest,
  });

/** Measures fake cells. */
function measure(plan: BenchPlan, rest: Partial<RunPlanOptions> = {}) {
  const { open } = fakeCells({ run: (_, number) => speech(100 + number) });
  return runPlan(plan, {
    commandLine: ['-d', 'models/demo'],
    version: '1.2.3',
    references: new Map(),
    sinks: [],
    watchers: [],
    open,
    ...rest,
  });
}

test('a benchmark becomes a valid document with every run and where it was made', async () => {
  const events: BenchEvent['event'][] = [];
  const plan = fakePlan(['base'], { runs: 6 });
  const { result } = await measure(plan, { sinks: [({ event }) => events.push(event)] });
  checkBenchResult(JSON.parse(JSON.stringify(result)), 'memory');
  assert.deepEqual(
    [result.kind, result.complete, result.tool.version, result.commandLine],
    ['benchmark', true, '1.2.3', ['-d', 'models/demo']],
  );
  assert.equal(result.machine.node, process.version);
  const [cell] = result.cells;
  assert.deepEqual([cell?.id, cell?.warmups.length, cell?.runs.length], ['base', 1, 6]);
  assert.deepEqual(
    [cell?.settings.model, cell?.settings.audio, cell?.settings.threads, cell?.settings.runs],
    ['m0', 'a0', 1, 6],
  );
  assert.equal(cell?.summary?.['total']?.median, 103.5);
  assert.deepEqual(result.audio, [
    { id: 'a0', path: null, durationMs: 5000, hash: result.audio[0]?.hash ?? '' },
  ]);
  assert.equal(cell?.drift?.drifting, true); // 101, 102, … 106
  const runs = Array.from({ length: 6 }, () => 'run' as const);
  assert.deepEqual(events, ['header', 'audio', 'model', 'cell', 'warmup', ...runs, 'cellEnd', 'end']);
});

test('a comparison holds the first cell against each other one, in pairs', async () => {
  const plan = fakePlan(['base', '-t 1', '-t 3'], { kind: 'comparison', runs: 6 });
  const { open } = fakeCells({ run: ({ id }, number) => speech((id === 'base' ? 100 : 110) + 0.1 * number) });
  const { result } = await measure(plan, { open });
  checkBenchResult(JSON.parse(JSON.stringify(result)), 'memory');
  assert.deepEqual(
    result.comparisons.map(({ a, b, metric }) => `${b}/${a} ${metric}`),
    ['-t 1', '-t 3'].flatMap((b) => ['total', 'encode', 'decode'].map((metric) => `${b}/base ${metric}`)),
  );
  const [first] = result.comparisons;
  assert.ok(first?.design === 'paired' && first.outcome !== null);
  assert.equal(first.outcome.verdict, 'slower');
  assert.ok(Math.abs(first.outcome.ratio - 1.1) < 0.001);
  assert.equal(first.sameTokens, true);
  // Which side came first is what the shuffled rounds say.
  const positions = result.cells.map(({ runs }) => runs.map(({ round }) => round));
  assert.deepEqual(positions[0], [0, 1, 2, 3, 4, 5]);
  assert.equal(first.orders.length, 6);
});

test('runs of one cell that recognise something else are an error', async () => {
  const { open } = fakeCells({
    run: (_, number) => speech(100, number === 2 ? { tokenHash: OTHER_HASH } : {}),
  });
  const { result } = await measure(fakePlan(['base']), { open });
  assert.deepEqual(result.errors, [
    { cell: 'base', message: 'the runs decoded 2 different token sequences from the same audio' },
  ]);
});

test('a sweep says when a larger batch decoded other tokens from the same segments', async () => {
  const cells = [1, 2, 4].flatMap((batch) =>
    [10, 30].map((segmentSeconds) =>
      fakeCell(`segment=${segmentSeconds} batch=${batch}`, { segmentSeconds, batch }),
    ),
  );
  const plan = { ...fakePlan([]), kind: 'sweep' as const, cells };
  const other = { tokenHash: OTHER_HASH, tokenIds: [1, 3] };
  const { open } = fakeCells({
    run: ({ id }) => speech(100, id === 'segment=30 batch=4' ? other : {}),
  });
  const { result } = await measure(plan, { open });
  assert.deepEqual(result.notes, [
    'segment=30 batch=1 / segment=30 batch=4: the tokens differ from token 2 on (2 / 2 tokens)',
  ]);
  assert.deepEqual(result.errors, []);
});

test('references give error rates, of each cell and of all recordings together', async () => {
  const clips = ['light-en', 'timer-en'].map((name) => `models/demo/samples/${name}.wav`);
  const cells = clips.map((path) => fakeCell(`i=${path}`, { audio: { kind: 'file', path } }));
  const references = new Map(
    clips.map((path, index) => [
      path,
      { path: `${index}.txt`, text: index === 0 ? 'Good morning' : 'Good evening' },
    ]),
  );
  const { result } = await measure({ ...fakePlan(['x', 'y']), cells }, { references });
  checkBenchResult(JSON.parse(JSON.stringify(result)), 'memory');
  assert.deepEqual(
    result.cells.map(({ accuracy }) => accuracy?.wer),
    [0, 0.5],
  );
  assert.equal(result.accuracy?.wer, 0.25);
});

test('a cell that fails in a sweep is in the document with its reason', async () => {
  const { open } = fakeCells({
    open: ({ id }) => {
      if (id === 'b') throw new QwenAsrError('unsupported', 'no such level');
    },
    run: () => speech(100),
  });
  const { result } = await measure(fakePlan(['a', 'b']), { open });
  checkBenchResult(JSON.parse(JSON.stringify(result)), 'memory');
  assert.equal(result.complete, false);
  const failed = result.cells.find(({ id }) => id === 'b');
  assert.deepEqual([failed?.runs.length, failed?.error, failed?.complete], [0, 'no such level', false]);
  assert.deepEqual(result.errors, [{ cell: 'b', message: 'no such level' }]);
});

/** A sweep of three cells that is stopped after some runs, its events in a file. */
async function interrupted(path: string, afterRuns: number): Promise<BenchPlan> {
  const plan = fakePlan(['a', 'b', 'c'], { runs: 4 });
  const controller = new AbortController();
  let runs = 0;
  const file = openJsonlFile(path);
  const { result } = await measure(plan, {
    sinks: [file.sink],
    signal: controller.signal,
    watchers: [
      {
        onRun: () => {
          if (++runs === afterRuns) controller.abort(new QwenAsrError('aborted', 'stopped'));
        },
      },
    ],
  });
  file.close();
  assert.equal(result.complete, false);
  return plan;
}

for (const afterRuns of [1, 4, 5, 11]) {
  test(`a sweep that was stopped after ${afterRuns} of 12 runs goes on where it was, and ends like any other`, async () => {
    const path = join(scratch, `${afterRuns}.jsonl`);
    const plan = await interrupted(path, afterRuns);
    const finished = readFinishedPart(path);
    assert.ok(finished !== null);
    const { open, log } = fakeCells({ run: () => speech(100) });
    const file = openJsonlFile(path, true);
    const { result } = await measure(plan, { open, sinks: [file.sink], finished });
    file.close();
    const warmups = log.filter((line) => line.startsWith('open')).length;
    assert.equal(log.filter((line) => line.startsWith('run')).length, 12 - afterRuns + warmups);
    assert.equal(result.complete, true);
    for (const { runs, complete, id } of result.cells) {
      assert.deepEqual([id, complete, runs.map(({ round }) => round)], [id, true, [0, 1, 2, 3]]);
    }
    const { summary, ...rest } = readResult(path).cells[0] ?? {};
    assert.ok(summary);
    const { summary: _, ...same } = result.cells[0] ?? {};
    assert.deepEqual(rest, same);
    // Nothing is left to do a third time.
    const again = fakeCells({ run: () => speech(100) });
    const third = await measure(plan, { open: again.open, finished: readFinishedPart(path) ?? undefined });
    assert.deepEqual([again.log, third.result.complete], [[], true]);
  });
}

test('a killed process loses nothing that was finished, not even with half a line at the end', async () => {
  const path = join(scratch, 'killed.jsonl');
  const plan = await interrupted(path, 7);
  const text = readFileSync(path, 'utf8');
  const lines = text.trimEnd().split('\n');
  const lastRun = lines.findLastIndex((line) => line.startsWith('{"event":"run"'));
  writeFileSync(path, `${lines.slice(0, lastRun + 1).join('\n')}\n{"event":"run","cell":"a","ru`);
  const finished = readFinishedPart(path);
  const counts = [...(finished?.runs ?? [])].map(([, runs]) => runs.length);
  assert.equal(
    counts.reduce((sum, count) => sum + count, 0),
    7,
  );
  const file = openJsonlFile(path, true);
  const { result } = await measure(plan, { sinks: [file.sink], finished: finished ?? undefined });
  file.close();
  assert.equal(result.complete, true);
  assert.equal(readResult(path).complete, true);
});

test('another plan does not go on with it', async () => {
  const path = join(scratch, 'other.jsonl');
  const plan = await interrupted(path, 4);
  const refuses = async (other: Partial<BenchPlan>, message: RegExp) => {
    const finished = readFinishedPart(path) ?? undefined;
    await assert.rejects(measure({ ...plan, ...other }, { finished }), (error) => {
      assert.ok(error instanceof QwenAsrError && error.code === 'compare');
      assert.match(error.message, message);
      return true;
    });
  };
  const changed = (rest: Parameters<typeof fakeCell>[1]) => ({
    cells: ['a', 'b', 'c'].map((id) => fakeCell(id, rest)),
  });
  await refuses({ kind: 'comparison' }, /expected a comparison, found a sweep/);
  await refuses(
    { cells: plan.cells.slice(0, 2) },
    /expected only cells of this command line, found the cell c/,
  );
  await refuses(
    changed({ audio: { kind: 'silence', seconds: 6 } }),
    /expected the same audio in a, found another/,
  );
  await refuses(changed({ load: { threads: 2 } }), /expected threads 2 in a, found 1/);
  await refuses(changed({ mode: 'encoder' }), /expected mode encoder in a, found pipeline/);
  await refuses(changed({ model: 'models/other' }), /expected model models\/other in a, found /);
});

test('a file that is no result is refused, one that is not there is begun', () => {
  const path = join(scratch, 'none.jsonl');
  assert.equal(readFinishedPart(path), null);
  writeFileSync(path, '');
  assert.equal(readFinishedPart(path), null);
  writeFileSync(path, 'a,b\n1,2\n');
  assert.throws(() => readFinishedPart(path), { code: 'compare' });
});
