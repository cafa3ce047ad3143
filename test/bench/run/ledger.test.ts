import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Resampler } from '../../../src/audio/resample.js';
import { RunMeters } from '../../../src/bench/meters/runMeters.js';
import type { PhaseTimes } from '../../../src/bench/phases.js';
import {
  type BenchmarkAudio,
  type CellSession,
  loadBenchmarkAudio,
} from '../../../src/bench/run/cellSession.js';
import { ModelPool, openModelCell } from '../../../src/bench/run/openModelCell.js';
import { createReferenceBackend } from '../../../src/ops/reference/referenceBackend.js';
import { loadModel } from '../../../src/transcribe/loadModel.js';
import type { SpeechModel } from '../../../src/transcribe/types.js';
import { demoModelDir } from '../../support/projectRoot.js';
import { wavOf16Bit } from '../../support/wavWriter.js';
import { fakeCell } from '../support/fakeCells.js';
import { modelOnBackend } from '../support/modelOnBackend.js';
import { DELAY_MS, TestClock } from '../support/testClock.js';
import { wrapBackend } from '../support/wrapBackend.js';

const scratch = mkdtempSync(join(tmpdir(), 'qwen-asr-ledger-'));
after(() => rmSync(scratch, { recursive: true }));

async function openCell(model: SpeechModel, audio: BenchmarkAudio): Promise<CellSession> {
  const pool = new ModelPool({ load: async () => model, freeBytes: () => 2 ** 40 });
  return openModelCell(fakeCell('base', { exactTokens: 4 }), { pool, meters: new RunMeters(), audio }, {});
}

const silence = (seconds: number) => loadBenchmarkAudio({ kind: 'silence', seconds });

/** All parts that are known, without those of no time at all. */
function lasting(phases: PhaseTimes): Record<string, number> {
  return Object.fromEntries(
    Object.entries(phases).flatMap(([phase, ms]) => (ms === null || ms === 0 ? [] : [[phase, ms]])),
  );
}

const PASSES: readonly (readonly [pass: string, phase: keyof PhaseTimes, times: number])[] = [
  ['log-mel', 'melMs', 1],
  ['conv stem', 'convStemMs', 1],
  ['encoder layers', 'encoderLayersMs', 1],
  ['prefill', 'prefillMs', 1],
  ['decode step', 'decodeMs', 3], // of 4 tokens the prefill makes the first
];

for (const [pass, phase, times] of PASSES) {
  test(`a delay of 50 ms in ${pass} shows in ${phase} and nowhere else`, async (t) => {
    const clock = new TestClock(t);
    const backend = wrapBackend(createReferenceBackend(), {
      beforeRun: async (label) => {
        if (label === pass) clock.delay();
      },
    });
    const model = await modelOnBackend(demoModelDir, backend);
    const run = await (await openCell(model, await silence(1))).run();
    assert.deepEqual(lasting(run.phases), { [phase]: times * DELAY_MS });
    assert.equal(run.totalMs, times * DELAY_MS);
    assert.equal(run.firstTokenMs, pass === 'decode step' ? 0 : DELAY_MS);
    await model.close();
  });
}

test('of the encoder alone: a delay shows in its phase', async (t) => {
  const clock = new TestClock(t);
  const backend = wrapBackend(createReferenceBackend(), {
    beforeRun: async (label) => {
      if (label === 'encoder layers') clock.delay();
    },
  });
  const model = await modelOnBackend(demoModelDir, backend);
  const pool = new ModelPool({ load: async () => model, freeBytes: () => 2 ** 40 });
  const parts = { pool, meters: new RunMeters(), audio: await silence(1) };
  const cell = await openModelCell(fakeCell('base', { mode: 'encoder' }), parts, {});
  const run = await cell.run();
  assert.deepEqual(lasting(run.phases), { encoderLayersMs: DELAY_MS });
  assert.deepEqual([run.totalMs, run.encodeMs], [DELAY_MS, DELAY_MS]);
  await model.close();
});

