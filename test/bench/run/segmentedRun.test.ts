import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RunMeters } from '../../../src/bench/meters/runMeters.js';
import type { PhaseTimes } from '../../../src/bench/phases.js';
import type { ModelCellPlan } from '../../../src/bench/plan/benchPlan.js';
import {
  type BenchmarkAudio,
  type CellSession,
  loadBenchmarkAudio,
} from '../../../src/bench/run/cellSession.js';
import { ModelPool, openModelCell } from '../../../src/bench/run/openModelCell.js';
import { hashTokens } from '../../../src/bench/schema/machineRecord.js';
import { findMetric } from '../../../src/bench/schema/metrics.js';
import type { RunRecord } from '../../../src/bench/schema/runRecord.js';
import { decodeStepWork } from '../../../src/bench/workload.js';
import { createReferenceBackend } from '../../../src/ops/reference/referenceBackend.js';
import { loadModel } from '../../../src/transcribe/loadModel.js';
import type { SpeechModel } from '../../../src/transcribe/types.js';
import { demoModelDir } from '../../support/projectRoot.js';
import { Random } from '../../support/random.js';
import { speakSentences } from '../../support/sentences.js';
import { FakeModel } from '../fakeModel.js';
import { fakeCell } from '../support/fakeCells.js';
import { modelOnBackend } from '../support/modelOnBackend.js';
import { DELAY_MS, TestClock } from '../support/testClock.js';
import { wrapBackend } from '../support/wrapBackend.js';

function openCell(
  model: SpeechModel,
  audio: BenchmarkAudio,
  plan: Partial<ModelCellPlan>,
): Promise<CellSession> {
  const pool = new ModelPool({ load: async () => model, freeBytes: () => 2 ** 40 });
  return openModelCell(fakeCell('base', plan), { pool, meters: new RunMeters(), audio }, {});
}

const silence = (seconds: number) => loadBenchmarkAudio({ kind: 'silence', seconds });

function recordingOf(samples: Float32Array): BenchmarkAudio {
  return {
    path: 'clip.wav',
    samples,
    durationMs: samples.length / 16,
    decodeMs: 0,
    resampleMs: 0,
    notes: [],
  };
}

/** All parts that are known, without those of no time at all. */
function lasting(phases: PhaseTimes): Record<string, number> {
  return Object.fromEntries(
    Object.entries(phases).flatMap(([phase, ms]) => (ms === null || ms === 0 ? [] : [[phase, ms]])),
  );
}

/** Three segments of a second, two at a time, four tokens each. */
const THREE = { segmentSeconds: 1, batch: 2, exactTokens: 4 } as const;

const PASSES: readonly (readonly [pass: string, phase: keyof PhaseTimes, times: number])[] = [
  ['log-mel', 'melMs', 3],
  ['conv stem', 'convStemMs', 3],
  ['encoder layers', 'encoderLayersMs', 3],
  ['prefill', 'prefillMs', 3],
  // The prefill makes the first token: three steps for two segments, three for the last.
  ['decode step', 'decodeMs', 6],
];

for (const [pass, phase, times] of PASSES) {
  test(`segments: a delay in ${pass} shows in ${phase} and nowhere else, once a pass`, async (t) => {
    const clock = new TestClock(t);
    const backend = wrapBackend(createReferenceBackend(), {
      beforeRun: async (label) => {
        if (label === pass) clock.delay();
      },
    });
    const model = await modelOnBackend(demoModelDir, backend);
    const run = await (await openCell(model, await silence(3), THREE)).run();
    await model.close();
    assert.deepEqual(lasting(run.phases), { [phase]: times * DELAY_MS });
    assert.equal(run.totalMs, times * DELAY_MS);
    // Of the first segment alone.
    assert.equal(run.firstTokenMs, pass === 'decode step' ? 0 : DELAY_MS);
    assert.deepEqual(run.decodeStepRows, [2, 2, 2, 1, 1, 1]);
    if (pass !== 'decode step') return;
    assert.deepEqual(run.decodeStepsMs, Array(6).fill(DELAY_MS));
    const rate = findMetric('tokens_per_second')?.of(run, { audioDurationMs: 3000, encoderLayers: null });
    assert.equal(rate, 9 / (6 * DELAY_MS) / 1e-3);
  });
}

