import assert from 'node:assert/strict';
import { test } from 'node:test';
import { estimateProgress, formatProgress } from '../../src/cli/benchProgress.js';
import { fakePlan, fakeRun } from '../bench/support/fakeCells.js';

const cell = (runs: number[], warmups: number[] = []) => ({
  runs: runs.map((ms) => fakeRun(ms)),
  warmups: warmups.map((ms) => fakeRun(ms)),
});

test('each cell is estimated by its own runs, by its warm-up before them, and by the others before that', () => {
  const plan = fakePlan(['a', 'b', 'c'], { runs: 4 });
  const cells = [cell([100, 300], [9000]), cell([], [500]), cell([])];
  // a: 2 · 200; b: 4 · 500; c: 4 · mean(100, 300, 500)
  assert.deepEqual(estimateProgress(plan, cells, 0), {
    finishedRuns: 2,
    plannedRuns: 12,
    leftMs: 400 + 2000 + 1200,
  });
});

test('pauses count, and a foreign command by its whole time', () => {
  const plan = fakePlan(['a', 'b'], { runs: 2, delayMs: 50 });
  const cells = [cell([100]), { warmups: [], runs: [fakeRun(10, { commandMs: 700 })] }];
  assert.equal(estimateProgress(plan, cells, 0).leftMs, 150 + 750);
});

test('a budget ends it earlier, and alone decides when the runs are open', () => {
  const cells = [cell([1000, 1000])];
  assert.equal(estimateProgress(fakePlan(['a'], { runs: 100, budgetMs: 5000 }), cells, 2000).leftMs, 3000);
  assert.equal(estimateProgress(fakePlan(['a'], { runs: 3, budgetMs: 5000 }), cells, 2000).leftMs, 1000);
  const open = estimateProgress(fakePlan(['a'], { runs: null, budgetMs: 5000 }), cells, 6000);
  assert.deepEqual(open, { finishedRuns: 2, plannedRuns: null, leftMs: 0 });
});

test('before the first run there is nothing to go by', () => {
  assert.equal(estimateProgress(fakePlan(['a']), [cell([])], 0).leftMs, null);
});

test('time is said as people say it', () => {
  const say = (leftMs: number | null, plannedRuns: number | null = 40) =>
    formatProgress({ finishedRuns: 12, plannedRuns, leftMs });
  assert.equal(say(null), '12/40 runs');
  assert.equal(say(100), '12/40 runs, 1 s left');
  assert.equal(say(59_000), '12/40 runs, 59 s left');
  assert.equal(say(80_000), '12/40 runs, 1 min 20 s left');
  assert.equal(say(7_500_000), '12/40 runs, 2 h 5 min left');
  assert.equal(say(1000, null), '12 runs, 1 s left');
});
