import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AudioPlan, runOrder, syntheticTokens } from '../../../src/bench/plan/benchPlan.js';
import { expandCells, type SweepValues } from '../../../src/bench/plan/expandCells.js';
import { DEFAULT_BATCH } from '../../../src/transcribe/transcribeSegments.js';

const AUDIO: readonly AudioPlan[] = [{ kind: 'silence', seconds: 5 }];

/** Cells of the demo model. */
const expand = (values: SweepValues, audio = AUDIO) =>
  expandCells(audio, { model: ['models/demo'], ...values });

test('without a sweep there is one cell, called base, that leaves everything open', () => {
  const [cell, ...others] = expand({});
  assert.deepEqual(others, []);
  assert.deepEqual(cell, {
    kind: 'model',
    id: 'base',
    label: 'base',
    mode: 'pipeline',
    model: 'models/demo',
    load: {},
    audio: { kind: 'silence', seconds: 5 },
    exactTokens: undefined,
    language: undefined,
    segmentSeconds: null,
    batch: 1,
    skipSilence: false,
    vad: false,
    stream: null,
  });
});

test('every combination comes once, named by what varies', () => {
  const cells = expand(
    { threads: [1, 2], precision: ['f32'] },
    [5, 10, 20].map((seconds) => ({ kind: 'silence', seconds })),
  );
  assert.deepEqual(
    cells.map(({ id }) => id),
    ['t=1 s=5', 't=1 s=10', 't=1 s=20', 't=2 s=5', 't=2 s=10', 't=2 s=20'],
  );
  assert.ok(cells.every(({ load }) => load.precision === 'f32'));
  assert.deepEqual(
    cells.map(({ load, audio }) => [load.threads, audio.kind === 'silence' && audio.seconds]),
    [1, 2].flatMap((threads) => [5, 10, 20].map((seconds) => [threads, seconds])),
  );
});

test('all ten axes at once: no combination is lost, no id given twice', () => {
  const recordings = ['x.wav', 'y z.wav'].map((path) => ({ kind: 'file', path }) as const);
  const cells = expandCells(recordings, {
    model: ['a', 'b'],
    what: ['0', '1'],
    backend: ['x64', 'wasm'],
    isa: ['avx2', 'avx512f'],
    precision: ['f32', 'bf16'],
    threads: [1, undefined],
    tokens: [8, 16],
    segment: [10, 30],
    batch: [1, 4],
    language: 'English',
  });
  assert.equal(cells.length, 1024);
  assert.equal(new Set(cells.map(({ id }) => id)).size, 1024);
  assert.equal(
    cells.at(-1)?.id,
    'd=b w=1 backend=wasm isa=avx512f precision=bf16 t=auto i=y z.wav tokens=16 segment=30 batch=4',
  );
  assert.deepEqual(cells.at(-1)?.load, { backend: 'wasm', isa: 'avx512f', precision: 'bf16' });
});

test('audio that is not cut is there once, whatever the batches', () => {
  const cells = expand({ segment: [0, 10, 30], batch: [1, 4] });
  assert.deepEqual(
    cells.map(({ id, segmentSeconds, batch }) => [id, segmentSeconds, batch]),
    [
      ['segment=0', null, 1],
      ['segment=10 batch=1', 10, 1],
      ['segment=10 batch=4', 10, 4],
      ['segment=30 batch=1', 30, 1],
      ['segment=30 batch=4', 30, 4],
    ],
  );
  const [usual] = expand({ segment: [30] });
  assert.deepEqual([usual?.id, usual?.batch], ['base', DEFAULT_BATCH]);
});

test('two cells alternate; more are shuffled, so that none has a place of its own', () => {
  const pair = runOrder(2);
  assert.deepEqual([0, 1, 2, 3].map(pair), [
    [0, 1],
    [1, 0],
    [0, 1],
    [1, 0],
  ]);
  const orderOf = runOrder(5);
  const places = Array.from({ length: 5 }, () => [0, 0, 0, 0, 0]);
  for (let round = 0; round < 2000; round++) {
    const order = orderOf(round);
    assert.deepEqual([...order].sort(), [0, 1, 2, 3, 4]);
    order.forEach((cell, place) => {
      places[cell]![place]!++;
    });
  }
  // Each cell 400 times at each place; 5 standard deviations are 90.
  for (const count of places.flat()) assert.ok(Math.abs(count - 400) < 90, String(count));
  assert.deepEqual(runOrder(5)(7), orderOf(7));
});

test('random weights decode 3 tokens a second, at least one', () => {
  assert.deepEqual([5000, 1000, 100, 11_000].map(syntheticTokens), [15, 3, 1, 33]);
});
