import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CellRecord } from '../../../src/bench/schema/benchResult.js';
import { findMetric, METRICS, metricValues } from '../../../src/bench/schema/metrics.js';
import { benchmarkResult, outsideRun } from '../support/sampleResults.js';

const CELL = benchmarkResult(3).cells[0] ?? assert.fail();
const CONTEXT = { audioDurationMs: 11_000, encoderLayers: 18 };

function values(
  name: string,
  cell: Pick<CellRecord, 'runs' | 'warmups' | 'settings'> = CELL,
): number[] | null {
  return metricValues(findMetric(name) ?? assert.fail(name), cell, CONTEXT);
}

test('metrics are what the runs say, one a run', () => {
  assert.deepEqual(
    values('total'),
    CELL.runs.map((run) => run.totalMs),
  );
  assert.deepEqual(
    values('rt_factor'),
    CELL.runs.map((run) => run.totalMs / 11_000),
  );
  const [run] = CELL.runs;
  const [rate] = values('tokens_per_second') ?? [];
  const seconds = (run?.decodeStepsMs ?? []).reduce((sum, ms) => sum + ms, 0) / 1000;
  assert.ok(Math.abs((rate ?? 0) - 33 / seconds) < 1e-9);
  assert.equal(new Set(METRICS.map(({ name }) => name)).size, METRICS.length);
});

test('the encoder alone has a time a layer, and neither total nor real-time factor', () => {
  const encoder = { ...CELL, settings: { ...CELL.settings, mode: 'encoder' as const } };
  assert.equal(values('total', encoder), null);
  assert.equal(values('rt_factor', encoder), null);
  assert.equal(values('per_layer'), null);
  const [encode] = values('encode', encoder) ?? [];
  assert.equal(values('per_layer', encoder)?.[0], (encode ?? 0) / 18);
});

test('a metric that one run does not tell is told by none', () => {
  const mixed = { ...CELL, runs: [...CELL.runs, outsideRun(3000, null)] };
  assert.equal(values('encode', mixed), null);
  assert.equal(values('tokens_per_second', mixed), null);
  // The time of a whole process, with starting and loading, is no total.
  assert.equal(values('total', mixed), null);
  assert.equal(values('total', { ...CELL, runs: [] }), null);
});
