import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BenchmarkAudio } from '../../src/bench/benchmarkAudio.js';
import type { BenchmarkPlan } from '../../src/bench/benchmarkPlan.js';
import { runBenchmark } from '../../src/bench/runBenchmark.js';
import { abortedError, FakeModel } from './fakeModel.js';

const PLAN: BenchmarkPlan = {
  mode: 'pipeline',
  runs: 3,
  audio: { kind: 'silence', seconds: 5 },
  model: 'any',
  load: {},
  exactTokens: undefined,
};
const SILENCE: BenchmarkAudio = {
  path: null,
  samples: new Float32Array(80_000),
  durationMs: 5000,
  decodeMs: 0,
  resampleMs: 0,
};
const SPEECH: BenchmarkAudio = {
  ...SILENCE,
  path: 'clip.wav',
  samples: new Float32Array(40_000).fill(0.25),
  durationMs: 2500,
};

test('the pipeline is warmed up once, then measured on the same samples in every run', async () => {
  const model = new FakeModel();
  const seen: number[] = [];
  const result = await runBenchmark(model, PLAN, SPEECH, {
    onStart: ({ samples }) => seen.push(-1, samples.length, model.transcribed.length),
    onRun: ({ samples }) => seen.push(samples.length),
  });
  assert.deepEqual(seen, [-1, 0, 0, 1, 2, 3]);
  assert.equal(model.transcribed.length, 4);
  assert.ok(model.transcribed.every(({ samples }) => samples === SPEECH.samples));
  assert.ok(model.transcribed.every(({ options }) => options.exactTokens === undefined));
  assert.equal(result.interrupted, false);
  assert.equal(result.mode, 'pipeline');
  for (const run of result.samples) {
    assert.equal(run.encodeMs, 7); // mel 1 + stem 2 + layers 4
    assert.equal('decodeMs' in run && run.decodeMs, 24); // prefill 8 + steps 16
    assert.ok('totalMs' in run && run.totalMs >= 0 && run.totalMs < 100); // wall time, not the fake's 127
  }
});

test('the encoder alone: mel once from a recording, no tokens decoded', async () => {
  const model = new FakeModel();
  const result = await runBenchmark(model, { ...PLAN, mode: 'encoder' }, SPEECH, {});
  assert.deepEqual(model.mels, [SPEECH.samples]);
  assert.equal(model.encoded.length, 4);
  assert.ok(model.encoded.every((mel) => mel === model.encoded[0]));
  assert.equal(model.transcribed.length, 0);
  assert.equal(result.mode === 'encoder' && result.frames, 250);
  assert.deepEqual(
    result.samples.map((run) => run.tokens),
    [65, 65, 65],
  );
});

test('the encoder alone: silence is a zeroed mel of 100 frames a second', async () => {
  const model = new FakeModel();
  const result = await runBenchmark(model, { ...PLAN, mode: 'encoder' }, SILENCE, {});
  assert.equal(model.mels.length, 0);
  const [mel] = model.encoded;
  assert.equal(mel?.frames, 500);
  assert.equal(mel?.data.length, 128 * 500);
  assert.ok(mel?.data.every((value) => value === 0));
  assert.equal(result.mode === 'encoder' && result.frames, 500);
});

test('--tokens reaches every run, the warm-up too', async () => {
  const model = new FakeModel();
  const result = await runBenchmark(model, { ...PLAN, exactTokens: 7 }, SILENCE, {});
  assert.ok(model.transcribed.every(({ options }) => options.exactTokens === 7));
  assert.deepEqual(result.notes, []);
  assert.equal(result.mode === 'pipeline' && result.exactTokens, 7);
});

test('random weights decode 3 tokens a second of audio and say so', async () => {
  const model = new FakeModel({ synthetic: true });
  const result = await runBenchmark(model, PLAN, SILENCE, {});
  assert.ok(model.transcribed.every(({ options }) => options.exactTokens === 15));
  assert.equal(result.notes.length, 1);
  assert.match(result.notes[0] ?? '', /meaningless.*15 tokens.*3 a second/);
});

for (const mode of ['pipeline', 'encoder'] as const) {
  test(`an abort ends the ${mode} benchmark with the runs that were finished`, async () => {
    const model = new FakeModel();
    const controller = new AbortController();
    model.onCall = (call) => {
      if (call < 3) return;
      controller.abort();
      throw abortedError();
    };
    const result = await runBenchmark(model, { ...PLAN, mode }, SILENCE, { signal: controller.signal });
    assert.equal(result.interrupted, true);
    assert.equal(result.samples.length, 1); // call 1 was the warm-up, call 2 the first run
  });
}

test('an abort between runs starts no further run', async () => {
  const model = new FakeModel();
  const controller = new AbortController();
  const result = await runBenchmark(model, PLAN, SILENCE, {
    signal: controller.signal,
    onRun: () => controller.abort(),
  });
  assert.equal(result.interrupted, true);
  assert.equal(model.transcribed.length, 2);
});

test('an error of the model is not mistaken for an abort', async () => {
  const model = new FakeModel();
  model.onCall = () => {
    throw new Error('broken');
  };
  await assert.rejects(runBenchmark(model, PLAN, SILENCE, {}), /broken/);
});