test('segments: a delay in cutting shows in segmentMs and nowhere else', async (t) => {
  const clock = new TestClock(t);
  const model = await modelOnBackend(demoModelDir, createReferenceBackend());
  const cell = await openCell(model, recordingOf(new Float32Array(48_000)), THREE);
  // The recording, or the copy that was made of it, takes its time to be cut.
  const { subarray } = Float32Array.prototype;
  t.mock.method(
    Object.getPrototypeOf(Float32Array.prototype) as Float32Array,
    'subarray',
    function (this: Float32Array, begin?: number, end?: number) {
      if (this.length === 48_000 && end !== undefined && end - (begin ?? 0) < 48_000) clock.delay();
      return subarray.call(this, begin, end);
    },
  );
  const { phases, totalMs, firstTokenMs } = await cell.run();
  await model.close();
  const { segmentMs = 0 } = phases;
  assert.ok((segmentMs ?? 0) >= 3 * DELAY_MS, `${segmentMs}`);
  assert.deepEqual(lasting(phases), { segmentMs: totalMs });
  assert.ok((firstTokenMs ?? 0) >= DELAY_MS);
});

test('text, tokens and hash are those of all segments; a batch changes none of them', async (t) => {
  const { samples, texts } = await speakSentences([0, 1, 2, 3]);
  const model = await loadModel(demoModelDir);
  const expected: { tokenIds: number[]; textTokens: number; promptTokens: number; audioTokens: number } = {
    tokenIds: [],
    ...{ textTokens: 0, promptTokens: 0, audioTokens: 0 },
  };
  for await (const segment of model.transcribeLong(samples, { segmentMs: 4000, batch: 1 })) {
    expected.tokenIds.push(...segment.tokenIds);
    expected.textTokens += segment.textTokenCount;
    expected.promptTokens += segment.promptTokenCount;
    expected.audioTokens += segment.audioTokenCount;
  }
  const runs = new Map<number, RunRecord>();
  for (const batch of [1, 3]) {
    const cell = await openCell(model, recordingOf(samples), { segmentSeconds: 4, batch });
    assert.deepEqual([cell.facts.segments, cell.facts.durationMs], [4, 16_000]);
    const run = await cell.run();
    runs.set(batch, run);
    assert.equal(run.text, texts.join(' '));
    assert.deepEqual(run.tokenIds, expected.tokenIds);
    assert.equal(run.tokenHash, hashTokens(expected.tokenIds));
    assert.equal(run.tokens, expected.tokenIds.length);
    assert.deepEqual(
      [run.textTokens, run.promptTokens, run.audioTokens],
      [expected.textTokens, expected.promptTokens, expected.audioTokens],
    );
    assert.equal(run.language, 'English,German,Spanish');
    const segments = run.segments ?? [];
    assert.deepEqual(
      segments.map(({ startMs }) => startMs),
      [0, ...segments.slice(0, -1).map(({ endMs }) => endMs)],
    );
    assert.equal(segments.at(-1)?.endMs, 16_000);
    assert.ok(segments.every(({ heardMs, startMs, endMs }) => heardMs > 1000 && heardMs < endMs - startMs));
    assert.equal(
      segments.reduce((sum, { tokens }) => sum + tokens, 0),
      run.tokens,
    );
    // Every token but the first of a segment comes from a step.
    const rows = run.decodeStepRows ?? [];
    assert.equal(rows.length, run.decodeStepsMs.length);
    assert.equal(
      rows.reduce((sum, count) => sum + count, 0),
      expected.tokenIds.length - 4,
    );
    assert.equal(Math.max(...rows), batch);
    assert.equal(
      cell.facts.frames,
      segments.reduce((sum, { heardMs }) => sum + Math.floor(heardMs / 10), 0),
    );
    const work = cell.work(run);
    assert.deepEqual(
      work.map(({ phase }) => phase),
      ['convStem', 'encoderLayers', 'prefill', 'decode'],
    );
    assert.equal(
      Math.round((run.bytesReadPerToken ?? 0) * (expected.tokenIds.length - 4)),
      Math.round(work.at(-1)?.bytes ?? 0),
    );
  }
  const [alone, together] = [runs.get(1), runs.get(3)];
  const weights = decodeStepWork(model.info, 0).bytes;
  const saved = (alone?.decodeStepsMs.length ?? 0) - (together?.decodeStepsMs.length ?? 0);
  const tokens = expected.tokenIds.length - 4;
  assert.equal(
    Math.round((alone?.bytesReadPerToken ?? 0) - (together?.bytesReadPerToken ?? 0)),
    Math.round((saved * weights) / tokens),
  );
  t.diagnostic(`${saved} steps fewer of ${tokens}`);
  await model.close();
});