test('a delay in turning tokens into text shows in detokenizeMs, one between the phases in otherMs', async (t) => {
  const clock = new TestClock(t);
  const model = await modelOnBackend(demoModelDir, createReferenceBackend(), (text) => {
    const { tokenizer } = text;
    const streamDecoder = tokenizer.streamDecoder.bind(tokenizer);
    t.mock.method(tokenizer, 'streamDecoder', () => {
      clock.delay(); // when the output is set up, which is no phase's work
      const decoder = streamDecoder();
      const push = decoder.push.bind(decoder);
      t.mock.method(decoder, 'push', (id: number) => {
        clock.delay();
        return push(id);
      });
      return decoder;
    });
    return text;
  });
  const run = await (await openCell(model, await silence(1))).run();
  assert.deepEqual(lasting(run.phases), { detokenizeMs: 4 * DELAY_MS, otherMs: DELAY_MS });
  assert.equal(run.totalMs, 5 * DELAY_MS);
  await model.close();
});

test('a delay in loading shows in the setup', async (t) => {
  const clock = new TestClock(t);
  const pool = new ModelPool({
    load: async (source, options) => {
      clock.delay();
      return loadModel(source, options);
    },
  });
  const plan = fakeCell('base', { model: demoModelDir, load: { backend: 'reference' } });
  const cell = await openModelCell(plan, { pool, meters: new RunMeters(), audio: await silence(1) }, {});
  assert.equal(cell.facts.setup.loadMs, DELAY_MS);
  await pool.close();
});

test('a slow resampler shows in the time of resampling', async (t) => {
  const codes = Array.from({ length: 44_100 }, (_, i) => Math.round(8000 * Math.sin(i / 20)));
  const path = join(scratch, 'clip.wav');
  writeFileSync(path, wavOf16Bit(codes, 44_100));
  const clock = new TestClock(t);
  const { flush } = Resampler.prototype;
  t.mock.method(Resampler.prototype, 'flush', function slowFlush(this: Resampler) {
    clock.delay();
    return flush.call(this);
  });
  const { resampleMs, decodeMs } = await loadBenchmarkAudio({ kind: 'file', path });
  assert.deepEqual([resampleMs, decodeMs], [DELAY_MS, 0]);
});

test('a slow file shows in the time of decoding it', async (t) => {
  if (process.platform === 'win32') return t.skip('there are no named pipes in its file system');
  const path = join(scratch, 'quick.wav');
  writeFileSync(path, wavOf16Bit(Array.from({ length: 16_000 }, () => 0)));
  const pipe = join(scratch, 'pipe');
  execFileSync('mkfifo', [pipe]);
  const writer = spawn('sh', ['-c', `sleep 0.3; cat '${path}' > '${pipe}'`]);
  const written = new Promise((resolve) => writer.on('close', resolve));
  const { decodeMs, resampleMs, samples } = await loadBenchmarkAudio({ kind: 'file', path: pipe });
  assert.ok(decodeMs >= 200, `${decodeMs}`);
  assert.ok(resampleMs < 200, `${resampleMs}`);
  assert.equal(samples.length, 16_000);
  await written;
});

test('other is below 2 % or 1 ms of a run that nothing disturbs', async () => {
  const model = await loadModel(demoModelDir);
  const cell = await openCell(model, await silence(3));
  await cell.run();
  // What the phases leave out by construction is left out in every run; a busy machine adds to some.
  let least = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < 300 && least > 0; attempt++) {
    const { phases, totalMs } = await cell.run();
    const sum = Object.values(phases).reduce<number>((total, ms) => total + (ms ?? 0), 0);
    assert.ok(Math.abs(sum - totalMs) < 1e-6, `${sum} of ${totalMs}`);
    least = Math.min(least, (phases.otherMs ?? 0) - Math.max(1, 0.02 * totalMs));
  }
  assert.ok(least <= 0, `${least} ms too much`);
  await model.close();
});

test('every run tells the peak of its memory, by phase', async (t) => {
  const model = await loadModel(demoModelDir);
  const cell = await openCell(model, await silence(3));
  const { memory } = await cell.run();
  await model.close();
  if (process.platform !== 'linux') t.diagnostic('peaks are only sampled here');
  for (const phase of ['mel', 'convStem', 'encoderLayers', 'prefill', 'decode'] as const) {
    const peak = memory?.[phase] ?? 0;
    assert.ok(peak > 2 ** 20 && peak <= (memory?.run ?? 0), `${phase} ${peak} of ${memory?.run}`);
  }
});
