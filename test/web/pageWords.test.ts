import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { TimedWord } from '../../src/index.js';
import { LocalHub } from '../hub/support/localHub.js';
import { demoAlignerDir, projectRoot } from '../support/projectRoot.js';
import { readAlignerGolden } from '../transcribe/support/checkAlignerGoldens.js';
import { noChromium, type Page } from './support/chromium.js';
import { downloadTranscript, PageTest, transcribeMicrophone, waitForText } from './support/pageTest.js';

/* Times of words on the page, held against what the independent implementation of the aligner says. */

let pages: PageTest;

before(async () => {
  if (noChromium === false) pages = await PageTest.open();
});

after(() => pages?.close());

const schema = JSON.parse(
  readFileSync(join(projectRoot, 'schemas', 'transcript-v1.schema.json'), 'utf8'),
) as object;
const isTranscript = new Ajv2020({ strict: false }).compile(schema);

interface SavedTranscript {
  readonly text: string;
  readonly audio: { readonly format: string };
  readonly segments: readonly { readonly words: readonly TimedWord[] | null }[];
}

async function downloadJson(page: Page): Promise<SavedTranscript> {
  const transcript = JSON.parse(await downloadTranscript(page, 'json'));
  assert.ok(isTranscript(transcript), JSON.stringify(isTranscript.errors));
  return transcript as SavedTranscript;
}

async function transcribe(page: Page, sample: string): Promise<void> {
  await page.selectOption('#sample', sample);
  await waitForText(page, '#audio-status', new RegExp(`^${sample}: [\\d.]+ s$`));
  await page.click('#transcribe');
  await waitForText(page, '#text-status', / tokens in /);
}

/** The words on the page and in its JSON are the golden's. */
async function checkWords(page: Page, clip: string): Promise<void> {
  const golden = readAlignerGolden(clip);
  await transcribe(page, golden.wav);
  const { text, segments } = await downloadJson(page);
  assert.equal(text, golden.text);
  const words = segments.flatMap((segment) => segment.words ?? []);
  const published = words.map(({ text, aligned, startMs, endMs }) => ({
    word: text,
    ...(aligned ?? { startMs, endMs }),
  }));
  assert.deepEqual(published, golden.words, clip);
  const shown = await page.evaluate(
    `[...document.querySelectorAll('#word-rows tr')].map((row) => [...row.cells].map((cell) => cell.textContent))`,
  );
  const seconds = (ms: number) => (ms / 1000).toFixed(2);
  assert.deepEqual(
    shown,
    words.map(({ startMs, endMs, text }) => [seconds(startMs), seconds(endMs), text]),
  );
  assert.ok(await page.isVisible('#words'));
}

test(
  'the demo aligner: words on the page, in JSON and in subtitles, until it is taken away',
  {
    skip: noChromium,
  },
  () =>
    pages.withPage(true, async (page) => {
      await transcribe(page, 'timer-en.wav');
      assert.equal((await downloadJson(page)).segments[0]?.words, null);
      assert.ok(!(await page.isVisible('#words')));
      assert.match(await downloadTranscript(page, 'srt'), /^1\n00:00:00,000 --> /);

      await page.selectOption('#aligner', 'demo');
      await page.click('#load-aligner');
      await waitForText(page, '#aligner-status', /^Loaded: demo-aligner \(4\.9 million parameters, /);
      for (const clip of ['lamp-zh', 'travel-de', 'timer-en']) await checkWords(page, clip);
      const [first] = readAlignerGolden('timer-en').words;
      assert.equal(first?.startMs, 80);
      assert.match(
        await downloadTranscript(page, 'srt'),
        /^1\n00:00:00,080 --> 00:00:0\d,\d{3}\nSet a timer for seven minutes\.\n\n$/,
      );
      assert.match(
        await downloadTranscript(page, 'vtt'),
        /^WEBVTT\n\n00:00:00\.080 --> [\d:.]+\nSet a timer for seven minutes\.\n\n$/,
      );
      assert.equal(await downloadTranscript(page, 'txt'), 'Set a timer for seven minutes.\n');

      await page.selectOption('#aligner', '');
      await waitForText(page, '#aligner-status', /^No aligner is loaded\.$/);
      await transcribe(page, 'timer-en.wav');
      assert.ok(!(await page.isVisible('#words')));
    }),
);

test('an aligner of the visitor, on one thread; a folder that is none', { skip: noChromium }, () =>
  pages.withPage(false, async (page) => {
    await page.selectOption('#aligner', 'folder');
    await page.click('#load-aligner');
    await waitForText(page, '#aligner-status', /^Not loaded: choose a folder first\.$/);
    await page.setInputFiles('#aligner-folder', join(projectRoot, 'models', 'demo'));
    await page.click('#load-aligner');
    await waitForText(page, '#aligner-status', /^Not loaded: demo: expected a forced aligner/);
    await page.setInputFiles('#aligner-folder', demoAlignerDir);
    await page.click('#load-aligner');
    await waitForText(page, '#aligner-status', /^Loaded: demo-aligner .*, 1 thread\.$/);
    await checkWords(page, 'weather-de');
  }),
);

test('an aligner of the hub, fetched into the browser when its button is pressed', {
  skip: noChromium,
}, async () => {
  const hub = await LocalHub.start();
  const names = readdirSync(demoAlignerDir).filter((name) => /\.(json|txt|safetensors)$/.test(name));
  hub.publish(
    'Qwen/Qwen3-ForcedAligner-0.6B',
    Object.fromEntries(names.map((name) => [name, readFileSync(join(demoAlignerDir, name))])),
  );
  try {
    await pages.withHub([hub.endpoint, hub.cdn], async (page) => {
      await page.waitForSelector('#transcribe:not([disabled])');
      await page.selectOption('#aligner', 'hub');
      await page.click('#load-aligner');
      await waitForText(page, '#aligner-status', /Qwen3-ForcedAligner-0\.6B: not in this browser's storage$/);
      assert.equal(hub.requests.length, 0, 'the hub was asked');
      await page.click('#aligner-look-up');
      await waitForText(page, '#aligner-hub-status', /^Qwen\/Qwen3-ForcedAligner-0\.6B: 9\.9 MB\.$/);
      await page.click('#aligner-fetch');
      await waitForText(page, '#aligner-hub-status', /is in this browser; Load takes it from there\.$/);
      await page.click('#load-aligner');
      await waitForText(page, '#aligner-status', /^Loaded: /);
      await checkWords(page, 'music-es');
      await page.click('#aligner-forget');
      await waitForText(page, '#aligner-hub-status', /is not in this browser\.$/);
    });
  } finally {
    hub.stop();
  }
});

test('a transcript of what the browser decoded is one of version 1, too', { skip: noChromium }, () =>
  pages.withPage(true, async (page) => {
    await transcribeMicrophone(page);
    assert.equal((await downloadJson(page)).audio.format, 'browser');
  }),
);
