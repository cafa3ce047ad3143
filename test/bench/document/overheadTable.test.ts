import assert from 'node:assert/strict';
import { test } from 'node:test';
import { overheadTable } from '../../../src/bench/document/sweepTables.js';
import type { BenchEvent } from '../../../src/bench/record/benchEvent.js';
import type { BenchResult } from '../../../src/bench/schema/benchResult.js';
import { createRandom } from '../../../src/bench/statistics/random.js';
import { build, cellStart, MODEL, sampleRun } from '../support/sampleResults.js';

/** A sweep over audio of these lengths, four runs each, of 40 ms and 90 ms a second. */
function lengthSweep(audio: readonly [path: string | null, seconds: number][]): BenchResult {
  const random = createRandom(1);
  const run = (seconds: number) => ({ ...sampleRun(random), totalMs: 40 + 90 * seconds, tokens: 5 });
  const events: BenchEvent[] = [
    { event: 'model', model: MODEL },
    ...audio.map(([path, seconds], index): BenchEvent => {
      return { event: 'audio', audio: { id: `a${index}`, path, durationMs: 1000 * seconds, hash: null } };
    }),
    ...audio.flatMap(([, seconds], index): BenchEvent[] => [
      { event: 'cell', cell: cellStart(`c${index}`, { audio: `a${index}` }) },
      ...[0, 1, 2, 3].map((): BenchEvent => ({ event: 'run', cell: `c${index}`, run: run(seconds) })),
    ]),
  ];
  return build(events, { kind: 'sweep' });
}

test('silence of three lengths has a cost a second', () => {
  const table = overheadTable(
    lengthSweep([
      [null, 5],
      [null, 10],
      [null, 20],
    ]),
  );
  assert.deepEqual(table?.rows, [
    ['all cells', '40.00 (40.00 … 40.00)', '90.00 (90.00 … 90.00)', '–', '1.0000'],
  ]);
});

test('two lengths, and a set of recordings, have none', () => {
  const two = lengthSweep([
    [null, 5],
    [null, 10],
  ]);
  const recordings = lengthSweep([
    ['one.wav', 5],
    ['two.wav', 10],
    ['three.wav', 20],
    ['four.wav', 30],
  ]);
  assert.deepEqual([overheadTable(two), overheadTable(recordings)], [null, null]);
});
