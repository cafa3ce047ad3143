import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { loadWav } from '../../src/index.js';
import { demoModelDir } from '../support/projectRoot.js';
import { wavOf16Bit } from '../support/wavWriter.js';
import { readAlignerGolden } from '../transcribe/support/checkAlignerGoldens.js';
import { noChromium, type Page } from './support/chromium.js';
import { PageTest, waitForText } from './support/pageTest.js';

/* The microphone, live: the browser plays a recording into it, once each time it is opened. */

const golden = readAlignerGolden('travel-de');
/** Before and after the speech. The first part of it is over before the page listens. */
const SILENCE_MS = 1500;

let pages: PageTest;
let speechMs: number;
const folder = mkdtempSync(join(tmpdir(), 'qwen-asr-live-'));

before(async () => {
  if (noChromium !== false) return;
  const { samples, durationMs } = await loadWav(join(demoModelDir, 'samples', golden.wav));
  speechMs = durationMs;
  const silence: number[] = new Array(16 * SILENCE_MS).fill(0);
  const codes = Array.from(samples, (sample) => Math.round(32_767 * sample));
  const speech = join(folder, 'speech.wav');
  writeFileSync(speech, wavOf16Bit([...silence, ...codes, ...silence]));
  pages = await PageTest.open(speech);
});

after(async () => {
  await pages?.close();
  rmSync(folder, { recursive: true });
});

/** Keeps every state of the text: what stands and what may change. */
const WATCH = `{
  const text = document.querySelector('#text');
  window.states = [];
  new MutationObserver(() => {
    const [committed, tentative] = text.querySelectorAll('span');
    window.states.push([committed?.textContent ?? '', tentative?.textContent ?? '']);
  }).observe(text, { childList: true, subtree: true, characterData: true });
}`;

async function begin(page: Page): Promise<void> {
  await page.evaluate(WATCH);
  await page.click('#live');
  await waitForText(page, '#text-status', /^Listening/);
}

async function end(page: Page): Promise<string> {
  await page.click('#live');
  await waitForText(page, '#text-status', /^microphone: German, \d+\.\d s$/);
  return (await page.textContent('#text')) ?? '';
}

/** What was committed only ever grew; returns the most that was tentative. */
async function checkStates(page: Page): Promise<number> {
  const states = (await page.evaluate('window.states')) as [committed: string, tentative: string][];
  let before = '';
  for (const [committed] of states) {
    assert.ok(committed.startsWith(before), `${before} became ${committed}`);
    before = committed;
  }
  assert.equal(states.at(-1)?.[1], '', 'nothing stays tentative');
  return Math.max(...states.map(([, tentative]) => tentative.length));
}

test(
  'what is said into the microphone is written while it is said, and its words have times',
  {
    skip: noChromium,
  },
  () =>
    pages.withPage(true, async (page) => {
      await page.selectOption('#aligner', 'demo');
      await page.click('#load-aligner');
      await waitForText(page, '#aligner-status', /^Loaded: /);
      await begin(page);
      assert.equal(await page.evaluate(`document.querySelector('#live').ariaPressed`), 'true');
      await setTimeout(SILENCE_MS + speechMs + 200);
      assert.notEqual(await page.textContent('#text'), '', 'written before it is stopped');
      assert.equal(await end(page), golden.text);
      assert.ok((await checkStates(page)) > 0, 'something was tentative');
      assert.equal(await page.evaluate(`document.querySelector('#live').ariaPressed`), 'false');

      const rows = (await page.evaluate(
        `[...document.querySelectorAll('#word-rows tr')].map((row) => [...row.cells].map((cell) => cell.textContent))`,
      )) as [string, string, string][];
      assert.deepEqual(
        rows.map(([, , word]) => word),
        golden.words.map(({ word }) => word),
      );
      // When the page began to listen is not known: times since the first word. A segment of its own may move a class or two.
      const [first] = rows;
      for (const [i, { word, startMs }] of golden.words.entries()) {
        const found = 1000 * (Number(rows[i]![0]) - Number(first![0]));
        const expected = startMs - golden.words[0]!.startMs;
        assert.ok(Math.abs(found - expected) <= 240, `${word}: ${found} ms, expected ${expected} ms`);
      }
    }),
);

test('stopped amid a sentence: the rest is transcribed, and the page goes on', { skip: noChromium }, () =>
  pages.withPage(false, async (page) => {
    await begin(page);
    await setTimeout(SILENCE_MS + speechMs / 2);
    const text = await end(page);
    await checkStates(page);
    assert.ok(text.length > golden.text.length / 4 && text.length < golden.text.length, text);
    const start = text.slice(0, golden.text.length / 4);
    assert.ok(golden.text.startsWith(start), `${text}, expected the start of ${golden.text}`);
    assert.ok(!(await page.isVisible('#words')));
    await page.click('#transcribe');
    await waitForText(page, '#text-status', /^timer-en\.wav: .* tokens in /);
    assert.equal(await page.textContent('#text'), 'Set a timer for seven minutes.');
  }),
);

test('a microphone that is refused, and one that is taken away', { skip: noChromium }, () =>
  pages.withPage(true, async (page) => {
    await page.evaluate(`{
      const devices = navigator.mediaDevices;
      const open = devices.getUserMedia.bind(devices);
      devices.getUserMedia = async () => { throw new DOMException('no', 'NotAllowedError'); };
      window.allow = () => {
        devices.getUserMedia = async (wanted) => (window.stream = await open(wanted));
      };
      undefined;
    }`);
    await page.focus('#live');
    await page.keyboard.press('Enter');
    await waitForText(page, '#text-status', /^microphone: permission was not given$/);
    assert.equal(await page.evaluate('document.activeElement.id'), 'live');

    await page.evaluate('window.allow()');
    await begin(page);
    await setTimeout(SILENCE_MS + speechMs / 4);
    // A track that stops by itself says so.
    await page.evaluate(
      `window.stream.getTracks().forEach((track) => track.dispatchEvent(new Event('ended')))`,
    );
    await waitForText(page, '#text-status', /^microphone: German, \d+\.\d s; the microphone is gone$/);
    await checkStates(page);
    assert.match((await page.textContent('#text')) ?? '', /^Guten Morgen\./);
    assert.equal(
      await page.evaluate(`document.querySelector('#live').textContent`),
      'Transcribe the microphone live',
    );
  }),
);
