import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareCells } from '../../../src/bench/run/comparisons.js';
import type { CellRecord } from '../../../src/bench/schema/benchResult.js';
import type { RunRecord } from '../../../src/bench/schema/runRecord.js';
import { comparePaired } from '../../../src/bench/statistics/comparePaired.js';
import { fakeRun } from '../support/fakeCells.js';
import { sweepResult } from '../support/sampleResults.js';

const [CELL] = sweepResult().cells as [CellRecord];
const cell = (
  id: string,
  runs: readonly RunRecord[],
  mode: 'pipeline' | 'encoder' = 'pipeline',
): CellRecord => ({
  ...CELL,
  id,
  settings: { ...CELL.settings, mode },
  runs,
});
const run = (round: number, totalMs: number, tokenHash: string | null = 'h') =>
  fakeRun(totalMs, { round, encodeMs: 0.6 * totalMs, decodeMs: 0.3 * totalMs, tokenHash });
const LABELS = { labelA: '-t 1', labelB: '-t 2' };
const ABBA = (round: number) => round % 2 === 0;

test('rounds are paired by their number, by every metric that both tell', () => {
  const timesA = [100, 101, 99, 103];
  const timesB = [110, 112, 108, 111];
  const a = cell(
    'base',
    timesA.map((ms, round) => run(round, ms)),
  );
  // B has not finished the last round, and one of A's is missing in it.
  const b = cell(
    'b',
    timesB
      .map((ms, round) => run(round, ms))
      .slice(0, 3)
      .reverse(),
  );
  const records = compareCells({ a, b, ...LABELS }, ABBA);
  assert.deepEqual(
    records.map(({ metric }) => metric),
    ['total', 'encode', 'decode'],
  );
  const [total] = records;
  assert.deepEqual(total?.outcome, comparePaired(timesA.slice(0, 3), timesB.slice(0, 3)));
  assert.deepEqual(total?.orders, ['ab', 'ba', 'ab']);
  assert.deepEqual([total?.a, total?.b, total?.labelA, total?.labelB], ['base', 'b', '-t 1', '-t 2']);
  assert.equal(total?.sameTokens, true);
});

test('other tokens in any round are told; where one side has none, nothing is', () => {
  const a = cell('a', [run(0, 100), run(1, 100)]);
  const same = (b: RunRecord[]) => compareCells({ a, b: cell('b', b), ...LABELS }, ABBA)[0]?.sameTokens;
  assert.equal(same([run(0, 100), run(1, 100)]), true);
  assert.equal(same([run(0, 100), run(1, 100, 'other')]), false);
  assert.equal(same([run(0, 100), run(1, 100, null)]), null);
});

test('a single round has no outcome, none at all neither', () => {
  const a = cell('a', [run(0, 100)]);
  assert.equal(compareCells({ a, b: cell('b', [run(0, 90)]), ...LABELS }, ABBA)[0]?.outcome, null);
  const none = compareCells({ a, b: cell('b', []), ...LABELS }, ABBA)[0];
  assert.deepEqual([none?.outcome, none?.sameTokens, none?.orders], [null, null, []]);
});

test('a command that prints no phases is compared by its total alone, encoders by their time', () => {
  const a = cell('a', [run(0, 100), run(1, 101)]);
  const outside = cell('b', [fakeRun(200, { round: 0 }), fakeRun(201, { round: 1 })]);
  assert.deepEqual(
    compareCells({ a, b: outside, ...LABELS }, ABBA).map(({ metric }) => metric),
    ['total'],
  );
  const encoders = compareCells(
    { a: cell('a', a.runs, 'encoder'), b: cell('b', a.runs, 'encoder'), ...LABELS },
    ABBA,
  );
  assert.deepEqual(
    encoders.map(({ metric }) => metric),
    ['encode'],
  );
});
