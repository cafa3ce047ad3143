import assert from 'node:assert/strict';
import { test } from 'node:test';
import { measureCells } from '../../src/bench/run/measurement.js';
import { BenchProgress } from '../../src/cli/benchProgress.js';
import { canDraw } from '../../src/cli/runCommand.js';
import { fakeCells, fakePlan, fakeRun } from '../bench/support/fakeCells.js';

/** What a progress line draws while three runs of 60 s are made, each drawing with the number of runs before it. */
async function drawings(errIsTerminal: boolean): Promise<string[]> {
  const drawn: string[] = [];
  let running = 0;
  const plan = fakePlan(['base']);
  const progress = new BenchProgress(plan, {
    errIsTerminal,
    err: (text) => {
      assert.equal(running, 0, 'drawn within a run');
      drawn.push(text);
    },
  });
  const { open } = fakeCells({
    run: async () => {
      running++;
      await new Promise((resolve) => setTimeout(resolve, 5));
      running--;
      return fakeRun(60_000);
    },
  });
  await measureCells(plan, open, progress);
  progress.clear();
  return drawn;
}

test('on a terminal one line says how far it is and how long it takes, and is gone at the end', async () => {
  const erase = '\r\u001b[2K';
  const drawn = await drawings(true);
  const lines = drawn.filter((text) => text !== erase).map((text) => text.replace(erase, ''));
  assert.deepEqual(lines, [
    '0/3 runs',
    '0/3 runs, 3 min 0 s left',
    '1/3 runs, 2 min 0 s left',
    '2/3 runs, 1 min 0 s left',
    '3/3 runs, 0 s left',
  ]);
  assert.equal(drawn.at(-1), erase);
});

test('cells that were finished before an interruption are not left to do', async () => {
  const drawn: string[] = [];
  const plan = fakePlan(['done', 'begun', 'open'], { runs: 2 });
  const finished = new Map([
    ['done', [fakeRun(60_000), fakeRun(60_000)]],
    ['begun', [fakeRun(60_000)]],
  ]);
  const err = (text: string) => drawn.push(text);
  const progress = new BenchProgress(plan, { errIsTerminal: true, err }, finished);
  const { open } = fakeCells({ run: async () => fakeRun(60_000) });
  await measureCells(plan, open, progress, finished);
  // The first drawing comes before anything has been measured again: one run of one cell, two of the other.
  assert.match(drawn.find((text) => text.includes('runs')) ?? '', /3\/6 runs, 3 min 0 s left$/);
});

test('a pipe or a file gets nothing', async () => {
  assert.deepEqual(await drawings(false), []);
});

test('a CI log or a terminal that cannot move its cursor is not drawn on', () => {
  assert.equal(canDraw({ TERM: 'xterm-256color' }), true);
  assert.equal(canDraw({}), true);
  assert.equal(canDraw({ CI: 'false' }), true);
  assert.equal(canDraw({ CI: 'true', TERM: 'xterm' }), false);
  assert.equal(canDraw({ CI: '1' }), false);
  assert.equal(canDraw({ TERM: 'dumb' }), false);
});
