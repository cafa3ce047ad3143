import assert from 'node:assert/strict';
import { test } from 'node:test';
import type {
  BenchmarkSubject,
  EncoderResult,
  PipelineResult,
  PipelineRun,
} from '../../src/bench/benchmarkResult.js';
import {
  formatLoading,
  formatMode,
  formatRun,
  formatSummary,
  formatSystemInfo,
} from '../../src/bench/seedReport.js';
import { FAKE_TIMINGS, INFO_1_7B } from './fakeModel.js';

const SUBJECT: BenchmarkSubject = {
  runs: 5,
  audioPath: null,
  durationMs: 5000,
  model: INFO_1_7B,
  notes: [],
};

function pipelineRun(totalMs: number, encodeMs: number, decodeMs: number, tokens = 0): PipelineRun {
  return {
    totalMs,
    encodeMs,
    decodeMs,
    tokens,
    language: '',
    text: '',
    tokenIds: [],
    timings: FAKE_TIMINGS,
  };
}

function pipeline(runs: readonly PipelineRun[], subject: Partial<BenchmarkSubject> = {}): PipelineResult {
  return {
    mode: 'pipeline',
    ...SUBJECT,
    ...subject,
    exactTokens: null,
    samples: runs,
    interrupted: false,
  };
}

function encoder(encodeMs: readonly number[], tokens: number): EncoderResult {
  const samples = encodeMs.map((ms) => ({
    encodeMs: ms,
    tokens,
    timings: { convStemMs: 0, encoderLayersMs: ms },
  }));
  return { mode: 'encoder', ...SUBJECT, frames: 500, samples, interrupted: false };
}

/** Every line of a benchmark in the order the command prints them. */
function wholeText(result: PipelineResult | EncoderResult): string {
  const runLines = result.samples.map((_, index) =>
    formatRun({ ...result, samples: result.samples.slice(0, index + 1) } as typeof result),
  );
  return [
    formatSystemInfo(8, 8),
    formatLoading(result.model.source),
    formatMode(result),
    ...runLines,
    formatSummary(result),
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
  assert.equal(wholeText(pipeline(SEED_RUNS)), expected);
});

test("the seed's lines for a recording come out byte for byte", () => {
  const run = pipelineRun(3210, 2190, 1020, 32);
  const result = pipeline([run], { audioPath: 'samples/jfk.wav', durationMs: 11_000 });
  assert.equal(
    formatMode(result) + formatRun(result),
    `Mode: full pipeline  |  5 run(s)  |  11.0 s  [samples/jfk.wav]

  warmup ...
  run 1/5:  total=  3210 ms  enc=  2190 ms  dec=  1020 ms  tokens=32  rt=0.29x
`,
  );
});

test("the seed's encoder-only output comes out byte for byte", () => {
  // Mean 1192.0: 1198 + 1181 + 3581 = 5 · 1192.
  const result = encoder([1198, 1181, 1194, 1194, 1193], 50);
  const first = { ...result, samples: result.samples.slice(0, 1) };
  assert.equal(
    formatMode(result) + formatRun(first) + formatSummary(result),
    `Mode: encoder only  |  5 run(s)  |  500 frames (5.0 s)  [synthetic silence]

  run 1/5:  enc=  1198 ms  seq_len=50

               min      mean       max
encode       1181.0    1192.0    1198.0  ms
per layer      49.2      49.7      49.9  ms/layer
`,
  );
});

test('notes stand after the table, and only when there are any', () => {
  const plain = formatSummary(pipeline(SEED_RUNS));
  const noted = formatSummary(pipeline(SEED_RUNS, { notes: ['one.', 'two.'] }));
  assert.equal(noted, `${plain}\nnote: one.\nnote: two.\n`);
});

test('an interrupted benchmark prints the table of what was finished, and none for nothing', () => {
  const two = formatSummary({ ...pipeline(SEED_RUNS.slice(0, 2)), interrupted: true });
  assert.match(two, /^total {8}1790\.0 {4}1816\.0 {4}1842\.0 {2}ms$/m);
  assert.equal(formatSummary({ ...pipeline([]), interrupted: true }), '');
});
