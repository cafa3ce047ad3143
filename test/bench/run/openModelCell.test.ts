import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RunMeters } from '../../../src/bench/meters/runMeters.js';
import type { ModelCellPlan } from '../../../src/bench/plan/benchPlan.js';
import type { BenchmarkAudio } from '../../../src/bench/run/cellSession.js';
import { ModelPool, openModelCell } from '../../../src/bench/run/openModelCell.js';
import { hashTokens } from '../../../src/bench/schema/machineRecord.js';
import { decodeStepWork } from '../../../src/bench/workload.js';
import { abortedError, FakeModel } from '../fakeModel.js';
import { fakeCell } from '../support/fakeCells.js';

const SILENCE: BenchmarkAudio = {
  path: null,
  samples: new Float32Array(80_000),
  durationMs: 5000,
  decodeMs: 0,
  resampleMs: 0,
  notes: [],
};
const SPEECH: BenchmarkAudio = {
  ...SILENCE,
  path: 'clip.wav',
  samples: new Float32Array(40_000).fill(0.25),
  durationMs: 2500,
  decodeMs: 7,
  resampleMs: 3,
};

/** A cell on a fake model. */
function openOn(
  model: FakeModel,
  audio: BenchmarkAudio,
  plan: Partial<ModelCellPlan> = {},
  signal?: AbortSignal,
) {
  const pool = new ModelPool({ load: async () => model, freeBytes: () => 2 ** 40 });
  return openModelCell(fakeCell('base', plan), { pool, meters: new RunMeters(), audio }, { signal });
}