test('of segments too the parts sum to the wall time, and next to nothing is other', async () => {
  const { samples } = await speakSentences([0, 1, 2, 3]);
  const model = await loadModel(demoModelDir);
  for (const batch of [1, 3]) {
    const cell = await openCell(model, recordingOf(samples), { segmentSeconds: 4, batch });
    await cell.run();
    // Every segment is a clip of its own, and what lies between phases is there for each: as in a run of a clip, 1 ms.
    let least = Number.POSITIVE_INFINITY;
    for (let attempt = 0; attempt < 300 && least > 0; attempt++) {
      const { phases, totalMs, encodeMs, decodeMs, memory } = await cell.run();
      const sum = Object.values(phases).reduce<number>((total, ms) => total + (ms ?? 0), 0);
      assert.ok(Math.abs(sum - totalMs) < 1e-6, `${sum} of ${totalMs}`);
      assert.ok(
        Math.abs(
          (encodeMs ?? 0) - (phases.melMs ?? 0) - (phases.convStemMs ?? 0) - (phases.encoderLayersMs ?? 0),
        ) < 1e-9,
      );
      assert.equal(decodeMs, (phases.prefillMs ?? 0) + (phases.decodeMs ?? 0));
      assert.deepEqual(
        ['mel', 'convStem', 'encoderLayers', 'prefill', 'decode', 'run'].filter(
          (phase) => !(phase in (memory ?? {})),
        ),
        [],
      );
      least = Math.min(least, (phases.otherMs ?? 0) - Math.max(4, 0.02 * totalMs));
    }
    assert.ok(least <= 0, `batch ${batch}: ${least} ms too much`);
  }
  await model.close();
});

test('with voice activity only speech is measured, and a recording without any takes no decode step', async () => {
  const { samples, texts } = await speakSentences([0, 1, 2]);
  const model = await loadModel(demoModelDir);
  const cell = await openCell(model, recordingOf(samples), { vad: true, batch: 2 });
  const run = await cell.run();
  assert.deepEqual([cell.facts.segments, run.text], [3, texts.join(' ')]);
  const heardMs = run.segments!.reduce((sum, segment) => sum + segment.heardMs, 0);
  assert.ok(heardMs > 5000 && heardMs < 9000, `${heardMs} of 12000 ms`);
  const noise = new Random(29).floats(5 * 16_000, 0.2);
  const nothing = await openCell(model, recordingOf(noise), { vad: true, batch: 4 });
  const { text, tokens, firstTokenMs, segments, decodeStepsMs } = await nothing.run();
  assert.deepEqual([text, tokens, firstTokenMs, segments, decodeStepsMs], ['', 0, null, [], []]);
  assert.equal(nothing.facts.frames, 0);
  await model.close();
});

test('silence that is left out is not heard, but is part of the recording', async () => {
  const { samples: spoken, texts } = await speakSentences([0, 1]);
  const samples = new Float32Array(spoken.length + 5 * 16_000);
  samples.set(spoken.subarray(0, 64_000));
  samples.set(spoken.subarray(64_000), 64_000 + 5 * 16_000);
  const model = await loadModel(demoModelDir);
  const whole = await openCell(model, recordingOf(samples), { skipSilence: true });
  const run = await whole.run();
  assert.deepEqual([whole.facts.segments, run.segments?.length], [1, 1]);
  assert.ok((run.segments?.[0]?.heardMs ?? 0) < 8000 && run.segments?.[0]?.endMs === 13_000);
  const cut = await openCell(model, recordingOf(samples), { skipSilence: true, segmentSeconds: 4, batch: 2 });
  assert.equal((await cut.run()).text, texts.join(' '));
  const nothing = await openCell(model, recordingOf(new Float32Array(48_000)), { skipSilence: true });
  const { text, tokens, firstTokenMs, segments, decodeStepsMs, bytesReadPerToken } = await nothing.run();
  assert.deepEqual([text, tokens, firstTokenMs, decodeStepsMs, bytesReadPerToken], ['', 0, null, [], null]);
  assert.deepEqual(segments, [
    {
      startMs: 0,
      endMs: 3000,
      heardMs: 0,
      tokens: 0,
      promptTokens: 0,
      audioTokens: 0,
      text: '',
      language: null,
    },
  ]);
  assert.ok(nothing.work(await nothing.run()).every(({ flops }) => flops === 0));
  await model.close();
});

test('--tokens counts for every segment; random weights share theirs out', async () => {
  const model = new FakeModel();
  const audio = await silence(12);
  const asked = await openCell(model, audio, { segmentSeconds: 4, batch: 4, exactTokens: 7 });
  await asked.run();
  assert.equal(asked.facts.exactTokens, 7);
  assert.equal(model.transcribed.length, 3);
  assert.ok(model.transcribed.every(({ options }) => options.exactTokens === 7));
  const random = new FakeModel({ synthetic: true });
  const shared = await openCell(random, audio, { segmentSeconds: 4, batch: 4 });
  await shared.run();
  // 12 s: 36 tokens.
  assert.ok(random.transcribed.every(({ options }) => options.exactTokens === 12));
  assert.match(shared.facts.notes[0] ?? '', /12 tokens in each of 3 segments \(3 a second of audio/);
});
