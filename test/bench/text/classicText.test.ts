import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RunRecord } from '../../../src/bench/schema/runRecord.js';
import {
  type ClassicCell,
  type ClassicTableCell,
  formatLoading,
  formatMode,
  formatRun,
  formatSystemInfo,
  formatTable,
  formatWarmup,
} from '../../../src/bench/text/classicText.js';
import { fakeRun } from '../support/fakeCells.js';

const PIPELINE: ClassicCell & ClassicTableCell = {
  mode: 'pipeline',
  runs: 5,
  audioPath: null,
  durationMs: 5000,
  frames: 500,
  encoderLayers: 24,
};
const ENCODER: ClassicCell & ClassicTableCell = { ...PIPELINE, mode: 'encoder' };

const pipelineRun = (totalMs: number, encodeMs: number, decodeMs: number, textTokens = 0) =>
  fakeRun(totalMs, { encodeMs, decodeMs, textTokens });
const encoderRun = (ms: number, audioTokens: number) => fakeRun(ms, { encodeMs: ms, audioTokens });

/** Every line of a benchmark in the order the command prints them. */
function wholeText(subject: ClassicCell & ClassicTableCell, runs: readonly RunRecord[]): string {
  return [
    formatMode(subject),
    formatWarmup(subject),
    ...runs.map((run, index) => formatRun(subject, index + 1, run)),
    formatTable(subject, runs),
  ].join('');
}

// Runs 1 and 2 are the document's; the others are any that give its minimum, mean and maximum.
const SEED_RUNS = [
  pipelineRun(1842, 1204, 638),
  pipelineRun(1790, 1183, 607),
  pipelineRun(1788, 1181, 603),
  pipelineRun(1820, 1201, 611),
  pipelineRun(1820, 1201, 611),
];

test("the seed's full-pipeline output comes out byte for byte", () => {
  const expected = `system_info: n_threads = 8 / 8

Loading model from qwen3-asr-1.7b ...
Mode: full pipeline  |  5 run(s)  |  5.0 s  [synthetic silence]

  warmup ...
  run 1/5:  total=  1842 ms  enc=  1204 ms  dec=   638 ms  tokens=0  rt=0.37x
  run 2/5:  total=  1790 ms  enc=  1183 ms  dec=   607 ms  tokens=0  rt=0.36x
  run 3/5:  total=  1788 ms  enc=  1181 ms  dec=   603 ms  tokens=0  rt=0.36x
  run 4/5:  total=  1820 ms  enc=  1201 ms  dec=   611 ms  tokens=0  rt=0.36x
  run 5/5:  total=  1820 ms  enc=  1201 ms  dec=   611 ms  tokens=0  rt=0.36x

               min      mean       max
total        1788.0    1812.0    1842.0  ms
encode       1181.0    1194.0    1204.0  ms
decode        603.0     614.0     638.0  ms
rt_factor       0.36      0.36      0.37  x RT
`;
  const found = formatSystemInfo(8, 8) + formatLoading('qwen3-asr-1.7b') + wholeText(PIPELINE, SEED_RUNS);
  assert.equal(found, expected);
});

test("the seed's lines for a recording come out byte for byte", () => {
  const subject = { ...PIPELINE, audioPath: 'samples/jfk.wav', durationMs: 11_000 };
  assert.equal(
    formatMode(subject) + formatWarmup(subject) + formatRun(subject, 1, pipelineRun(3210, 2190, 1020, 32)),
    `Mode: full pipeline  |  5 run(s)  |  11.0 s  [samples/jfk.wav]

  warmup ...
  run 1/5:  total=  3210 ms  enc=  2190 ms  dec=  1020 ms  tokens=32  rt=0.29x
`,
  );
});

test("the seed's encoder-only output comes out byte for byte", () => {
  // Mean 1192.0: 1198 + 1181 + 3581 = 5 · 1192.
  const runs = [1198, 1181, 1194, 1194, 1193].map((ms) => encoderRun(ms, 50));
  assert.equal(
    formatMode(ENCODER) +
      formatWarmup(ENCODER) +
      formatRun(ENCODER, 1, encoderRun(1198, 50)) +
      formatTable(ENCODER, runs),
    `Mode: encoder only  |  5 run(s)  |  500 frames (5.0 s)  [synthetic silence]

  run 1/5:  enc=  1198 ms  seq_len=50

               min      mean       max
encode       1181.0    1192.0    1198.0  ms
per layer      49.2      49.7      49.9  ms/layer
`,
  );
});

test('an interrupted benchmark prints the table of what was finished, and none for nothing', () => {
  assert.match(
    formatTable(PIPELINE, SEED_RUNS.slice(0, 2)),
    /^total {8}1790\.0 {4}1816\.0 {4}1842\.0 {2}ms$/m,
  );
  assert.equal(formatTable(PIPELINE, []), '');
});

test('under a budget nobody knows how many runs there will be', () => {
  const subject = { ...PIPELINE, runs: null };
  assert.match(formatMode(subject), /^Mode: full pipeline {2}\| {2}timed runs {2}\| {2}5\.0 s/);
  assert.match(formatRun(subject, 3, pipelineRun(1842, 1204, 638)), /^ {2}run 3: {2}total= {2}1842 ms/);
});