test('the pipeline hears the same samples in every run, and its phases sum to the wall time', async () => {
  const model = new FakeModel();
  const cell = await openOn(model, SPEECH);
  assert.equal(model.transcribed.length, 0); // opening runs nothing
  const runs = [await cell.run(), await cell.run()];
  assert.ok(model.transcribed.every(({ samples }) => samples === SPEECH.samples));
  assert.ok(model.transcribed.every(({ options }) => options.exactTokens === undefined));
  for (const run of runs) {
    assert.equal(run.encodeMs, 7); // mel 1 + stem 2 + layers 4
    assert.equal(run.decodeMs, 24); // prefill 8 + steps 16
    assert.ok(run.totalMs >= 0 && run.totalMs < 100); // wall time, not the fake's 127
    assert.deepEqual([run.tokens, run.textTokens, run.promptTokens, run.audioTokens], [6, 2, 80, 65]);
    assert.equal(run.tokenHash, hashTokens([11528, 6364, 151704, 9707, 13, 151645]));
    assert.deepEqual([run.text, run.language], ['Hello.', 'English']);
    assert.equal(run.firstTokenMs, 15);
    assert.match(run.startedAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  }
  assert.deepEqual(
    { ...cell.facts.setup, loadMs: null, memory: null },
    { loadMs: null, audioDecodeMs: 7, resampleMs: 3, memory: null },
  );
  assert.deepEqual([cell.facts.frames, cell.facts.durationMs], [250, 2500]);
});

test('a decode step reads the weights and the mean of the cache that the steps saw', async () => {
  const model = new FakeModel();
  const cell = await openOn(model, SPEECH);
  const run = await cell.run();
  // 6 tokens: five steps, after 81 … 85 positions.
  const { bytes } = decodeStepWork(model.info, 83);
  assert.equal(run.bytesReadPerToken, bytes);
  assert.deepEqual(
    cell.work(run).map(({ phase }) => phase),
    ['convStem', 'encoderLayers', 'prefill', 'decode'],
  );
});

test('the encoder alone: mel once from a recording, no tokens decoded', async () => {
  const model = new FakeModel();
  const cell = await openOn(model, SPEECH, { mode: 'encoder' });
  assert.deepEqual(model.mels, [SPEECH.samples]);
  const runs = [await cell.run(), await cell.run(), await cell.run()];
  assert.deepEqual(model.mels, [SPEECH.samples]);
  assert.equal(model.encoded.length, 3);
  assert.ok(model.encoded.every((mel) => mel === model.encoded[0]));
  assert.equal(model.transcribed.length, 0);
  assert.equal(cell.facts.frames, 250);
  for (const { encodeMs, totalMs, decodeMs, audioTokens, tokens, tokenHash } of runs) {
    assert.deepEqual([encodeMs, decodeMs, audioTokens, tokens, tokenHash], [totalMs, null, 65, null, null]);
  }
});

test('the encoder alone: silence is a zeroed mel of 100 frames a second', async () => {
  const model = new FakeModel();
  const cell = await openOn(model, SILENCE, { mode: 'encoder' });
  await cell.run();
  assert.equal(model.mels.length, 0);
  const [mel] = model.encoded;
  assert.deepEqual([mel?.frames, mel?.data.length], [500, 128 * 500]);
  assert.ok(mel?.data.every((value) => value === 0));
});

test('--tokens and --language reach every run', async () => {
  const model = new FakeModel();
  const cell = await openOn(model, SILENCE, { exactTokens: 7, language: 'German' });
  await cell.run();
  await cell.run();
  assert.ok(model.transcribed.every(({ options }) => options.exactTokens === 7));
  assert.ok(model.transcribed.every(({ options }) => options.language === 'German'));
  assert.deepEqual([cell.facts.exactTokens, cell.facts.notes], [7, []]);
});

test('random weights decode 3 tokens a second of audio and say so', async () => {
  const model = new FakeModel({ synthetic: true });
  const cell = await openOn(model, SILENCE);
  await cell.run();
  assert.equal(model.transcribed[0]?.options.exactTokens, 15);
  assert.equal(cell.facts.notes.length, 1);
  assert.match(cell.facts.notes[0] ?? '', /meaningless.*15 tokens.*3 a second/);
  const encoder = await openOn(model, SILENCE, { mode: 'encoder' });
  assert.deepEqual([encoder.facts.exactTokens, encoder.facts.notes], [null, ['the weights are random']]);
});

test('a run rejects with what the model throws', async () => {
  const model = new FakeModel();
  const controller = new AbortController();
  const cell = await openOn(model, SILENCE, {}, controller.signal);
  model.onCall = () => {
    throw abortedError();
  };
  await assert.rejects(cell.run(), { code: 'aborted' });
  assert.equal(model.transcribed[0]?.options.signal, controller.signal);
});

test('a model that had to give way is loaded anew and warmed up once before its next run', async () => {
  const loaded: FakeModel[] = [];
  const closed: FakeModel[] = [];
  const pool = new ModelPool({
    load: async () => {
      const model = new FakeModel();
      model.close = async () => {
        closed.push(model);
      };
      loaded.push(model);
      return model;
    },
    freeBytes: () => 0,
  });
  const parts = { pool, meters: new RunMeters(), audio: SILENCE };
  const a = await openModelCell(fakeCell('t=1', { load: { threads: 1 } }), parts, {});
  const b = await openModelCell(fakeCell('t=2', { load: { threads: 2 } }), parts, {});
  assert.deepEqual(closed, [loaded[0]]);
  await b.run();
  assert.equal(loaded.length, 2);
  assert.equal(loaded[1]?.transcribed.length, 1);
  await a.run();
  assert.equal(loaded.length, 3);
  assert.equal(loaded[2]?.transcribed.length, 2);
  await pool.close();
  assert.deepEqual(closed, loaded);
});

test('cells of one setting share their model while memory allows; others are loaded side by side', async () => {
  const loaded: string[] = [];
  const pool = new ModelPool({
    load: async (source, { threads }) => {
      loaded.push(`${source} ${threads}`);
      return new FakeModel();
    },
    freeBytes: () => 2 ** 40,
  });
  const get = (source: string, threads: number) => pool.get({ source, load: { threads } }, {});
  const first = await get('a', 1);
  assert.equal(first.fresh, true);
  assert.equal((await get('b', 1)).fresh, true);
  assert.equal((await get('a', 2)).fresh, true);
  const again = await get('a', 1);
  assert.deepEqual([again.fresh, again.model === first.model], [false, true]);
  assert.deepEqual(loaded, ['a 1', 'b 1', 'a 2']);
});
