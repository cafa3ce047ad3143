import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ceilingRange,
  joinCeilings,
  rooflineOfCell,
  rooflineOfRun,
} from '../../../src/bench/analysis/roofline.js';
import { ceilingDoubts, formatShare, rooflineTable } from '../../../src/bench/document/rooflineTable.js';
import { threadScaling } from '../../../src/bench/document/threadScaling.js';
import type {
  BenchResult,
  CeilingsRecord,
  CellRecord,
  WorkRecord,
} from '../../../src/bench/schema/benchResult.js';
import { fakeRun } from '../support/fakeCells.js';
import { sweepResult } from '../support/sampleResults.js';

const CEILINGS: CeilingsRecord = {
  threads: 2,
  backend: 'x64',
  isa: 'avx512bf16',
  readBytesPerSecond: 30e9,
  f32FlopsPerSecond: 100e9,
  bf16FlopsPerSecond: 400e9,
  int8OpsPerSecond: null,
};
const WORK: readonly WorkRecord[] = [
  { phase: 'convStem', flops: 40e9, bytes: 1e6, arithmetic: 'bf16' },
  { phase: 'encoderLayers', flops: 60e9, bytes: 1e8, arithmetic: 'bf16' },
  { phase: 'prefill', flops: 200e9, bytes: 1e9, arithmetic: 'bf16' },
  { phase: 'decode', flops: 1e9, bytes: 12e9, arithmetic: 'bf16' },
];
const RUN = fakeRun(2000, {
  encodeMs: 500,
  phases: {
    ...fakeRun(0).phases,
    melMs: 50,
    convStemMs: 200,
    encoderLayersMs: 250,
    prefillMs: 1000,
    decodeMs: 500,
  },
});

test('a phase is held against the ceiling that is the lower one for its work', () => {
  const points = rooflineOfRun(RUN, WORK, CEILINGS);
  assert.deepEqual(
    points.map(({ phase, share, limit }) => [phase, Number(share.toFixed(6)), limit]),
    [
      ['convStem', 0.5, 'bf16'], // 40 G in 0.2 s: 200 of 400
      ['encoderLayers', 0.6, 'bf16'],
      ['prefill', 0.5, 'bf16'],
      ['decode', 0.8, 'read'], // 12 GB in 0.5 s: 24 of 30
    ],
  );
  const [, , prefill, decode] = points;
  assert.deepEqual([prefill?.rate, prefill?.ceiling, prefill?.ceilingMs], [200e9, 400e9, 500]);
  assert.deepEqual([decode?.rate, decode?.ceiling, decode?.ceilingMs], [24e9, 30e9, 400]);
  const f32 = rooflineOfRun(
    RUN,
    WORK.map((one) => ({ ...one, arithmetic: 'f32' as const })),
    CEILINGS,
  );
  assert.deepEqual(f32.find(({ phase }) => phase === 'prefill')?.share, 2);
});

test('little work for many weights is limited by reading them, whatever the phase; much work never is', () => {
  // 2 G operations for 3 GB: 5 ms of arithmetic, 100 ms of reading. And the other way round for decode steps.
  const work: readonly WorkRecord[] = [
    { phase: 'prefill', flops: 2e9, bytes: 3e9, arithmetic: 'bf16' },
    { phase: 'decode', flops: 100e9, bytes: 3e9, arithmetic: 'bf16' },
  ];
  const points = rooflineOfRun(RUN, work, CEILINGS);
  assert.deepEqual(
    points.map(({ phase, limit, ceilingMs, share }) => [phase, limit, ceilingMs, share]),
    [
      ['prefill', 'read', 100, 0.1],
      ['decode', 'bf16', 250, 0.5],
    ],
  );
});

test('the phases do not overlap, so the time at their ceilings is that of the run', () => {
  const points = rooflineOfRun(RUN, WORK, CEILINGS);
  const sum = points.reduce((total, { ms }) => total + ms, 0);
  assert.ok(sum <= RUN.totalMs, `${sum} of ${RUN.totalMs}`);
  const { rows } = rooflineTable('', points, RUN.totalMs);
  assert.deepEqual(rows.at(-1)?.slice(0, 4), ['all', '2000', '1150', '57 %']); // 100 + 150 + 500 + 400
});

test('where there are no bf16 products, or slower ones, bf16 is multiplied as f32', () => {
  const points = rooflineOfRun(RUN, WORK, { ...CEILINGS, bf16FlopsPerSecond: null });
  assert.deepEqual(rooflineOfRun(RUN, WORK, { ...CEILINGS, bf16FlopsPerSecond: 60e9 }), points);
  assert.deepEqual(
    points.map(({ limit, share }) => [limit, share]),
    [
      ['f32', 2],
      ['f32', 2.4],
      ['f32', 2],
      ['read', 0.8],
    ],
  );
});

test('what was not measured has no place on it', () => {
  assert.deepEqual(rooflineOfRun(RUN, WORK, null), []);
  assert.deepEqual(rooflineOfRun(RUN, [], CEILINGS), []);
  assert.deepEqual(rooflineOfRun(fakeRun(100), WORK, CEILINGS), []);
  const int8 = WORK.map((one) => ({ ...one, arithmetic: 'int8' as const }));
  assert.deepEqual(rooflineOfRun(RUN, int8, CEILINGS), []);
});

const measured = (...reads: readonly [number, ...number[]]): CeilingsRecord => {
  const rates = (read: number) => ({ ...CEILINGS, readBytesPerSecond: read });
  const [first, ...others] = reads;
  return { ...CEILINGS, ...joinCeilings([rates(first), ...others.map(rates)]) };
};

