import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cellTitles, lineAxes, sweepAxes, sweepSeries } from '../../../src/bench/document/sweepAxes.js';
import type { BenchEvent } from '../../../src/bench/record/benchEvent.js';
import type { BenchResult, CellSettings } from '../../../src/bench/schema/benchResult.js';
import { createRandom } from '../../../src/bench/statistics/random.js';
import { build, cellStart, MODEL, sampleRun, sweepResult } from '../support/sampleResults.js';

/** A sweep of one run a cell. */
function sweepOf(
  audio: readonly [path: string | null, seconds: number][],
  cells: Partial<CellSettings>[],
): BenchResult {
  const random = createRandom(1);
  const events: BenchEvent[] = [
    { event: 'model', model: MODEL },
    ...audio.map(([path, seconds], index): BenchEvent => {
      return { event: 'audio', audio: { id: `a${index}`, path, durationMs: 1000 * seconds, hash: null } };
    }),
    ...cells.flatMap((settings, index): BenchEvent[] => [
      { event: 'cell', cell: cellStart(`c${index}`, settings) },
      { event: 'run', cell: `c${index}`, run: sampleRun(random) },
    ]),
  ];
  return build(events, { kind: 'sweep' });
}

const names = (axes: readonly { readonly name: string }[]) => axes.map(({ name }) => name);

test('the axes are the settings that differ, lines run along the numeric ones', () => {
  const result = sweepResult();
  assert.deepEqual(names(sweepAxes(result)), ['threads', 'seconds']);
  assert.deepEqual(names(lineAxes(result)), ['threads', 'seconds']);
  const [threads] = lineAxes(result);
  const series = sweepSeries(result, threads ?? assert.fail());
  assert.deepEqual(
    series.map(({ title, points }) => [title, points.map(({ x }) => x)]),
    [5, 10, 20, 40].map((seconds) => [`${seconds} s`, [1, 2, 4, 8]]),
  );
});

test('tokens that follow the length split no line and make no chart of their own', () => {
  const result = sweepOf(
    [
      [null, 2],
      [null, 4],
    ],
    ['f32', 'bf16'].flatMap((precision) => [
      { precision, audio: 'a0', exactTokens: 6 },
      { precision, audio: 'a1', exactTokens: 12 },
    ]),
  );
  assert.deepEqual(names(sweepAxes(result)), ['precision', 'seconds', 'tokens']);
  assert.deepEqual(names(lineAxes(result)), ['seconds']);
  const [seconds] = lineAxes(result);
  const series = sweepSeries(result, seconds ?? assert.fail());
  assert.deepEqual(
    series.map(({ title, points }) => [title, points.length]),
    [
      ['f32', 2],
      ['bf16', 2],
    ],
  );
  assert.deepEqual(result.cells.map(cellTitles(result)), ['f32, 2 s', 'f32, 4 s', 'bf16, 2 s', 'bf16, 4 s']);
});

test('recordings are called by their name, by their path where names repeat', () => {
  const cells = [1, 2].flatMap((threads) => [
    { threads, audio: 'a0' },
    { threads, audio: 'a1' },
  ]);
  const apart = sweepOf(
    [
      ['x/one.wav', 2],
      ['x/two.wav', 3],
    ],
    cells,
  );
  assert.deepEqual(apart.cells.map(cellTitles(apart)).slice(0, 2), [
    'one.wav, 1 thread',
    'two.wav, 1 thread',
  ]);
  const [seconds] = lineAxes(apart).filter(({ name }) => name === 'seconds');
  const along = sweepSeries(apart, seconds ?? assert.fail());
  assert.deepEqual(
    along.map(({ title }) => title),
    ['1 thread', '2 threads'],
  );
  const alike = sweepOf(
    [
      ['x/one.wav', 2],
      ['y/one.wav', 2],
    ],
    cells,
  );
  assert.deepEqual(alike.cells.map(cellTitles(alike)).slice(0, 2), [
    'x/one.wav, 1 thread',
    'y/one.wav, 1 thread',
  ]);
});
