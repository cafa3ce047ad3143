import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type MeasurementWatcher, MOST_WARMUPS, measureCells } from '../../../src/bench/run/measurement.js';
import { QwenAsrError } from '../../../src/error.js';
import { fakeCells, fakePlan, fakeRun } from '../support/fakeCells.js';

const instant = () => fakeCells({ run: (_, number) => fakeRun(100 + number) });

test('one cell: made ready, warmed up, then the planned runs, in one order', async () => {
  const { open, log } = instant();
  const seen: string[] = [];
  const watcher: MeasurementWatcher = {
    onReady: ({ runs }) => seen.push(`ready ${runs.length}`),
    onWarmupStart: () => seen.push('warmup'),
    onWarmup: (_, { totalMs }) => seen.push(`warm ${totalMs}`),
    onRun: ({ runs }, { totalMs }) => seen.push(`run ${runs.length} ${totalMs}`),
  };
  const { cells, interrupted } = await measureCells(fakePlan(['base']), open, watcher);
  assert.deepEqual(seen, ['ready 0', 'warmup', 'warm 100', 'run 1 101', 'run 2 102', 'run 3 103']);
  assert.deepEqual(log, ['open base', 'run base', 'run base', 'run base', 'run base', 'close base']);
  assert.equal(interrupted, false);
  assert.deepEqual(
    cells[0]?.runs.map(({ round }) => round),
    [null, null, null],
  );
});

test('several cells take turns, every cell once a round, and remember the round', async () => {
  const { open, log } = instant();
  const { cells, orders } = await measureCells(fakePlan(['a', 'b', 'c'], { runs: 4, warmup: 0 }), open, {});
  const runs = log.filter((line) => line.startsWith('run')).map((line) => line.slice(4));
  assert.equal(runs.length, 12);
  for (let round = 0; round < 4; round++) {
    const turn = runs.slice(3 * round, 3 * round + 3);
    assert.deepEqual([...turn].sort(), ['a', 'b', 'c']);
    assert.deepEqual(
      turn,
      orders[round]?.map((index) => 'abc'[index]),
    );
  }
  assert.deepEqual(
    cells.map((cell) => cell.runs.map(({ round }) => round)),
    [
      [0, 1, 2, 3],
      [0, 1, 2, 3],
      [0, 1, 2, 3],
    ],
  );
});

test('two cells alternate as ABBA', async () => {
  const { open, log } = instant();
  await measureCells(fakePlan(['a', 'b'], { kind: 'comparison', runs: 4, warmup: 0 }), open, {});
  const runs = log.filter((line) => line.startsWith('run')).map((line) => line.slice(4));
  assert.equal(runs.join(''), 'abbaabba');
});

test('no warm-up, several, or as many as it takes', async () => {
  const warm = async (warmup: number | 'auto', time: (number: number) => number) => {
    const { open } = fakeCells({ run: (_, number) => fakeRun(time(number)) });
    const [cell] = (await measureCells(fakePlan(['base'], { warmup }), open, {})).cells;
    return [cell?.warmups.length, cell?.steady, cell?.runs.length];
  };
  assert.deepEqual(await warm(0, () => 100), [0, null, 3]);
  assert.deepEqual(await warm(4, () => 100), [4, null, 3]);
  // Falling for eight runs, then level: the window of five has to be past the fall.
  const falling = (number: number) => 100 + 50 * Math.max(0, 8 - number) + 0.01 * ((number * 7) % 5);
  const [count, steady] = await warm('auto', falling);
  assert.ok(typeof count === 'number' && count > 8 && count < MOST_WARMUPS, String(count));
  assert.equal(steady, true);
  assert.deepEqual(await warm('auto', (number) => 1000 - 40 * number), [MOST_WARMUPS, false, 3]);
});

test('a pause comes before every run', async () => {
  const { open } = instant();
  const startMs = performance.now();
  await measureCells(fakePlan(['base'], { delayMs: 40, runs: 3 }), open, {});
  const elapsedMs = performance.now() - startMs;
  assert.ok(elapsedMs >= 119, `${elapsedMs} ms`);
});

test('a budget ends between rounds, before one that would not fit, and never before the first', async () => {
  const run = async () => {
    await new Promise((resolve) => setTimeout(resolve, 30));
    return fakeRun(30);
  };
  const measure = (budgetMs: number, runs: number | null) =>
    measureCells(fakePlan(['a', 'b'], { budgetMs, runs, warmup: 0 }), fakeCells({ run }).open, {});
  const some = await measure(300, null);
  const counts = some.cells.map(({ runs }) => runs.length);
  assert.equal(counts[0], counts[1]);
  assert.ok(counts[0] !== undefined && counts[0] >= 1 && counts[0] <= 5, String(counts));
  assert.equal(some.outOfBudget, true);
  const none = await measure(1, 9);
  assert.deepEqual(
    none.cells.map(({ runs }) => runs.length),
    [1, 1],
  );
  const all = await measure(60_000, 2);
  assert.deepEqual([all.outOfBudget, all.cells[0]?.runs.length], [false, 2]);
});

