import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rooflineOfCell, rooflineOfRun } from '../../../src/bench/analysis/roofline.js';
import { threadScaling } from '../../../src/bench/analysis/threadScaling.js';
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

test('arithmetic is held against the dot products of its precision, decode against reading', () => {
  const points = rooflineOfRun(RUN, WORK, CEILINGS);
  assert.deepEqual(
    points.map(({ part, share, limit }) => [part, Number(share.toFixed(6)), limit]),
    [
      ['convStem', 0.5, 'bf16'], // 40 G in 0.2 s: 200 of 400
      ['encoderLayers', 0.6, 'bf16'],
      ['encode', 0.5, 'bf16'], // 100 G in 0.5 s, the mel's time included
      ['prefill', 0.5, 'bf16'],
      ['decode', 0.8, 'read'], // 12 GB in 0.5 s: 24 of 30
    ],
  );
  const f32 = rooflineOfRun(
    RUN,
    WORK.map((one) => ({ ...one, arithmetic: 'f32' as const })),
    CEILINGS,
  );
  assert.deepEqual(f32.find(({ part }) => part === 'prefill')?.share, 2);
});

test('what was not measured has no place on it', () => {
  assert.deepEqual(rooflineOfRun(RUN, WORK, null), []);
  assert.deepEqual(rooflineOfRun(RUN, [], CEILINGS), []);
  assert.deepEqual(rooflineOfRun(fakeRun(100), WORK, CEILINGS), []);
  const int8 = WORK.map((one) => ({ ...one, arithmetic: 'int8' as const }));
  assert.deepEqual(
    rooflineOfRun(RUN, int8, CEILINGS).map(({ part }) => part),
    ['decode'],
  );
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
