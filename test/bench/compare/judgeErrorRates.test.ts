import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeErrorRates, parseFailCondition } from '../../../src/bench/compare/failCondition.js';
import { scoreCell } from '../../../src/bench/run/accuracy.js';
import type { BenchResult, CellRecord } from '../../../src/bench/schema/benchResult.js';
import { fakeRun } from '../support/fakeCells.js';
import { sweepResult } from '../support/sampleResults.js';

const SAID = 'one of ten words that a speaker said there today';
/** The same with so many of its words wrong. */
const heard = (errors: number) =>
  SAID.split(' ')
    .map((word, index) => (index < errors ? 'noise' : word))
    .join(' ');

/** A side with a recording for each number of errors, in this precision; null: without a reference. */
function side(errors: readonly (number | null)[], language = 'French') {
  const sample = sweepResult();
  const [first] = sample.cells as [CellRecord];
  const audio = errors.map((_, index) => ({
    id: `a${index}`,
    path: `${index}.wav`,
    durationMs: 3000,
    hash: null,
  }));
  const cells = errors.map((wrong, index): CellRecord => {
    const text = heard(wrong ?? 0);
    const settings = { ...first.settings, audio: `a${index}`, language: null };
    const cell = {
      ...first,
      id: `i=${index}.wav`,
      settings,
      runs: [fakeRun(9, { round: 0, text, language })],
    };
    return {
      ...cell,
      accuracy: scoreCell(cell, wrong === null ? undefined : { path: 'x.txt', text: SAID }),
    };
  });
  const result: BenchResult = { ...sample, audio, cells, comparisons: [] };
  return { name: 'b', result };
}

function judged(condition: string, before: readonly (number | null)[], now: readonly (number | null)[]) {
  const [a, b] = [side(before), side(now)];
  const pairs = a.result.cells.map((cell, index) => {
    const partner = b.result.cells[index] ?? assert.fail();
    return { title: a.result.cells.length === 1 ? '' : cell.id, pair: { a: cell, b: partner } };
  });
  return judgeErrorRates(parseFailCondition(condition), pairs, b);
}

test('several recordings are judged together: a word more in one of them is 5 points of two, not 10', () => {
  assert.deepEqual(judged('wer>+6pp', [0, 1], [1, 1]), [
    { failed: false, reason: 'all 2 recordings: wer>+6pp: 5.000 % to 10.00 %' },
  ]);
  assert.deepEqual(judged('wer>+4pp', [0, 1], [1, 1]), [
    { failed: true, reason: 'all 2 recordings: wer>+4pp: 5.000 % to 10.00 %' },
  ]);
  // What one gains another may lose.
  assert.deepEqual(
    judged('wer>+0pp', [0, 2], [1, 1]).map(({ failed }) => failed),
    [false],
  );
});

test('a single recording is judged alone, and exactly at the threshold', () => {
  assert.deepEqual(judged('wer>+10pp', [0], [1]), [{ failed: false, reason: 'wer>+10pp: 0 % to 10.00 %' }]);
  assert.deepEqual(
    judged('wer>+9.9pp', [0], [1]).map(({ failed }) => failed),
    [true],
  );
  assert.deepEqual(
    judged('wer<-5pp', [1], [0]).map(({ failed }) => failed),
    [true],
  );
});

test('a recording without error rates is an error, not a pass', () => {
  for (const [before, now] of [
    [
      [0, 1],
      [0, null],
    ],
    [[null], [0]],
  ] as const) {
    assert.throws(() => judged('wer>+1pp', before, now), {
      code: 'compare',
      message: /--fail-if wer>\+1pp: expected WER on both sides, found none; measure with --ref$/,
    });
  }
});
