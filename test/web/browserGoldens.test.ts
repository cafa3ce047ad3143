import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { joinTexts, loadModel, loadWav } from '../../src/index.js';
import { readGolden } from '../support/golden.js';
import { demoModelDir, goldenDir, projectRoot } from '../support/projectRoot.js';
import { DEMO_CLIPS, STAGE_BOUND } from '../transcribe/support/goldenClips.js';
import { type Chromium, noChromium, openChromium } from './support/chromium.js';
import type { LongOutcome, WorkerOutcome } from './support/goldenWorker.js';
import { serveFolder } from './support/serveFolder.js';

/* The library's browser entry in Chromium, as it is compiled and without a bundler. */

/** Holds `src` and `test` as compiled. */
const compiled = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

let chromium: Chromium;
let site: string;

before(async () => {
  if (noChromium !== false) return;
  chromium = await openChromium();
  site = mkdtempSync(join(tmpdir(), 'qwen-asr-site-'));
  writeFileSync(
    join(site, 'index.html'),
    '<!doctype html><link rel="icon" href="data:," /><title>goldens</title>',
  );
});

after(async () => {
  if (noChromium !== false) return;
  await chromium.close();
  rmSync(site, { recursive: true });
});

/** What goldenWorker.ts finds out. */
async function runWorker(isIsolated: boolean): Promise<WorkerOutcome> {
  const folders = {
    src: join(compiled, 'src'),
    test: join(compiled, 'test'),
    models: join(projectRoot, 'models'),
    golden: goldenDir,
  };
  const server = await serveFolder(site, isIsolated, folders);
  const page = await chromium.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(error.message));
  try {
    await page.goto(server.address);
    const outcome = await page.evaluate(`new Promise((resolve) => {
      const worker = new Worker('/test/web/support/goldenWorker.js', { type: 'module' });
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = ({ message }) => resolve({ error: 'worker: ' + message });
      worker.postMessage(null);
    })`);
    assert.deepEqual(complaints, []);
    assert.ok(!('error' in (outcome as object)), JSON.stringify(outcome));
    return outcome as WorkerOutcome;
  } finally {
    await page.close();
    await server.close();
  }
}

/** The long recording of goldenWorker.ts in Node. */
async function longInNode(): Promise<Pick<LongOutcome, 'texts' | 'startsMs'>> {
  const { samples: sentences } = await loadWav(join(demoModelDir, 'samples', 'morning-en.wav'));
  const samples = new Float32Array(6 * (sentences.length + 16_000));
  for (let i = 0; i < 6; i++) samples.set(sentences, i * (sentences.length + 16_000));
  const model = await loadModel(demoModelDir, { backend: 'wasm', threads: 1 });
  try {
    const segments = [];
    for await (const segment of model.transcribeLong(samples, { segmentMs: 12_000 })) segments.push(segment);
    return { texts: segments.map(({ text }) => text), startsMs: segments.map(({ startMs }) => startMs) };
  } finally {
    await model.close();
  }
}

for (const isIsolated of [true, false]) {
  const how = isIsolated ? 'cross-origin isolated, two threads' : 'not isolated, one thread';
  test(`${how}: stages, tokens and texts of all goldens, and a long recording`, {
    skip: noChromium,
  }, async () => {
    const { isa, threads, goldens, long, variants } = await runWorker(isIsolated);
    assert.deepEqual([isa, threads], ['relaxed-simd', isIsolated ? 2 : 1]);
    assert.deepEqual(
      goldens.map(({ name }) => name),
      DEMO_CLIPS.map(({ name }) => name),
    );
    for (const { name, stageErrors, ...found } of goldens) {
      for (const [stage, error] of Object.entries(stageErrors)) {
        assert.ok(error < STAGE_BOUND.f32, `${name} ${stage}: relative RMS ${error}`);
      }
      const golden = readGolden(name);
      assert.deepEqual(
        found,
        {
          tokenIds: golden.tokens,
          raw: golden.raw,
          language: golden.language,
          text: golden.text,
          promptTokenCount: golden.prompt_ids.length,
          audioTokenCount: golden.shapes['encoder']![0],
        },
        name,
      );
    }
    for (const [i, precision] of ['int8', 'int4'].entries()) {
      const { name, ...found } = variants[i]!;
      const golden = readFileSync(join(goldenDir, 'variants', name, 'golden.json'), 'utf8');
      const { clips } = JSON.parse(golden) as { clips: Record<string, { tokens: readonly number[] }> };
      const tokens = Object.fromEntries(Object.entries(clips).map(([wav, clip]) => [wav, clip.tokens]));
      assert.deepEqual(found, { precision, tokens }, name);
    }
    assert.ok(long.durationMs > 60_000);
    const { texts, startsMs } = await longInNode();
    assert.ok(texts.length >= 5, `${texts.length} segments`);
    assert.deepEqual([long.texts, long.startsMs, long.joined], [texts, startsMs, joinTexts(texts)]);
    assert.equal(long.segmentsHeard, texts.length);
    assert.equal(long.mostRows, 4);
  });
}
