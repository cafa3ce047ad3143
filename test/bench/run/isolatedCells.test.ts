import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { IsolatedCells } from '../../../src/bench/run/isolatedCells.js';
import { runBench } from '../../support/runBench.js';
import { fakeCell, fakeCells, fakeRun } from '../support/fakeCells.js';

test('a cell gives up its process for the next one, and is warm again when its turn comes', async () => {
  const { open, log } = fakeCells({ run: ({ id }, number) => fakeRun(100 * (id === 'a' ? 1 : 2) + number) });
  const told: string[] = [];
  const cells = new IsolatedCells((plan, options) => {
    if (options.onBackend !== undefined) told.push(plan.id);
    return open(plan, options);
  });
  const [planA, planB] = [fakeCell('a'), fakeCell('b')];
  const a = await cells.open(planA, { onBackend: () => {} });
  const b = await cells.open(planB, { onBackend: () => {} });
  const totals = [await b.run(), await b.run(), await a.run(), await a.run(), await b.run()].map(
    ({ totalMs }) => totalMs,
  );
  await a.close();
  await b.close();
  // The first run of a process that was started for a turn is its warm-up and does not count.
  assert.deepEqual(totals, [200, 201, 101, 102, 201]);
  assert.deepEqual(told, ['a', 'b']);
  assert.deepEqual(
    log.filter((line) => !line.startsWith('run')),
    [...['open a', 'close a', 'open b', 'close b', 'open a', 'close a', 'open b', 'close b']],
  );
});

/** Processes of cells that this process has started and that have not ended, as proc(5) has them. */
function cellProcesses(): number {
  return readdirSync('/proc').filter((entry) => {
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
      const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      const command = readFileSync(`/proc/${entry}/cmdline`, 'utf8');
      return Number(parent) === process.pid && state !== 'Z' && command.includes('cellProcess');
    } catch {
      return false; // it has ended, or is no process
    }
  }).length;
}

test('--isolate never has two models in memory: the processes of a sweep take turns', {
  skip: !existsSync('/proc/self/cmdline') && 'needs proc(5)',
}, async () => {
  let most = 0;
  const timer = setInterval(() => {
    most = Math.max(most, cellProcesses());
  }, 20);
  const { code, stderr } = await runBench([
    '-d',
    'synthetic:tiny',
    '-s',
    '1',
    '-t',
    '1,2',
    '-n',
    '1',
    '--isolate',
  ]);
  clearInterval(timer);
  assert.deepEqual([code, stderr, most], [0, '', 1]);
});