test('ceilings that were measured several times are their medians', () => {
  const joined = measured(30e9, 55e9, 29e9, 31e9, 50e9);
  assert.equal(joined.readBytesPerSecond, 31e9);
  assert.deepEqual([joined.f32FlopsPerSecond, joined.int8OpsPerSecond], [100e9, null]);
  assert.equal(joined.samples?.length, 5);
  assert.deepEqual(ceilingRange(joined, 'read'), { low: 29e9, high: 55e9 });
  assert.deepEqual(ceilingRange(joined, 'int8'), null);
});

test('shares of a ceiling that moved by more than 15 % are marked, those of the others are not', () => {
  const marks = (ceilings: CeilingsRecord) =>
    rooflineOfRun(RUN, WORK, ceilings).map((point) => formatShare(point));
  assert.deepEqual(marks(measured(30e9, 28e9, 32e9)), ['50 %', '60 %', '50 %', '80 %']);
  const restless = measured(30e9, 55e9, 30e9);
  assert.deepEqual(marks(restless), ['50 %', '60 %', '50 %', '~80 %']);
  assert.deepEqual(ceilingDoubts([measured(30e9, 31e9)]), []);
  assert.deepEqual(ceilingDoubts([restless]), [
    'the read ceiling moved by 83 % between measurements (30.0 GB/s … 55.0 GB/s): shares of it are rough',
  ]);
});

test('one measurement that something got in the way of makes no ceiling doubtful, a ceiling that moved does', () => {
  const marked = (ceilings: CeilingsRecord) =>
    rooflineOfRun(RUN, WORK, ceilings).some(({ reliable }) => !reliable);
  assert.equal(marked(measured(30e9, 31e9, 30e9, 15e9, 30e9, 30e9)), false);
  assert.equal(marked(measured(30e9, 31e9, 30e9, 55e9, 54e9, 55e9)), true);
  assert.equal(marked(measured(30e9, 15e9, 30e9)), true, 'of three none can be spared');
  // What a doubt says is what it rests on.
  assert.deepEqual(ceilingDoubts([measured(30e9, 10e9, 40e9, 32e9, 36e9), { ...CEILINGS, threads: 1 }]), [
    'the read ceiling of 2 threads moved by 19 % between measurements (30.0 GB/s … 36.0 GB/s): shares of it are rough',
  ]);
});

test('a cell is held against the ceilings of its own threads, by the medians of its runs', () => {
  const [first] = sweepResult().cells as [CellRecord];
  const settings = { ...first.settings, threads: 2, backend: 'x64', isa: 'avx512bf16' };
  const slow = fakeRun(9000, { encodeMs: 5000, phases: { ...RUN.phases, prefillMs: 8000 } });
  const cell = { ...first, settings, work: WORK, runs: [RUN, slow, RUN] };
  const others = { ...CEILINGS, threads: 1, readBytesPerSecond: 1 };
  assert.deepEqual(rooflineOfCell(cell, [others, CEILINGS]), rooflineOfRun(RUN, WORK, CEILINGS));
  assert.deepEqual(rooflineOfCell(cell, [others]), []);
});

/** A sweep over threads with the times of each. */
function threadSweep(times: Readonly<Record<number, readonly number[]>>): BenchResult {
  const result = sweepResult();
  const [first] = result.cells as [CellRecord];
  const cells = Object.entries(times).map(([threads, totals]) => ({
    ...first,
    id: `t=${threads}`,
    settings: { ...first.settings, threads: Number(threads) },
    runs: totals.map((ms, round) => fakeRun(ms, { round })),
  }));
  return { ...result, cells, comparisons: [] };
}

const around = (ms: number) => [1, 1.001, 0.999, 1.002, 0.998, 1].map((factor) => ms * factor);

test('speed-up and efficiency are relative to the fewest threads', () => {
  const [scaling, ...others] = threadScaling(
    threadSweep({ 4: around(260), 1: around(1000), 2: around(510) }),
  );
  assert.deepEqual(others, []);
  assert.equal(scaling?.label, '');
  assert.deepEqual(
    scaling?.points.map(({ threads, totalMs, speedUp, efficiency }) => [
      threads,
      totalMs,
      Number(speedUp.toFixed(3)),
      Number(efficiency.toFixed(3)),
    ]),
    [
      [1, 1000, 1, 1],
      [2, 510, 1.961, 0.98],
      [4, 260, 3.846, 0.962],
    ],
  );
  assert.equal(scaling?.bestThreads, 4);
});

test('the best is the fastest, or fewer threads that are shown to be as fast', () => {
  const best = (times: Record<number, number[]>) => threadScaling(threadSweep(times))[0]?.bestThreads;
  assert.equal(best({ 1: around(1000), 2: around(500), 4: around(499), 8: around(700) }), 2);
  assert.equal(best({ 1: around(1000), 2: around(540), 4: around(500) }), 4);
  // Too noisy to be called the same: the smaller median counts.
  assert.equal(best({ 1: [100, 180, 90, 200, 120, 160], 2: [130, 99, 170, 80, 150, 110] }), 2);
  assert.equal(best({ 1: [100], 2: [99] }), 2);
});

test('without a sweep over threads there is nothing to scale', () => {
  assert.deepEqual(threadScaling(threadSweep({ 2: around(100) })), []);
  const sample = sweepResult();
  assert.ok(threadScaling(sample).length >= 1); // the sample sweeps threads and seconds: one line a length
  assert.ok(threadScaling(sample).every(({ label }) => label !== ''));
});