test('in a sweep a cell that fails leaves the others alone', async () => {
  const failed: string[] = [];
  const { open } = fakeCells({
    open: ({ id }) => {
      if (id === 'b') throw new QwenAsrError('unsupported', 'no such level');
    },
    run: ({ id }, number) => {
      if (id === 'c' && number === 2) throw new QwenAsrError('numeric', 'NaN');
      return fakeRun(100);
    },
  });
  const watcher: MeasurementWatcher = {
    onError: ({ plan }, { message }) => failed.push(`${plan.id}: ${message}`),
  };
  const { cells } = await measureCells(fakePlan(['a', 'b', 'c']), open, watcher);
  assert.deepEqual(failed, ['b: no such level', 'c: NaN']);
  assert.deepEqual(
    cells.map(({ runs, error }) => [runs.length, error?.code ?? null]),
    [
      [3, null],
      [0, 'unsupported'],
      [1, 'numeric'],
    ],
  );
});

test('an error ends a single benchmark and a comparison; the cells are closed', async () => {
  for (const plan of [fakePlan(['a']), fakePlan(['a', 'b'], { kind: 'comparison' })]) {
    const { open, log } = fakeCells({
      run: () => {
        throw new QwenAsrError('numeric', 'NaN');
      },
    });
    await assert.rejects(measureCells(plan, open, {}), /NaN/);
    assert.ok(log.includes('close a'));
  }
});

test('a failure that is not ours ends a sweep too', async () => {
  const { open } = fakeCells({
    run: () => {
      throw new TypeError('a mistake');
    },
  });
  await assert.rejects(measureCells(fakePlan(['a', 'b']), open, {}), TypeError);
});

test('an abort ends it with the runs that were finished: while running, between runs, in a pause', async () => {
  for (const delayMs of [0, 20]) {
    for (const when of ['run', 'between'] as const) {
      const controller = new AbortController();
      const { open, log } = fakeCells({
        run: (_, number) => {
          if (when === 'run' && number === 2) {
            controller.abort(new QwenAsrError('aborted', 'stopped'));
            throw new QwenAsrError('aborted', 'stopped');
          }
          return fakeRun(100);
        },
      });
      const { cells, interrupted } = await measureCells(fakePlan(['base'], { delayMs, runs: 9 }), open, {
        signal: controller.signal,
        onRun: () => when === 'between' && controller.abort(new QwenAsrError('aborted', 'stopped')),
      });
      assert.equal(interrupted, true);
      assert.equal(cells[0]?.runs.length, 1);
      assert.equal(log.at(-1), 'close base');
    }
  }
});

test('ceilings are measured for each number of threads, before the warm-up and after the last run', async () => {
  const { open, log } = instant();
  const seen: unknown[] = [];
  await measureCells(fakePlan(['a', 'b'], { roofline: true, runs: 1, warmup: 1 }), open, {
    onCeilings: (ceilings) =>
      seen.push([ceilings?.threads, ceilings?.samples?.length, ceilings?.readBytesPerSecond]),
  });
  // Both fakes have the same threads and instructions; what they tell grows by 1 GB/s from 30 at every measurement.
  assert.deepEqual(seen, [
    [1, 3, 31e9],
    [1, 6, 32.5e9],
  ]);
  const three = Array.from({ length: 3 }, () => 'ceilings a');
  assert.deepEqual(log.slice(0, 6), ['open a', ...three, 'open b', 'run a']);
  assert.deepEqual(log.slice(-6, -2), ['run b', ...three]);
});

test('after an interruption the ceilings of before stand', async () => {
  const controller = new AbortController();
  const seen: unknown[] = [];
  const { interrupted } = await measureCells(fakePlan(['a'], { roofline: true, runs: 3 }), instant().open, {
    signal: controller.signal,
    onCeilings: (ceilings) => seen.push(ceilings?.samples?.length),
    onRun: () => controller.abort(new QwenAsrError('aborted', 'stopped')),
  });
  assert.equal(interrupted, true);
  assert.deepEqual(seen, [3]);
});

test('what an interrupted measurement has finished is not run again', async () => {
  const { open, log } = instant();
  const finished = new Map([
    ['a', [fakeRun(1, { round: 0 }), fakeRun(2, { round: 1 }), fakeRun(3, { round: 2 })]],
    ['b', [fakeRun(4, { round: 0 }), fakeRun(5, { round: 1 })]],
    ['c', [fakeRun(6, { round: 0 })]],
  ]);
  const { cells } = await measureCells(fakePlan(['a', 'b', 'c']), open, {}, finished);
  assert.deepEqual(
    cells.map(({ runs }) => runs.map(({ round }) => round)),
    [
      [0, 1, 2],
      [0, 1, 2],
      [0, 1, 2],
    ],
  );
  assert.ok(!log.some((line) => line.endsWith(' a')), log.join());
  // Warm-ups of b and c, c alone in the second round, both in the third.
  assert.deepEqual(log.filter((line) => line.startsWith('run')).slice(0, 3), ['run b', 'run c', 'run c']);
  assert.equal(log.filter((line) => line.startsWith('run')).length, 5);
});
