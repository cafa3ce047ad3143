import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { joinTexts, loadModel, loadWav } from '../../src/index.js';
import { ENCODE, ENCODER, type EncodedFormat, skipWithout } from '../audio/support/encoders.js';
import { readGolden } from '../support/golden.js';
import { demoModelDir } from '../support/projectRoot.js';
import { noChromium } from './support/chromium.js';
import { benchmark, PageTest, waitForText } from './support/pageTest.js';

/* Files of the visitor: every format that the command line decodes, and recordings of more than a minute. */

let pages: PageTest;
const folder = mkdtempSync(join(tmpdir(), 'qwen-asr-page-audio-'));

before(async () => {
  if (noChromium === false) pages = await PageTest.open();
});

after(async () => {
  await pages?.close();
  rmSync(folder, { recursive: true });
});

const EXTENSIONS = { wav: 'wav', mp3: 'mp3', flac: 'flac', vorbis: 'ogg', opus: 'opus' } as const;

for (const format of Object.keys(ENCODE) as EncodedFormat[]) {
  const tool = ENCODER[format];
  const skip = noChromium || (tool === null ? false : skipWithout(tool));
  test(`a file of the visitor: ${format}`, { skip }, () =>
    pages.withPage(true, async (page) => {
      const golden = readGolden('demo/timer-en');
      const wav = new Uint8Array(readFileSync(join(demoModelDir, 'samples', golden.wav)));
      const name = `clip.${EXTENSIONS[format]}`;
      writeFileSync(join(folder, name), ENCODE[format](wav));
      await page.setInputFiles('#file', join(folder, name));
      const status = await waitForText(page, '#audio-status', new RegExp(`^${name}: [\\d.]+ s$`));
      // Codecs may leave some padding at the ends.
      const seconds = Number(/: ([\d.]+) s$/.exec(status)?.[1]);
      assert.ok(Math.abs(seconds - golden.samples / 16_000) <= 0.15, status);
      await page.click('#transcribe');
      await waitForText(page, '#text-status', / tokens in /);
      assert.equal(await page.textContent('#text'), golden.text);
    }),
  );
}

/** 16-bit mono at 16 kHz. */
function wavOf(samples: Float32Array): Uint8Array {
  const bytes = new Uint8Array(44 + 2 * samples.length);
  const view = new DataView(bytes.buffer);
  const text = (at: number, letters: string) => bytes.set(new TextEncoder().encode(letters), at);
  text(0, 'RIFF');
  view.setUint32(4, bytes.length - 8, true);
  text(8, 'WAVEfmt ');
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, 16_000, true);
  view.setUint32(28, 32_000, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  text(36, 'data');
  view.setUint32(40, 2 * samples.length, true);
  samples.forEach((sample, i) => {
    view.setInt16(44 + 2 * i, Math.round(32_767 * sample), true);
  });
  return bytes;
}

test(
  'a recording of more than a minute: segments with their times, progress, and a benchmark of it',
  {
    skip: noChromium,
  },
  () =>
    pages.withPage(true, async (page) => {
      const { samples: sentences } = await loadWav(join(demoModelDir, 'samples', 'morning-en.wav'));
      const samples = new Float32Array(10 * (sentences.length + 16_000));
      for (let i = 0; i < 10; i++) samples.set(sentences, i * (sentences.length + 16_000));
      const path = join(folder, 'long.wav');
      writeFileSync(path, wavOf(samples));
      const model = await loadModel(demoModelDir, { backend: 'wasm', threads: 1 });
      const expected = [];
      for await (const segment of model.transcribeLong((await loadWav(path)).samples)) expected.push(segment);
      await model.close();
      assert.ok(expected.length >= 3);

      await page.setInputFiles('#file', path);
      await waitForText(page, '#audio-status', /^long\.wav: \d:\d\d min$/);
      await page.evaluate(`{
      const reached = document.querySelector('#text-reached');
      window.reached = [];
      new MutationObserver(() => window.reached.push(reached.textContent)).observe(reached, { childList: true });
    }`);
      await page.click('#transcribe');
      await waitForText(page, '#text-status', / tokens in .* segments$/);
      const shown = (await page.evaluate(
        `[...document.querySelectorAll('#text p:not([hidden])')].map((p) => p.textContent)`,
      )) as string[];
      const clock = (ms: number) =>
        `${Math.floor(ms / 60_000)}:${String(Math.floor(ms / 1000) % 60).padStart(2, '0')}`;
      assert.deepEqual(
        shown,
        expected.map(({ startMs, text }) => `${clock(startMs)} ${text}`),
      );
      // Segments that end together are told of together.
      const reached = (await page.evaluate('window.reached')) as string[];
      assert.ok(reached.length >= 1, 'progress');
      assert.ok(
        reached.every((text) => /^\d:\d\d of \d:\d\d$/.test(text)),
        reached.join(' | '),
      );

      const { cells } = (await benchmark(page, 1)).result;
      const [run] = cells[0]!.runs;
      assert.equal(run?.text, joinTexts(expected.map(({ text }) => text)));
      assert.equal(run?.segments?.length, expected.length);
      assert.deepEqual([cells[0]!.settings.segmentSeconds, cells[0]!.settings.batch], [30, 4]);
    }),
);
