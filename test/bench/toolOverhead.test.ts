import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryMeter, RunMeters } from '../../src/bench/meters/runMeters.js';
import { workOfRun } from '../../src/bench/phases.js';
import { loadBenchmarkAudio } from '../../src/bench/run/cellSession.js';
import { ModelPool, openModelCell } from '../../src/bench/run/openModelCell.js';
import { loadModel } from '../../src/transcribe/loadModel.js';
import { demoModelDir } from '../support/projectRoot.js';
import { INFO_1_7B } from './fakeModel.js';
import { fakeCell } from './support/fakeCells.js';

/** Share of a run that measuring it may take. */
const LIMIT = 0.001;

/**
 * A run of `synthetic:0.6b -s 5` on a machine three times as fast as the one this project is tuned on (two cores that
 * reach 427 GFLOP/s of bf16 and read 33 GB/s): what takes 0.1 % of this takes less of a real one.
 */
const FAST = { flopsPerSecond: 3 * 427e9, bytesPerSecond: 3 * 33e9 };
const SIZE = { frames: 500, audioTokens: 65, promptTokens: 79, tokens: 15 };
const INFO_0_6B = {
  ...INFO_1_7B,
  parameters: 938_000_000,
  weightBytes: 1_876_000_000,
  encoder: { dModel: 896, layers: 18, heads: 14, ffn: 3584, convChannels: 480 },
  decoder: { ...INFO_1_7B.decoder, hidden: 1024, intermediate: 3072 },
};

function fastestRunMs(): number {
  const seconds = workOfRun(INFO_0_6B, SIZE).map(({ phase, flops, bytes }) =>
    phase === 'decode' ? (bytes ?? 0) / FAST.bytesPerSecond : (flops ?? 0) / FAST.flopsPerSecond,
  );
  return 1000 * seconds.reduce((sum, one) => sum + one, 0);
}

/** Milliseconds of one call; the smallest of many batches, because other processes only ever add to it. */
function costOf(call: () => void): number {
  let least = Number.POSITIVE_INFINITY;
  for (let batch = 0; batch < 50; batch++) {
    const startMs = performance.now();
    for (let repeat = 0; repeat < 100; repeat++) call();
    least = Math.min(least, (performance.now() - startMs) / 100);
  }
  return least;
}

test('measuring takes at most 0.1 % of a run: calls in the timed region times the cost of a call', async (t) => {
  const model = await loadModel(demoModelDir);
  const pool = new ModelPool({ load: async () => model });
  const meters = new RunMeters();
  const audio = await loadBenchmarkAudio({ kind: 'silence', seconds: 5 });
  const cell = await openModelCell(
    fakeCell('base', { exactTokens: SIZE.tokens }),
    { pool, meters, audio },
    {},
  );
  await cell.run();

  const clock = t.mock.method(performance, 'now');
  const runs = [await cell.run(), await cell.run()];
  // Every phase with a peak was marked once.
  const markCalls = Object.keys(runs[0]?.memory ?? {}).length - 1;
  const clockCalls = clock.mock.callCount() / runs.length;
  t.mock.restoreAll();
  await model.close();

  const meter = new MemoryMeter();
  const markMs = costOf(() => meter.mark('mel'));
  const clockMs = costOf(() => performance.now());
  meter.close();
  const overheadMs = markCalls * markMs + clockCalls * clockMs;
  const share = overheadMs / fastestRunMs();
  t.diagnostic(
    `${markCalls} marks of ${(1000 * markMs).toFixed(1)} µs and ${clockCalls} clock readings of ${(1000 * clockMs).toFixed(2)} µs: ${(100 * share).toFixed(4)} % of ${fastestRunMs().toFixed(0)} ms`,
  );
  assert.equal(markCalls, 5);
  assert.ok(clockCalls > 2 * SIZE.tokens, `${clockCalls} clock readings`);
  assert.ok(share <= LIMIT, `${(100 * share).toFixed(3)} %`);
});
